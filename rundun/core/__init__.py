"""What a checklist is: pure functions and frozen values; no clock, no randomness, no I/O, no await."""
