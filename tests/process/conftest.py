"""Servers in processes of their own, which end with the test."""

import pytest

from tests.helpers.processes.server import Context


@pytest.fixture
def service():
    """Start servers, each with a patience and flags of its own."""
    started = []

    def start(*patience, **given):
        started.append(Context(*patience, **given))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.communicate()
