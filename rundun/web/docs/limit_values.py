"""Numbers by name, for the guide on limits: each is read from where it is enforced.

A number is named by what stands in braces: a constant, `{core.templates.template.MAX_STEPS}`; a field of a class with
defaults, `{web.http.upload_buffer.UploadBuffer.of_run}`; a setting, `{limits.photo_mebibytes}`; or what a schema of the
OpenAPI document says of a field, `{DispatchBody/title/maxLength}`. Behind a colon stands how it is written.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from importlib import import_module
from string import Formatter
from typing import Any

from rundun.config.loader import SETTINGS, Setting
from rundun.core import text, times
from rundun.core.token_bucket import Policy

_SETTINGS = {setting.key: setting for setting in SETTINGS}
_SPANS = ((times.DAY, "days"), (times.HOUR, "hours"), (60 * times.SECOND, "minutes"), (times.SECOND, "seconds"))
_SIZES = {"KiB": 1024, "MiB": text.MIB}
_WINDOWS = {60: "a minute", 3600: "an hour"}


def written(words: str) -> str:
    """Return a text with the numbers that it names."""
    return _NUMBERS.vformat(words, (), {})


def names_in(words: str) -> list[str]:
    """List what a text names."""
    return [name for _, name, _, _ in Formatter().parse(words) if name]


def is_setting(name: str) -> bool:
    """Tell whether a name is that of a setting."""
    return name in _SETTINGS


def value_of(name: str) -> Any:
    """Return the value of a constant, a default, a setting, or a keyword of a schema."""
    if "/" in name:
        return _of_schema(*name.split("/"))
    if name in _SETTINGS:
        return _of_setting(_SETTINGS[name])
    holder, _, member = name.rpartition(".")
    module, _, last = holder.rpartition(".")
    if not last[0].isupper():
        return getattr(import_module(f"rundun.{holder}"), member)
    fields = dataclasses.fields(getattr(import_module(f"rundun.{module}"), last))
    return next(field.default for field in fields if field.name == member)


def _of_setting(setting: Setting) -> Any:
    value = setting.default
    if not value or not setting.unit or not isinstance(value, int | float):
        return value
    return _size(int(value * _SIZES[setting.unit])) if setting.unit in _SIZES else f"{value:,} {setting.unit}"


def _of_schema(owner: str, *way: str) -> Any:
    """Return a keyword of a field's schema, or of a parameter's: `owner` is a schema of the document, one of its
    parameters, or a model of query parameters by its module.
    """
    from rundun.web.docs.openapi.document import document

    components = document()["components"]
    if owner in components["parameters"]:
        return components["parameters"][owner]["schema"][way[0]]
    module, _, model = owner.rpartition(".")
    cls = getattr(import_module(f"rundun.{module}"), model) if module else None
    schema = cls.model_json_schema() if cls else components["schemas"][owner]
    field, keyword = way
    options = schema["properties"][field].get("anyOf", [schema["properties"][field]])
    return next(option[keyword] for option in options if keyword in option)


class _Numbers(Formatter):
    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        """Return the value that is named."""
        return value_of(field_name), field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        """Write a value as people say it."""
        if isinstance(value, Policy):
            return f"{value.quota} {_WINDOWS.get(value.window) or f'in {_span(value.window * times.SECOND)}'}"
        match format_spec:
            case "size":
                return _size(value)
            case "megapixels":
                return f"{value / 1e6:g} megapixels"
            case "seconds":
                return _span(round(value * times.SECOND))
            case "milliseconds":
                return _span(value)
            case "percent":
                return f"{value:.0%}"
            case "count":
                return str(len(value))
            case "or_any":
                return value or "any amount"
            case "unless_set":
                return "unless it is set"
        return f"{value:,}" if isinstance(value, int | float) else str(value)


_NUMBERS = _Numbers()


def _size(count: int) -> str:
    return text.size(count).replace(".0 ", " ")


def _span(milliseconds: int) -> str:
    """Write a time in the largest unit of which it is two or more, and whole."""
    for unit, name in _SPANS:
        if milliseconds % unit == 0 and milliseconds >= 2 * unit:
            return f"{milliseconds // unit:,} {name}"
    return f"{milliseconds / times.SECOND:g} seconds"
