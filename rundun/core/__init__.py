"""The rules of checklists: pure functions and frozen values; no clock, no randomness, no I/O, no await."""
