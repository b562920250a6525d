"""What a run is searched by: its words without case and accents, and what a search looks for in them."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from rundun.core.actor import Identity

MAX_LENGTH = 200  # characters of a search
MAX_PART = 500  # characters of a field that are looked through
MAX_TEXT = 4000  # of all that a run says, before and after it is folded: some letters become eighteen
SHORT = 3  # fewer characters find only words that begin so
_BEGINS = ("\n", " ")  # what stands before a word

# Combining classes of marks that are left out where people write in a hurry: accents and points of Latin, Greek,
# Cyrillic, Hebrew and Arabic letters. Marks of other scripts are letters to those who write them: か is not が.
_ACCENTS = frozenset((1, *range(10, 36), 202, 214, 216, 218, 220, 222, 228, *range(230, 236), 240))
_MARKS = (
    *range(0x300, 0x370),
    *range(0x483, 0x488),
    *range(0x591, 0x5C8),
    *range(0x610, 0x6EE),
    *range(0x1DC0, 0x1E00),
)
_UNSEEN = (0, 0xAD, 0x640, 0x61C, *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A))
# Besides: letters that Unicode takes for no variant of another one, as people write them whose keyboard has none; marks
# of punctuation that look alike; digits; and characters that are not seen.
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
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")  # nobody writes them: the index has them for itself
_NUMBER = re.compile(r"[0-9 ()+./-]+", re.ASCII)
_SPACERS = re.compile(r"[^0-9]+", re.ASCII)
_LETTER = re.compile(r"\s+|.[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]*", re.DOTALL)
_RUN_ID = re.compile(r"(?:.*/)?(r-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.ASCII)


def fold(text: str) -> str:
    """Return a text as it is searched: whatever the case, the accents and the white space, in Unicode's compatibility
    form. What two texts share when they are written alike, they share when they are folded.
    """
    if text.isascii():
        return " ".join(text.lower().replace("\0", "").split())
    letters = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join(unicodedata.normalize("NFC", _PRIVATE.sub("", letters.translate(_ALIKE))).split())


def run_text(
    run_id: str, executor_ref: str | None, title: str | None, fields: Mapping[str, Any], identity: Identity
) -> str:
    """Return what a run is searched by: each folded text on a line of its own, a line break before the first; a number
    that is written in groups, as one of a phone is, once more without them. Secrets are no part of it. Of each text
    the first 500 characters count, and of all, the fields last, about 4,000.
    """
    texts = (title, executor_ref, identity.name, identity.email, identity.phone, *fields.values())
    lines, left = ["", run_id[:10]], MAX_TEXT  # of the id what the receipt shows
    for text in texts:
        if text is None or left <= 0:
            continue
        part = str(text)[: min(MAX_PART, left)]
        if folded := fold(part)[:left].rstrip():
            lines += (folded,) if (digits := _ungrouped(folded)) in folded else (folded, digits)
        left -= max(len(part), len(folded))
    return "\n".join(lines)


def _ungrouped(folded: str) -> str:
    """Return a number without what it is grouped with, another text as it is."""
    return _SPACERS.sub("", folded) if _NUMBER.fullmatch(folded) else folded


def needles(search: str) -> tuple[str, ...]:
    """Return what a search looks for, in what `run_text` returns: a run is found that has one of them. Of fewer than
    three characters, words that begin so; none at all where nothing is left to look for.
    """
    folded = fold(search)
    if not folded:
        return ()
    if len(folded) < SHORT:
        return tuple(before + folded for before in _BEGINS)
    digits = _ungrouped(folded)
    return (folded,) if digits == folded or len(digits) < SHORT else (folded, digits)


def run_id_in(search: str) -> str | None:
    """Return the run's id that somebody searches by, or pastes with the link around it; None where it is none."""
    match = _RUN_ID.fullmatch(search.strip().lower())
    return match and match[1]


def split_matches(text: str, search: str) -> list[tuple[str, bool]]:
    """Split a text into parts, each with whether a search finds it there: where `run_text` has it in the whole text."""
    wanted, plain = needles(search), fold(text[:MAX_PART])
    if not any(needle in f"\n{plain}\n{_ungrouped(plain)}" for needle in wanted):  # most texts: the rest takes long
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
    """Fold a text letter by letter, with where each letter of the result begins and ends in the text."""
    folded, places = "", list[tuple[int, int]]()
    for match in _LETTER.finditer(text):
        letter = " " if match[0].isspace() else fold(match[0])
        if letter != " " or not folded.endswith(" "):
            folded += letter
            places += [match.span()] * len(letter)
    return folded, places


def _spans(folded: str, places: list[tuple[int, int]], needle: str) -> Iterator[tuple[int, int]]:
    """Yield where each match of a needle begins and ends in the text, without the white space before a word that the
    needle may begin with.
    """
    begins = needle[0] in _BEGINS
    for match in re.finditer(re.escape(needle), f"\n{folded}"):
        first, last = match.start() - 1 + begins, match.end() - 2
        yield places[first][0], places[last][1]
