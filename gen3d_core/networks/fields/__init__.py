"""Conditional fields: what a point is, given codes."""
