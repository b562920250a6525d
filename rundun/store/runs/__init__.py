"""Runs with their answers, remarks and events; their lists and searches."""
