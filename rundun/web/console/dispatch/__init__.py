"""The pages that dispatch jobs, one at a time or as a table."""
