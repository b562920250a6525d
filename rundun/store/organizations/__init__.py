"""Organizations, their operators and keys, and what they use. It imports nothing of runs."""
