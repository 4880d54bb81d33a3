"""Codes of objects: drawn, mixed, moved along directions and curves. Numpy only."""
