"""What commands print of others' words, such as titles and names: a terminal obeys what it reads."""

import re

import click

# Controls of C0 and C1 with DEL, line separators, and what turns the direction of all that follows.
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """Return a text as one line that a terminal only shows: what it would obey is U+FFFD, the replacement character."""
    return _OBEYED.sub("\N{REPLACEMENT CHARACTER}", text)


def say(text: str, *, err: bool = False) -> None:
    """Print a line that has others' words in it."""
    click.echo(visible(text), err=err)
