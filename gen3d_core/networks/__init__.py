"""The networks: layers, fields, the encoder of pictures. Needs torch."""
