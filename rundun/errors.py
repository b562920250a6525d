"""Refusals: one exception, with a code for machines and a sentence for people."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

FieldErrorCode = Literal[
    "required",
    "unknown_field",
    "unknown_reference",
    "not_allowed",
    "read_only",
    "wrong_type",
    "bad_format",
    "out_of_range",
    "too_short",
    "too_long",
    "duplicate",
    "address_not_allowed",
]


# The document that a pointer leads into: the JSON body; an object of all parameters of the query or the path, or of all
# headers; the record of the run.
Where = Literal["body", "query", "header", "path", "run"]

MAX_TYPED, MAX_CHOICES = 100, 10  # characters of a typed text, and names of choices, in a sentence


def choices_sentence(choices: Sequence[str]) -> str:
    """Return a sentence that lists the first ten `choices` and counts the others, or says that there is none."""
    if not choices:
        return "There is none yet."
    more = len(choices) - MAX_CHOICES
    return f"There are: {', '.join(choices[:MAX_CHOICES])}{f' and {more} more' if more > 0 else ''}."


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field of a request.

    `pointer` is an RFC 6901 JSON pointer ("" = the whole) into the document `where`, `code` a stable word, `detail` a
    sentence.
    """

    pointer: str
    code: FieldErrorCode
    detail: str
    where: Where = "body"


class Problem(Exception):
    """A refusal with a reason, turned into RFC 9457 problem details by the web layer.

    `code` is one of the codes in `web/http/problems.py`; `errors` lists all wrong fields at once; `extensions` are
    further members of the problem document; `retry_after` is in seconds.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        errors: Iterable[FieldError] = (),
        extensions: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.extensions = dict(extensions or {})
        self.retry_after = retry_after

    def __str__(self) -> str:
        lines = "".join(f"\n  {error.pointer or '/'}: {error.detail}" for error in self.errors)
        return f"{self.detail}{lines}"


def refused(pointer: str, code: FieldErrorCode, detail: str) -> Problem:
    """Return a `Problem` with code `invalid` and one wrong field."""
    return Problem("invalid", detail, [FieldError(pointer, code, detail)])


class TooMany(Problem):
    """The refusal, with `invalid`, of one more key, invitation or operator than the limit `most`."""

    def __init__(self, what: Literal["keys", "invitations", "operators"], most: int, detail: str) -> None:
        super().__init__("invalid", detail)
        self.what = what
        self.most = most


class WrongTable(Problem):
    """The refusal, with `invalid`, of a wrong table: a `sentence` with {name}s, such as {row}, and their values."""

    def __init__(self, sentence: str, **values: str | int) -> None:
        super().__init__("invalid", sentence.format_map(values))
        self.sentence = sentence
        self.values = values


class NotFound(Problem):
    """The refusal of an object that does not exist or is another organization's; the two are never told apart. An
    administrator is told the `typed` name and the `choices`. `pointer` is the place in the body that names the object.
    """

    def __init__(
        self, what: str, typed: str | None = None, choices: Sequence[str] = (), pointer: str | None = None
    ) -> None:
        if typed is None:
            detail = f"There is no such {what}."
            errors = [] if pointer is None else [FieldError(pointer, "unknown_reference", detail)]
            super().__init__("not_found", detail, errors)
            return
        asked = typed if len(typed) <= MAX_TYPED else f"{typed[:MAX_TYPED]}…"
        super().__init__("not_found", f"There is no {what} {asked}. {choices_sentence(choices)}")


class Invalid(Problem):
    """The refusal of a request with wrong fields; `errors` lists them all."""

    def __init__(self, errors: Iterable[FieldError]) -> None:
        errors = tuple(errors)
        count = len(errors)
        more = f" (and {count - 1} more)" if count > 1 else ""
        first = errors[0]
        super().__init__("invalid", f"{first.pointer or 'The body'}: {first.detail}{more}", errors)
