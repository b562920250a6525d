"""Times as people say them, by the days of the organization's zone."""

from datetime import UTC, datetime

import pytest

from rundun.wording import relative_time
from rundun.wording.time_zone import Zone
from tests.helpers.service import pages

NOW = datetime(2026, 11, 26, 22, 30, tzinfo=UTC)  # in Madrid half past eleven at night, a Thursday


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("2026-11-26T22:29:30Z", "just now"),
        ("2026-11-26T22:18:00Z", "12 min ago"),
        ("2026-11-26T20:30:00Z", "today 21:30"),
        ("2026-11-26T16:00:00Z", "today 17:00"),
        ("2026-11-26T22:45:00Z", "today 23:45"),
        ("2026-11-26T23:15:00Z", "tomorrow 00:15"),
        ("2026-11-27T10:00:00Z", "tomorrow 11:00"),
        ("2026-11-25T10:00:00Z", "yesterday 11:00"),
        ("2026-11-23T10:00:00Z", "Mon 11:00"),
        ("2026-12-01T10:00:00Z", "Tue 11:00"),
        ("2026-11-03T10:00:00Z", "3 Nov"),
        ("2025-11-03T10:00:00Z", "3 Nov 2025"),
    ],
)
def test_a_time_is_said_as_people_say_it(at: str, said: str) -> None:
    english = pages().console_words.language(["en"])
    milliseconds = [int(each.timestamp()) * 1000 for each in (NOW, datetime.fromisoformat(at))]
    assert relative_time.time_text(english, Zone("Europe/Madrid"), *milliseconds) == said
