"""What the project claims of itself, measured: each file is a command, `python -m benchmarks.NAME --help`."""
