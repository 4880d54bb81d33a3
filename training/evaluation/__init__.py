"""Judging a trained model: measures with their floors, pages, comparisons."""
