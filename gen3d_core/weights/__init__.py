"""The torch half of a model file: its weights, its configuration, its graphs. Needs torch."""
