"""Faults looked for by seed, case by case: malformed model files, kills at any moment, odd environments;
`python -m tests.faults`."""
