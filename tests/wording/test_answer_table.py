"""The columns of several versions of a template, in line."""

from hypothesis import given, strategies as some

from rundun.wording.answer_table import FieldColumn, line_up

VERSIONS = some.lists(some.lists(some.integers(0, 12), unique=True, max_size=8), max_size=6)


@given(VERSIONS)
def test_each_part_stands_once_and_behind_what_it_followed(versions: list[list[int]]) -> None:
    expected: list[int] = []
    for version in versions:
        place = 0
        for part in version:
            if part in expected:
                place = expected.index(part) + 1
            else:
                expected.insert(place, part)
                place += 1
    columns = [[FieldColumn(str(part), "", "text") for part in version] for version in versions]
    assert [int(part.id) for part in line_up(columns)] == expected
