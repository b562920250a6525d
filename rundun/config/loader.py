"""The reader of settings, which reports all mistakes at once. The settings themselves are in `config/settings.py`.

Sources, later ones win: the defaults, `rundun.toml`, environment variables `RUNDUN_<SECTION>_<NAME>`, flags.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal

from rundun.config.kinds import Kind
from rundun.config.settings import MCP_KEY, PREFIX, SECTIONS, SETTINGS, ServiceSettings, Setting

__all__ = ["DEFAULT_FILE", "SECTIONS", "SETTINGS", "ConfigError", "ServiceSettings", "Setting", "load", "settings_json"]

DEFAULT_FILE = Path("rundun.toml")


class ConfigError(Exception):
    """Raised for settings that can't be used; `problems` has one sentence for each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


Source = Literal["file", "environment", "flag", "service"]
_Entry = tuple[Setting, str, Any]  # the setting, the place of its value for messages, and the value as written
_BY_KEY = {setting.key: setting for setting in SETTINGS}


def load(
    file: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
    running: Mapping[str, Any] | None = None,
    sources: dict[str, Source] | None = None,
) -> ServiceSettings:
    """Return the effective settings; raises `ConfigError` with all mistakes.

    `file` must exist; without it `rundun.toml` in the working directory is read if there is one. `environment` is by
    default that of this process. `flags` maps keys such as `server.port` to values, None meaning not set. `running` are
    the settings of a running service, from `settings_json`: all but `database.path` and invalid ones win over
    everything except the named `file` and the flags, which were given for this command. `sources` is filled with the
    source of each value by key; a missing key means the default.
    """
    problems: list[str] = []
    values: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    from_file, from_flags = list(_read_file(file, problems)), list(_read_flags(flags or {}))
    from_environment = list(_read_environment(os.environ if environment is None else environment, problems))
    from_where: dict[str, Source] = {} if sources is None else sources
    read: tuple[tuple[Source, list[_Entry]], ...] = (
        ("file", from_file),
        ("environment", from_environment),
        ("flag", from_flags),
    )
    for where, entries in read:
        from_where |= {setting.key: where for setting, _, _ in entries}
    for setting, source, value in [*from_file, *from_environment, *from_flags]:
        try:
            values[setting.section][setting.name] = setting.kind.parse(value)
        except ValueError as error:
            why = f" ({error})" if str(error) else ""
            shown = "not usable" if setting.kind.is_secret else _value_text(value)
            problems.append(f"{setting.key} in {source} is {shown}; it must be {setting.kind.says}{why}.")
    server = values["server"]
    if "tls_key" in server and "tls_certificate" not in server:
        problems.append("server.tls_key is set, but server.tls_certificate is not; HTTPS needs the certificate.")
    if problems:
        raise ConfigError(problems)
    asked_for = {setting.key for setting, _, _ in [*(from_file if file is not None else ()), *from_flags]}
    for setting in SETTINGS:
        if setting.key in (running or {}).keys() - asked_for - {"database.path"}:
            with suppress(ValueError):  # one of its files is gone, or its version allows other values
                values[setting.section][setting.name] = _parse_json(setting, (running or {})[setting.key])
                from_where[setting.key] = "service"
    return ServiceSettings(**{section: shape(**values[section]) for section, shape in SECTIONS.items()})


def settings_json(settings: ServiceSettings) -> dict[str, Any]:
    """Return all settings by key, such as `server.port`, as JSON values for another process on this machine: paths are
    absolute, `server.public_url` is the effective one. A secret is sent as asterisks: no other process signs with it.
    """
    told: dict[str, Any] = {}
    for setting in SETTINGS:
        value = getattr(getattr(settings, setting.section), setting.name)
        if isinstance(value, tuple):
            value = [item if isinstance(item, int | float) else str(item) for item in value]
        elif isinstance(value, Path):
            value = str(value.absolute())
        told[setting.key] = "*" * 12 if value and setting.kind.is_secret else value
    return {**told, "server.public_url": settings.public_url}


def _parse_json(setting: Setting, value: Any) -> Any:
    return None if value is None and setting.default is None else setting.kind.parse(value)


def _read_file(file: str | Path | None, problems: list[str]) -> Iterator[_Entry]:
    path = Path(file) if file is not None else DEFAULT_FILE
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))  # editors on Windows write a byte order mark
    except FileNotFoundError:
        if file is not None:
            problems.append(f"There is no settings file {path}.")
        return
    except (OSError, UnicodeError) as error:
        named = f"{path} in the folder {os.getcwd()}" if file is None and isinstance(error, OSError) else path
        problems.append(f"{named} cannot be read: {getattr(error, 'strerror', None) or error}.")
        return
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path} is not valid TOML: {error}.")
        return
    for section, table in content.items():
        if section not in SECTIONS and not isinstance(table, dict):
            homes = [f"[{one.section}]" for one in SETTINGS if one.name == section]
            meant = f"; write it below {' or '.join(homes)}" if homes else ""
            problems.append(f"{section} in {path} stands outside of any section{meant}.")
        elif section not in SECTIONS:
            problems.append(f"[{section}] in {path} is not a section{_suggestion(section, SECTIONS)}.")
        elif not isinstance(table, dict):
            problems.append(f"{section} in {path} must be a section, [{section}].")
        else:
            for key, value in ((f"{section}.{name}", value) for name, value in table.items()):
                if key in _BY_KEY:
                    yield _BY_KEY[key], str(path), value
                else:
                    problems.append(f"{key} in {path} is not a setting{_suggestion(key, _BY_KEY)}.")


def _read_environment(environment: Mapping[str, str], problems: list[str]) -> Iterator[_Entry]:
    known = {setting.variable: setting for setting in SETTINGS}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable == MCP_KEY:
            continue
        if variable not in known:
            problems.append(f"{variable} in the environment is not a setting{_suggestion(variable, known)}.")
        elif environment[variable].strip():  # empty = not set, as compose files and unit files leave it
            text, setting = environment[variable].strip(), known[variable]
            yield setting, f"the environment ({variable})", _parse_text(setting.kind, text)


def _read_flags(flags: Mapping[str, Any]) -> Iterator[_Entry]:
    for key, value in flags.items():
        if value is not None:
            setting = _BY_KEY[key]
            typed = _parse_text(setting.kind, value) if isinstance(value, str) else value
            yield setting, f"the flag {setting.flag}", typed


def _parse_text(kind: Kind, value: str) -> Any:
    """Return the value that TOML would hold, read from plain text; text that can't be read stays text, to be refused
    later.
    """
    if kind.written == "text":
        return value
    if kind.written == "list" and not value.startswith("["):
        return [_json_or_text(item.strip()) for item in value.split(",") if item.strip()]
    return _json_or_text(value)


def _json_or_text(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _suggestion(word: str, words: Iterable[str]) -> str:
    """Return the end of a message: the word most like `word` or, if none is similar, the places that list all."""
    near = get_close_matches(word, list(words), n=1, cutoff=0.8)
    return f"; the nearest is {near[0]}" if near else "; all are at /docs/service, and in rundun.toml.example"


def _value_text(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 80 else shown[:79] + "…"
