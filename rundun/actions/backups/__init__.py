"""Whether backups are missed, and what is held after one was restored."""
