"""Two phones at one step, every order of what they do and send: the record is what was taken and not deleted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from rundun.core.runs.photo_list import counted_photos, leave_out, unite

Message = tuple[str, str, tuple[str, ...], frozenset[str]]  # kind, photo, a list and what its sender had seen
Deed = tuple[str, str]  # take, retake or delete a photo, or look


@dataclass(frozen=True)
class Record:
    """A step on the server, by the three functions alone."""

    listed: tuple[str, ...] | None = None
    left_out: tuple[str, ...] = ()
    stored: tuple[str, ...] = ()
    deleted: frozenset[str] = frozenset()

    def photos(self) -> tuple[str, ...]:
        return self.stored if self.listed is None else counted_photos(self.listed, self.left_out, self.stored, ())

    def after(self, message: Message) -> "Record":
        kind, photo, sent, seen = message
        if kind == "list":
            listed = unite(sent, seen, () if self.listed is None else self.photos(), self.deleted)
            return replace(self, listed=listed, left_out=leave_out(listed, seen, self.left_out, self.stored))
        if kind == "upload":
            return self if photo in self.deleted else replace(self, stored=(*self.stored, photo))
        listed = None if self.listed is None else tuple(one for one in self.listed if one != photo)
        stored = tuple(one for one in self.stored if one != photo)
        return replace(self, listed=listed, stored=stored, deleted=self.deleted | {photo})


@dataclass(frozen=True)
class Phone:
    """A phone with what is still to be done on it, shown, and on its way: lists overtake uploads, never each other."""

    todo: tuple[Deed, ...]
    shown: tuple[str, ...] = ()
    seen: frozenset[str] = frozenset()
    lists: tuple[Message, ...] = ()
    uploads: tuple[Message, ...] = ()

    def done(self, record: Record) -> "Phone":
        (kind, photo), *todo = self.todo
        one = replace(self, todo=tuple(todo))
        if kind == "look":
            new = tuple(each for each in record.photos() if each not in one.seen)
            kept = tuple(each for each in one.shown if each not in record.deleted)
            return replace(one, shown=(*kept, *new), seen=one.seen | set(new))
        if kind == "delete" and photo not in one.shown:
            return one  # which nobody can who does not see it
        if kind in ("take", "retake"):
            one = replace(one, shown=(*one.shown, photo), seen=one.seen | {photo})
            one = replace(one, uploads=(*one.uploads, ("upload", photo, (), frozenset())))
        if kind in ("retake", "delete"):
            gone = one.shown[0] if kind == "retake" else photo
            one = replace(one, shown=tuple(each for each in one.shown if each != gone))
            one = replace(one, uploads=(*one.uploads, ("delete", gone, (), frozenset())))
        return replace(one, lists=(*one.lists, ("list", "", one.shown, one.seen)))


def ends(ed: Phone, olga: Phone) -> Iterator[tuple[Record, frozenset[str]]]:
    """All records that two phones can leave behind, each with what was deleted on either."""
    known: set[tuple[Record, Phone, Phone, frozenset[str]]] = set()
    open_: list[tuple[Record, Phone, Phone, frozenset[str]]] = [(Record(), ed, olga, frozenset())]
    while open_:
        state = open_.pop()
        if state in known:
            continue
        known.add(state)
        record, *phones, deleted = state
        if not any(phone.todo or phone.lists or phone.uploads for phone in phones):
            yield record, deleted
        for number, phone in enumerate(phones):
            others = list(phones)
            if phone.todo:
                others[number] = phone.done(record)
                gone = {message[1] for message in others[number].uploads if message[0] == "delete"}
                open_.append((record, *others, deleted | gone))
            if phone.lists:
                others[number] = replace(phone, lists=phone.lists[1:])
                open_.append((record.after(phone.lists[0]), *others, deleted))
            if phone.uploads:
                others[number] = replace(phone, uploads=phone.uploads[1:])
                open_.append((record.after(phone.uploads[0]), *others, deleted))


LOOK = ("look", "")


@pytest.mark.parametrize(
    ("ed", "olga"),
    [
        ([("take", "a")], [("take", "b")]),
        ([("take", "a"), ("take", "c")], [("take", "b"), LOOK]),
        ([("take", "a")], [LOOK, ("take", "b")]),
        ([("take", "a")], [LOOK, ("delete", "a"), ("take", "b")]),
        ([("take", "a"), ("retake", "c")], [LOOK, ("take", "b")]),
        ([("take", "a"), ("retake", "c")], [("take", "b"), LOOK, ("delete", "a")]),
        ([("take", "a"), ("delete", "a")], [LOOK, ("take", "b")]),
        ([("take", "a"), LOOK, ("delete", "b")], [("take", "b"), LOOK]),
        ([("take", "a"), LOOK, ("retake", "c")], [LOOK, ("take", "b")]),
    ],
)
def test_in_every_order_the_record_has_what_was_taken_and_not_deleted(ed: list[Deed], olga: list[Deed]) -> None:
    taken = {photo for kind, photo in (*ed, *olga) if kind in ("take", "retake")}
    count = 0
    for record, deleted in ends(Phone(tuple(ed)), Phone(tuple(olga))):
        assert set(record.photos()) == taken - deleted, record
        assert set(record.photos()) <= set(record.stored), "nothing is waited for that nobody sends"
        assert len(set(record.photos())) == len(record.photos())
        count += 1
    assert count > 0


def test_the_order_is_that_of_the_list_then_of_arrival() -> None:
    assert unite(["b", "c"], [], ["a", "b"], []) == ("b", "c", "a")
    assert unite(["b"], ["a"], ["a", "b"], []) == ("b",)
    assert unite(["b", "a"], [], ["a"], ["a"]) == ("b",)
    assert counted_photos(["b"], [], ["a", "b", "c"], []) == ("b", "a", "c")


def test_what_was_left_out_stays_out_until_it_is_listed() -> None:
    assert leave_out(["b"], ["a"], [], ["a", "b", "c"]) == ("a",)
    assert leave_out(["b"], [], ["a"], ["a", "b"]) == ("a",)
    assert leave_out(["a"], [], ["a"], ["a", "b"]) == ()
    assert leave_out(["b"], ["a"], [], ["b"]) == (), "it never arrived, and counts should it do so after all"
    assert counted_photos(["b"], ["a"], ["a", "b"], []) == ("b",)


def test_only_the_drawn_one_counts() -> None:
    assert counted_photos(["plain", "other"], [], ["plain", "drawn", "other"], ["plain"]) == ("other", "drawn")
