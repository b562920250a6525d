"""Commands that erase runs and persons, and set retention periods."""
