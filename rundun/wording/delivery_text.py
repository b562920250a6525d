"""The reasons why deliveries failed, in the operator's language where it has words for them."""

import errno
import os
import re

from rundun.wording.console_words import N_, ConsoleLanguage

_STATUS = re.compile(r"The answer was (\d{3})\.( Redirects are not followed\.)?|HTTP (\d{3})")
_SECONDS = re.compile(r"There was no complete answer within ([\d.]+) s\.")
_NO_NAME = re.compile(r"The name (\S+) was not found.*")
# The system's sentence for a failed connection, and ours; and beginnings of sentences whose rest is not translated.
_FAILED = {
    f"The connection failed: {os.strerror(code)}.": sentence
    for code, sentence in (
        (errno.ECONNREFUSED, N_("Nothing takes connections at that address.")),
        (errno.ECONNRESET, N_("The connection broke before there was an answer.")),
        (errno.ETIMEDOUT, N_("Nothing answers at that address.")),
        (errno.EHOSTUNREACH, N_("Nothing answers at that address.")),
        (errno.ENETUNREACH, N_("There is no way to that address from here.")),
    )
}
_BEGINS = (
    N_("The connection broke before there was an answer."),
    N_("The connection was closed before there was a whole answer."),
    N_("The certificate was not accepted"),
    N_("TLS failed"),
    N_("The answer was not valid HTTP"),
)


def trouble_text(language: ConsoleLanguage, error: str) -> str:
    """Return the error of a failed attempt in plain words in the operator's language, English included. The rest after
    a known beginning and an unknown error stay as they are.
    """
    if found := _STATUS.fullmatch(error):
        text = language.gettext("The answer was {status}.", status=found[1] or found[3])
        return text + " " + language.gettext("Redirects are not followed.") if found[2] else text
    if found := _SECONDS.fullmatch(error):
        seconds = language.number(float(found[1]))
        return language.gettext("There was no complete answer within {seconds} s.", seconds=seconds)
    if found := _NO_NAME.fullmatch(error):
        return language.gettext("The name {host} was not found.", host=found[1])
    if error in _FAILED:
        return language.gettext(_FAILED[error])
    for begins in _BEGINS:
        if error.startswith(begins):
            return language.gettext(begins) + error.removeprefix(begins)
    return error
