"""Actions on organizations, operators and API keys. It imports no action on runs."""
