"""Commands for organizations, their operators and keys."""
