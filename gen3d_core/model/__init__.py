"""A `.gen3d` file as a model that makes meshes: its archive, its graphs run by onnxruntime, what its encoder predicts."""
