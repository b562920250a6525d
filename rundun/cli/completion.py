"""Shell completion: the command `completion SHELL`, and parameter types that complete ids and names."""

import re
from collections import Counter
from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem, get_completion_class

from rundun.cli.terminal import replace_controls
from rundun.config import loader
from rundun.read_only import reading
from rundun.store.organizations import (
    api_keys as key_rows,
    operators as operator_rows,
    organizations as organization_rows,
)
from rundun.store.runs import runs as run_rows
from rundun.store.sqlite.transaction import Tx, wall_clock
from rundun.store.templates import templates as template_rows

MAX_OFFERED = 100
_PLAIN = re.compile(r"\w[\w.@+-]*")  # a word without characters that a shell interprets
Choices = Callable[[Tx], Iterable[tuple[str, str]]]  # pairs of id and name


class FileName(click.ParamType[str]):
    """The name of a file, completed by shells. Opening it reports errors in our own words, not in click's."""

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value unchanged; the command reports a file that it can't open."""
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Return the item that lets the shell complete file names by itself."""
        return [CompletionItem(incomplete, type="file")]


class StoredName(click.ParamType[str]):
    """An argument that names a row of the database: by its id or, where it `takes_names`, by a unique name. Shells
    complete both.
    """

    def __init__(self, name: str, choices: Choices, *, takes_names: bool = False) -> None:
        self.name = name
        self._choices = choices
        self._takes_names = takes_names

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the value unchanged; the command reports an unknown name."""
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
        """Return up to `MAX_OFFERED` words that begin with `incomplete`: unique names if it takes names, else ids, also
        by their names; none with characters that a shell interprets. None on any error, since a message would break
        into the line being typed.
        """
        try:
            flags = {"database.path": ctx.params.get("database_path")}
            settings = loader.load(ctx.params.get("config_file"), flags=flags)
            with reading(settings, wall_clock) as tx:
                known = list(self._choices(tx))
        except Exception:
            return []
        counts = Counter(name for _, name in known)
        offered = []
        for key, name in known:
            is_word = self._takes_names and counts[name] == 1 and _PLAIN.fullmatch(name)
            if is_word and name.startswith(incomplete):
                offered.append(CompletionItem(name, help=key))
            elif key.startswith(incomplete) or name.startswith(incomplete):
                offered.append(CompletionItem(key, help=replace_controls(name)))
        # A shell may execute the words that it inserts, and an e-mail address is text from outside.
        return [item for item in offered if _PLAIN.fullmatch(item.value)][:MAX_OFFERED]


def _templates(tx: Tx) -> Iterable[tuple[str, str]]:
    return [(head.template_id, name) for head, name in template_rows.list_named(tx, None, include_archived=False)]


FILE = FileName()
ORG = StoredName("org", lambda tx: [(row.org_id, row.name) for row in organization_rows.list_all(tx)], takes_names=True)
TEMPLATE = StoredName("template", _templates, takes_names=True)
KEY = StoredName("key_id", lambda tx: [(row.key_id, row.name) for row in key_rows.list_all(tx) if not row.revoked_at])
RUN = StoredName("run_id", lambda tx: [(run_id, "") for run_id in run_rows.list_latest_ids(tx, MAX_OFFERED)])
OPERATOR = StoredName("email", lambda tx: [(row.email, row.name) for row in operator_rows.list_all(tx)])


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that makes a shell complete commands, options, organizations and checklists.

    For bash put eval "$(rundun completion bash)" into ~/.bashrc, for zsh the same with zsh into ~/.zshrc, and for fish
    rundun completion fish | source into ~/.config/fish/config.fish.
    """
    made = get_completion_class(shell)
    assert made is not None
    click.echo(made(ctx.find_root().command, {}, "rundun", "_RUNDUN_COMPLETE").source())
