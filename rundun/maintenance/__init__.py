"""Maintenance: scheduled backups, retention, overwriting of erased data, and findings about the service's health."""
