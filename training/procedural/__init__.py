"""Families of objects made by rules, to learn from and to judge by."""
