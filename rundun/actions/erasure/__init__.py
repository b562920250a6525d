"""Erasing runs and persons, retention, and the replay of erasures after a restore."""
