"""Signing in and out, and the links that make operators or give them a new password."""
