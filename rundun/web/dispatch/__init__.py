"""Dispatches, for API, console and command line: reading of their bodies, and warnings."""
