"""Meshes: a field sampled on a lattice, its surface extracted and cleaned, measured, written to files. Numpy only."""
