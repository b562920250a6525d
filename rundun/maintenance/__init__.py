"""What keeps the service well: backups on schedule, deleting, overwriting, and findings on its health."""
