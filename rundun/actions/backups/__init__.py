"""Missed backups, and the hold on deliveries after a restore."""
