"""Organizations and their operators: history, second factor, colour. It knows nothing of runs."""
