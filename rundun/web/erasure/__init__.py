"""Erasing a person, for API, console and command line, and which copies still hold what is erased."""
