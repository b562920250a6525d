"""Retention periods; the subject of an export or erasure."""
