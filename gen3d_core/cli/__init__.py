"""The console command `gen3d`."""
