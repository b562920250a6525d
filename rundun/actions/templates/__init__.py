"""What can happen to templates, and to the pictures that they show. It imports no action on runs."""
