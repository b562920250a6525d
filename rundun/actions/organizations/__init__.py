"""What can happen to organizations, operators and keys. It imports no action on runs."""
