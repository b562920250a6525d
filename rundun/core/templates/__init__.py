"""The checklist language: what a template may say, and its rules. It imports nothing of runs."""
