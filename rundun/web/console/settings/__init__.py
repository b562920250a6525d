"""The console's settings, a file for each page."""
