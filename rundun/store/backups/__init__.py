"""Copies of the whole file: made, checked, and put in its place."""
