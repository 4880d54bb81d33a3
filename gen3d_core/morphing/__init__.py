"""One object that becomes another: meshes along a path of codes. Numpy only."""
