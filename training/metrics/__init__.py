"""Measures of pictures and meshes: how near, how varied, how clean."""
