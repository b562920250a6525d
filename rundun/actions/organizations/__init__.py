"""What can happen to organizations, operators and keys. It knows nothing of runs."""
