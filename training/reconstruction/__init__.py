"""Training by reconstruction: a generator first learns to show objects of which several pictures are known."""
