"""The search text of a run, folded (without case and accents), and the needles that a search looks for in it."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from rundun.core.actor import Identity

MAX_LENGTH = 200  # characters of a search
MAX_PART = 500  # characters of a field that can be found
MAX_TEXT = 4000  # characters of a search text, before and after folding: a letter can become eighteen
SHORT = 3  # characters; a shorter search finds only beginnings of words
_BEGINS = ("\n", " ")  # the characters before a word

# Combining classes of marks that are often left out in writing: accents and points of Latin, Greek, Cyrillic, Hebrew
# and Arabic letters. Marks of other scripts distinguish letters: か is not が.
_ACCENTS = frozenset((1, *range(10, 36), 202, 214, 216, 218, 220, 222, 228, *range(230, 236), 240))
_MARKS = (
    *range(0x300, 0x370),
    *range(0x483, 0x488),
    *range(0x591, 0x5C8),
    *range(0x610, 0x6EE),
    *range(0x1DC0, 0x1E00),
)
_UNSEEN = (0, 0xAD, 0x640, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A))
# Also letters that Unicode does not decompose, as they are typed on a keyboard without them; punctuation marks that
# look alike; digits; and invisible characters.
_ALIKE = str.maketrans(
    {
        **{chr(mark): "" for mark in _MARKS if unicodedata.combining(chr(mark)) in _ACCENTS},
        **dict(zip("øłđħŧıð", "oldhtid", strict=True)),
        **dict(zip(("æ", "œ", "þ"), ("ae", "oe", "th"), strict=True)),
        **dict.fromkeys("‘’ʼ′", "'"),
        **dict.fromkeys("‐‒–—−", "-"),
        **{chr(zero + digit): str(digit) for zero in (0x660, 0x6F0) for digit in range(10)},
        **{chr(unseen): "" for unseen in (*_UNSEEN, 0xFEFF, 0xFE0E, 0xFE0F)},
    }
)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")  # not part of any script: the index uses them
_NUMBER = re.compile(r"[0-9 ()+./-]+", re.ASCII)
_SPACERS = re.compile(r"[^0-9]+", re.ASCII)
_LETTER = re.compile(r"\s+|.[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]*", re.DOTALL)
_RUN_ID = re.compile(r"(?:.*/)?(r-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.ASCII)


def fold(text: str) -> str:
    """Return a text in its form for comparing: case-folded (ss for ß), without accents and invisible characters,
    similar letters, signs and digits unified, white space as single spaces, in Unicode's compatibility form.
    """
    if text.isascii():
        return " ".join(text.lower().replace("\0", "").split())
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(unicodedata.normalize("NFC", _PRIVATE.sub("", letters.translate(_ALIKE))).split())


def run_text(
    run_id: str, executor_ref: str | None, title: str | None, fields: Mapping[str, Any], identity: Identity
) -> str:
    """Return the search text of a run: the first 10 characters of its id and each value, folded, on a line of its own,
    with a line break before the first; a number written in groups, like a phone number, has a second line of its
    digits. Each value counts with its first 500 characters, all of them, `fields` last, with about 4,000.
    """
    texts = (title, executor_ref, identity.name, identity.email, identity.phone, *fields.values())
    lines, left = ["", run_id[:10]], MAX_TEXT  # the receipt shows these characters of the id
    for text in texts:
        if text is None or left <= 0:
            continue
        part = str(text)[: min(MAX_PART, left)]
        if folded := fold(part)[:left].rstrip():
            lines += (folded,) if (digits := _ungrouped(folded)) in folded else (folded, digits)
        left -= max(len(part), len(folded))
    return "\n".join(lines)


def _ungrouped(folded: str) -> str:
    """Return the digits of a number that is written in groups; any other text unchanged."""
    return _SPACERS.sub("", folded) if _NUMBER.fullmatch(folded) else folded


def needles(search: str) -> tuple[str, ...]:
    """Return the folded texts that a search looks for, the search itself and, of a number written in groups, its
    digits; a run is found if its `run_text` contains one of them. With fewer than three characters they are the search
    behind a line break and behind a space, to find beginnings of words; none for a search without visible characters.
    """
    folded = fold(search)
    if not folded:
        return ()
    if len(folded) < SHORT:
        return tuple(before + folded for before in _BEGINS)
    digits = _ungrouped(folded)
    return (folded,) if digits == folded or len(digits) < SHORT else (folded, digits)


def find_run_id(search: str) -> str | None:
    """Return the id if a search consists of a run's id or of a link that ends in it, else None."""
    match = _RUN_ID.fullmatch(search.strip().lower())
    return match and match[1]


def split_matches(text: str, search: str) -> list[tuple[str, bool]]:
    """Return a text split into (part, is a match) pairs: `search` is found, without regard to case and accents, in the
    first 500 characters, and a number also by its digits; with fewer than three characters only at beginnings of words.
    """
    wanted, plain = needles(search), fold(text[:MAX_PART])
    if not any(needle in f"\n{plain}\n{_ungrouped(plain)}" for needle in wanted):  # as in most texts; the rest is slow
        return [(text, False)]
    folded, places = _folded_with_places(text[:MAX_PART])
    texts = [(folded, places)]
    if _NUMBER.fullmatch(folded):
        digits = [at for at, letter in enumerate(folded) if letter.isdigit()]
        texts.append(("".join(folded[at] for at in digits), [places[at] for at in digits]))
    spans = sorted(span for said in texts for needle in wanted for span in _spans(*said, needle))
    parts, done = list[tuple[str, bool]](), 0
    for begin, end in spans:
        if begin >= done:
            parts += [(text[done:begin], False), (text[begin:end], True)]
            done = end
    return [part for part in [*parts, (text[done:], False)] if part[0]]


def _folded_with_places(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return a text folded letter by letter, and by character of the result its letter's (begin, end) in the text."""
    folded, places = "", list[tuple[int, int]]()
    for match in _LETTER.finditer(text):
        letter = " " if match[0].isspace() else fold(match[0])
        if letter != " " or not folded.endswith(" "):
            folded += letter
            places += [match.span()] * len(letter)
    return folded, places


def _spans(folded: str, places: list[tuple[int, int]], needle: str) -> Iterator[tuple[int, int]]:
    """Yield the (begin, end) in the text of each match of a needle, without white space that the needle begins with."""
    begins = needle[0] in _BEGINS
    for match in re.finditer(re.escape(needle), f"\n{folded}"):
        first, last = match.start() - 1 + begins, match.end() - 2
        yield places[first][0], places[last][1]
