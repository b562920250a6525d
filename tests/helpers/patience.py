"""How long a test waits before it gives up."""

PATIENCE = 60.0
"""Seconds. It only ends a hang: what is slow on a busy machine still passes, and no test says by it how fast it is."""
