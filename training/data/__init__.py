"""Data sets of pictures: made from anyone's pictures, read, drawn from."""
