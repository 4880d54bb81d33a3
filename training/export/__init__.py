"""From a run to one model file: `gen3d-train export`."""
