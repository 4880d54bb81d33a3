"""Chairs by rules: a plan, then bases, seats and backs."""
