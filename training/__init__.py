"""Everything that needs pictures: rendering and preparing data sets, training, judging and exporting models."""
