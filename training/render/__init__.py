"""Data sets rendered from meshes by Blender: `gen3d-train render`."""
