"""Exports of runs and persons: a ZIP with a report that needs no service. It imports no entry point."""
