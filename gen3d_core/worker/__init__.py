"""The process that makes meshes for a client such as Blender: `python -m gen3d_core.worker`."""
