"""The game of GRAF and 3DGEN: critics of patches, losses, schedules. Needs torch."""
