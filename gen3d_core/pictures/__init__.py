"""Pictures: people's, cut out and framed, and those drawn of meshes."""
