"""Dispatches, for API, console and command line: their bodies read whole, and what stands in their way."""
