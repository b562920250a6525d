"""What an operator is told of a refusal, in their language: by its code, as the API's sentences are for integrators. In
English, where those say more, such as a limit, they are told to operators, too.
"""

import re
from collections.abc import Mapping

from rundun.core import times
from rundun.errors import FieldError, Problem, TooMany, WrongTable
from rundun.wording.console_words import N_, NN_, ConsoleLanguage
from rundun.wording.time_zone import Zone

# A title and what can be done, by code: those that an operator can meet in the console.
SAID: Mapping[str, tuple[str, str]] = {
    "bad_request": (N_("That could not be read"), N_("Go back, reload the page and send it again.")),
    "malformed_json": (N_("That could not be read"), N_("Go back, reload the page and send it again.")),
    "unsupported_media_type": (N_("That could not be read"), N_("Go back, reload the page and send it again.")),
    "method_not_allowed": (N_("That could not be read"), N_("Go back, reload the page and send it again.")),
    "insufficient_credits": (
        N_("No credits are left"),
        N_("Nothing was sent. Ask the administrator of this server for more credits."),
    ),
    "cross_site": (N_("That is not allowed"), N_("That came from another site’s page, and nothing was changed.")),
    "quota_exceeded": (
        N_("The storage is used up"),
        N_("Nothing new can be stored. Delete something, or ask the administrator of this server for more room."),
    ),
    "not_found": (
        N_("There is nothing here"),
        N_("It may have been deleted, the link may be used up, or the address is not complete."),
    ),
    "request_in_progress": (
        N_("That is being worked on already"),
        N_("Wait a moment, then look whether it is done before you try again."),
    ),
    "wrong_status": (
        N_("That can’t be done any more"),
        N_("Something has changed meanwhile. Reload the page to see how it stands."),
    ),
    "erasure_changed": (N_("The list of jobs has changed"), N_("Nothing was deleted. Look at the list again first.")),
    "held": (
        N_("Nothing goes out at the moment"),
        N_("The data was put back from a backup. The administrator of this server says when things go out again."),
    ),
    "template_archived": (N_("The checklist is archived"), N_("Nothing can be sent from it until it is brought back.")),
    "run_closed": (N_("That job is over"), N_("Nothing more can be added to it.")),
    "run_erased": (N_("This job was deleted"), N_("All that was said or shown in it is gone.")),
    "version_mismatch": (
        N_("Somebody else has changed the checklist"),
        N_("Open it again, and make your change to what it is now."),
    ),
    "too_large": (N_("That is too large"), N_("Nothing was stored. Make it smaller and try again.")),
    "invalid": (N_("Some of it is not right"), N_("Look at what you have filled in, and send it again.")),
    "idempotency_key_reused": (
        N_("That was sent before"),
        N_("Go back, reload the page, and look whether it is done already."),
    ),
    "unreadable_image": (
        N_("The picture can’t be read"),
        N_("Take a JPEG, PNG, WebP or HEIC picture, as the camera made it."),
    ),
    "would_shorten": (
        N_("That would end it sooner"),
        N_("It can be given more time, not less. Cancel it if it is not to be done any more."),
    ),
    "address_not_allowed": (
        N_("Nothing may be sent to that address"),
        N_("It is inside the server’s own network. The administrator of this server can allow it."),
    ),
    "rate_limited": (N_("Too many requests"), N_("Wait a moment, then try again.")),
    "internal": (N_("Something went wrong here"), N_("That is our fault, and nothing was half done. Try again.")),
    "unavailable": (N_("That did not work just now"), N_("Nothing is lost. Try again in a moment.")),
}

_INSIDE = N_("Nothing may be sent to that address: it is inside the server’s own network.")
# What is wrong in a field, by its name in what was sent and by code; "" is any field.
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


_WIRE_TIME = re.compile(r"(?<!such as )\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")  # but in an example of one
_EXACT = (  # sentences that say more than their code, of tables and their files
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
    """Return what a page about a refusal is headed with."""
    return language.gettext(SAID.get(problem.code, SAID["invalid"])[0])


def reason(language: ConsoleLanguage, problem: Problem) -> str:
    """Return the sentence or two that tell why something was refused, and what can be done."""
    if isinstance(problem, TooMany):
        return language.ngettext(*_TOO_MANY[problem.what], problem.most)
    said = list(dict.fromkeys(field_reason(language, error) for error in problem.errors))
    return " ".join(said) or language.gettext(SAID.get(problem.code, SAID["invalid"])[1])


def exact_reason(language: ConsoleLanguage, problem: Problem) -> str:
    """Return the sentence that a refusal came with, or what its code says where there is none in the language."""
    if language.is_english:
        return problem.detail
    sentence, values = (problem.sentence, problem.values) if isinstance(problem, WrongTable) else (problem.detail, {})
    return language.gettext(sentence, **values) if language.knows(sentence) else reason(language, problem)


def exact_field_reason(language: ConsoleLanguage, zone: Zone, error: FieldError) -> str:
    """Return what is wrong in a field as a sentence of its own: in English as the API says it, with times by the clocks
    of `zone`.
    """
    if not language.is_english:
        return field_reason(language, error)
    detail = _WIRE_TIME.sub(lambda match: zone.say(times.parse(match[0])), error.detail)
    return f"{detail[:1].upper()}{detail[1:]}{'' if detail.endswith(('.', '!', '?')) else '.'}"


def field_reasons(language: ConsoleLanguage, problem: Problem) -> dict[str, str]:
    """Return what is wrong in each field, by its name."""
    return {error.pointer.removeprefix("/"): field_reason(language, error) for error in problem.errors}


def field_reason(language: ConsoleLanguage, error: FieldError) -> str:
    """Return what is wrong in a field."""
    name = error.pointer.rpartition("/")[2]
    for known in ((name, error.code), (name, ""), ("", error.code)):
        if known in _FIELDS:
            return language.gettext(_FIELDS[known])
    return language.gettext(SAID["invalid"][1])
