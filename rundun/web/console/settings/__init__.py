"""The console's settings, a page a file."""
