"""Signing in and out, and the links for invitations and new passwords."""
