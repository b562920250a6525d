"""Dispatches for API, console and command line: reading their bodies, and warnings."""
