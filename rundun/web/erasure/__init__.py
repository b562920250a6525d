"""Erasure of a person for API, console and command line, and the copies that still hold erased data."""
