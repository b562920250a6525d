"""Organizations and their operators: history, second factor, colour. It imports nothing of runs."""
