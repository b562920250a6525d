"""The pages that erase runs and persons, and say for how long things are kept."""
