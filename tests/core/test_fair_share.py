"""Fair shares: greedy owners leave something for a new one."""

import pytest

from rundun.core.fair_share import owner_limit


@pytest.mark.parametrize(("owners", "capacity"), [(1, 8), (2, 9), (3, 128), (7, 8)])
def test_greedy_owners_get_equal_shares_and_leave_one(owners: int, capacity: int) -> None:
    held = [0] * owners
    for _ in range(capacity):
        for owner in range(owners):
            held[owner] += held[owner] < owner_limit(capacity, sum(held))
    assert max(held) - min(held) <= 1
    assert 0 < capacity - sum(held) <= capacity // (owners + 1) + 1


def test_an_owner_stays_where_others_took_the_rest() -> None:
    assert owner_limit(4, 4) == 0
