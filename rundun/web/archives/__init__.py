"""Runs and persons given out: as a ZIP, with a report that needs no service."""
