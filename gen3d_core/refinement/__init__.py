"""Codes, and weights, improved by gradient until a picture fits. Needs torch."""
