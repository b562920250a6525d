"""The checklist language: what a template may say, and its rules. It knows nothing of runs."""
