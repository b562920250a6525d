"""What can happen: one function is one transaction."""
