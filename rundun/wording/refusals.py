"""Refusals in words for operators, in their language, by the code: the API's sentences are for integrators. In English
operators also get the API's sentence where it says more, such as a limit.
"""

import re
from collections.abc import Mapping

from rundun.core import times
from rundun.errors import FieldError, FieldErrorCode, Problem, TooMany, WrongTable
from rundun.wording.console_words import N_, NN_, ConsoleLanguage
from rundun.wording.problem_codes import PROBLEMS
from rundun.wording.time_zone import Zone

_INSIDE = N_("Nothing may be sent to that address: it is inside the server’s own network.")
# Sentences on wrong fields, by the field's name and the error's code; "" stands for any.
_FIELDS: Mapping[tuple[str, str], str] = {
    ("events", ""): N_("Choose at least one event."),
    ("email", "bad_format"): N_("That is no e-mail address."),
    ("email", "duplicate"): N_("Somebody of your team has that address already."),
    ("name", "bad_format"): N_("A name has 1 to 200 characters."),
    ("organization", "bad_format"): N_("A name has 1 to 200 characters."),
    ("contact", "bad_format"): N_("A contact has at most 500 characters."),
    ("colour", "bad_format"): N_("Write a colour such as #1a7f37."),
    ("time_zone", "unknown_reference"): N_("There is no such time zone."),
    ("password", "too_short"): N_("A password has at least 10 characters."),
    ("amount", "bad_format"): N_("Write a whole number."),
    ("amount", "out_of_range"): N_("That is outside the range allowed."),
    ("due_at", "out_of_range"): N_("That is past, more than ten years from now, or after the link’s end."),
    ("expires_in_hours", ""): N_("Write a number of hours above 0 and at most 8760."),
    ("reason", ""): N_("That is too long: 2000 characters are allowed."),
    ("value", ""): N_("That can’t be looked for: write all of it."),
    ("url", "address_not_allowed"): _INSIDE,
    ("url", ""): N_("That is no address of a web server: it begins with https://."),
    ("secret", ""): N_("A secret has 12 to 256 characters."),
    ("", "required"): N_("This is needed."),
    ("", "unknown_reference"): N_("That does not exist here."),
    ("", "not_allowed"): N_("That is not allowed here."),
    ("", "read_only"): N_("That can’t be changed."),
    ("", "wrong_type"): N_("That is not what is asked for here."),
    ("", "bad_format"): N_("That is not written as it must be."),
    ("", "out_of_range"): N_("That is too much, or too little."),
    ("", "too_short"): N_("That is too short."),
    ("", "too_long"): N_("That is too long."),
    ("", "duplicate"): N_("That is there already."),
    ("", "unknown_field"): N_("That is not asked for."),
    ("", "address_not_allowed"): _INSIDE,
}

_TOO_MANY: Mapping[str, tuple[str, str]] = {
    "keys": NN_("There can be only {n} key. Revoke it first.", "There can be {n} keys. Revoke one first."),
    "invitations": NN_(
        "Only {n} invitation can be open. Withdraw it first.", "{n} invitations can be open. Withdraw one first."
    ),
    "operators": NN_(
        "There can be only {n} person in a team.", "There can be {n} people in a team. Remove somebody first."
    ),
}


_WIRE_TIME = re.compile(r"(?<!such as )\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # not in an example
_EXACT = (  # sentences about tables and their files that say more than their code
    N_("Choose a checklist."),
    N_("There is no table: the first line has the names of the columns."),
    N_("The first row has no name of a column. Put the names above the rows, as listed here."),
    N_("The table has the names of the columns, but no row below them."),
    N_("The table has more than 1,000 rows. Send it in parts."),
    N_("The table has more than 2 MiB of text. Send it in parts."),
    N_("Row {row} has more than {most} columns."),
    N_("Row {row} has a cell that is far too long."),
    N_("In row {row} a quotation mark begins a cell, and no other one ends it."),
    N_("These cells show an error, or a formula that was not calculated: {cells}."),
    N_("The file has more than 2 MiB."),
    N_("The file begins as Unicode text, but is not valid Unicode."),
    N_("The file is protected by a password. Save it without one."),
    N_("The file can't be read: it is no spreadsheet, or a damaged or huge one. Save it as CSV, and try that."),
)


def title(language: ConsoleLanguage, problem: Problem) -> str:
    """Return the title of a page about a refusal."""
    return language.gettext(_console_words(problem.code)[0])


def _console_words(code: str) -> tuple[str, str]:
    """Return (title, remedy) of a code for operators in English, or those of `invalid` if it has none."""
    said = PROBLEMS[code].console or PROBLEMS["invalid"].console
    assert said
    return said


def reason(language: ConsoleLanguage, problem: Problem) -> str:
    """Return the sentences on a refusal's wrong fields, each once; without fields those on its cause and the remedy, by
    its code or, of a `TooMany`, with the number allowed.
    """
    if isinstance(problem, TooMany):
        return language.ngettext(*_TOO_MANY[problem.what], problem.most)
    said = list(dict.fromkeys(field_reason(language, error) for error in problem.errors))
    return " ".join(said) or language.gettext(_console_words(problem.code)[1])


def exact_reason(language: ConsoleLanguage, problem: Problem) -> str:
    """Return the refusal's own sentence, translated; without a translation those on its wrong fields or its code."""
    if language.is_english:
        return problem.detail
    sentence, values = (problem.sentence, problem.values) if isinstance(problem, WrongTable) else (problem.detail, {})
    return language.gettext(sentence, **values) if language.knows(sentence) else reason(language, problem)


def exact_field_reason(language: ConsoleLanguage, zone: Zone, error: FieldError) -> str:
    """Return a complete sentence on a wrong field: in English the API's, with times in the zone `zone`, in other
    languages the one for operators by the field's name and the error's code.
    """
    if not language.is_english:
        return field_reason(language, error)
    detail = _WIRE_TIME.sub(lambda match: zone.exact_time(times.parse(match[0])), error.detail)
    return f"{detail[:1].upper()}{detail[1:]}{'' if detail.endswith(('.', '!', '?')) else '.'}"


def field_reasons(language: ConsoleLanguage, problem: Problem) -> dict[str, str]:
    """Return the sentences on wrong fields, the last one of each, by the field's pointer without its first slash."""
    return {error.pointer.removeprefix("/"): field_reason(language, error) for error in problem.errors}


def code_reason(language: ConsoleLanguage, code: FieldErrorCode) -> str:
    """Return the sentence for operators on a wrong field by the error's code."""
    return language.gettext(_FIELDS["", code])


def field_reason(language: ConsoleLanguage, error: FieldError) -> str:
    """Return the sentence for operators on a wrong field, by its name and code, or a general one for others."""
    name = error.pointer.rpartition("/")[2]
    for known in ((name, error.code), (name, ""), ("", error.code)):
        if known in _FIELDS:
            return language.gettext(_FIELDS[known])
    return language.gettext(_console_words("invalid")[1])
