"""What can happen to templates, and to the pictures that they show. It knows nothing of runs."""
