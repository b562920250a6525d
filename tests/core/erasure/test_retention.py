"""How long things are kept: what an organization and a template say, and what of both holds."""

from hypothesis import given, strategies as st

from rundun.core import times
from rundun.core.erasure.retention import Kept, Retention, TemplateRetention, effective_days, is_due, is_shorter

DAYS = st.none() | st.integers(1, 5)
OWN_DAYS = st.none() | st.integers(0, 5)  # 0: for ever


def earliest(*days: int | None) -> int | None:
    return min((one for one in days if one is not None), default=None)


@given(DAYS, DAYS, OWN_DAYS, OWN_DAYS)
def test_a_template_comes_first_and_photos_go_with_their_run_at_the_latest(
    photos: int | None, runs: int | None, own_photos: int | None, own_runs: int | None
) -> None:
    kept = effective_days(Retention(photos, runs), TemplateRetention(own_photos, own_runs))
    assert kept.runs_days == {None: runs, 0: None}.get(own_runs, own_runs)
    assert kept.photos_days == earliest({None: photos, 0: None}.get(own_photos, own_photos), kept.runs_days)


def test_all_is_kept_for_ever_until_somebody_says_otherwise_but_attempts() -> None:
    assert effective_days(Retention(), TemplateRetention()) == Kept(None, None)
    assert Retention().attempts_days == 90


def test_what_is_kept_for_days_is_due_on_the_millisecond_and_nothing_of_an_open_run() -> None:
    closed_at = 1_700_000_000_123
    assert not is_due(closed_at, 2, closed_at + 2 * times.DAY - 1)
    assert is_due(closed_at, 2, closed_at + 2 * times.DAY)
    assert not is_due(None, 2, closed_at + 2 * times.DAY)
    assert not is_due(closed_at, None, 2**53)


@given(DAYS, DAYS, st.integers(0, 6 * times.DAY))
def test_a_shorter_time_is_one_by_which_something_is_due_earlier(
    before: int | None, after: int | None, age: int
) -> None:
    if not is_shorter(before, after):
        assert not is_due(0, after, age) or is_due(0, before, age)
    else:
        assert after is not None
        assert is_due(0, after, after * times.DAY)
        assert not is_due(0, before, after * times.DAY)
