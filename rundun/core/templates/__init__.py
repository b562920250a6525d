"""The checklist language: a template's models and the rules between their fields. It imports nothing of runs."""
