"""The adversarial training of a generator: `gen3d-train train`."""
