"""Commands that make copies of the database, and put them in its place."""
