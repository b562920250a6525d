"""Storage: the only SQL."""
