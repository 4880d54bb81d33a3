"""The training of an encoder for a finished generator: `gen3d-train encoder`."""
