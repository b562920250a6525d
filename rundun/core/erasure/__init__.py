"""Retention periods, and the person whose data is exported or erased."""
