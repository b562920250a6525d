"""How long a test waits before it gives up."""

PATIENCE = 60.0
"""Seconds. They only end a hang: what is slow on a busy machine still passes, and proves no speed."""
