"""Copies of the database file: making backups, checking and restoring them."""
