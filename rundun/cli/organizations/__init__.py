"""Commands about organizations, their operators and keys."""
