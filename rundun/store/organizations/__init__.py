"""Organizations, their operators and keys, and what they use. It knows nothing of runs."""
