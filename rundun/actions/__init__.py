"""Actions, what can happen: one function is one transaction."""
