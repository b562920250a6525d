"""Commands that make and restore copies of the database."""
