"""Exports of runs and persons as ZIP archives, with a report that needs no service. It imports no entry point."""
