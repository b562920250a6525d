"""Actions on templates and their pictures. It imports no action on runs."""
