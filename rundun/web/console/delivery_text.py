"""What stood in the way of a delivery, in the operator's language as far as there are words for it."""

import re

from rundun.web.console_words import ConsoleLanguage

_STATUS = re.compile(r"The answer was (\d{3})\.( Redirects are not followed\.)?|HTTP (\d{3})")
_SECONDS = re.compile(r"There was no complete answer within ([\d.]+) s\.")


def trouble_text(language: ConsoleLanguage, error: str) -> str:
    """Return what came of an attempt that failed, or of many alike; what is known in English only as it is."""
    if found := _STATUS.fullmatch(error):
        text = language.gettext("The answer was {status}.", status=found[1] or found[3])
        return text + " " + language.gettext("Redirects are not followed.") if found[2] else text
    if found := _SECONDS.fullmatch(error):
        seconds = language.number(float(found[1]))
        return language.gettext("There was no complete answer within {seconds} s.", seconds=seconds)
    return error
