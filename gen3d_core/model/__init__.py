"""A `.gen3d` file as a model that makes meshes: archive, graphs run by onnxruntime, what its encoder predicts."""
