"""Faults of a template in words, each at the part of the template that has it."""

from collections.abc import Sequence
from typing import Any, TypedDict

from rundun.errors import FieldErrorCode
from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.refusals import code_reason
from rundun.wording.template_words import FIELDS

_FIELDS = {
    **FIELDS,
    "condition": N_("Ask only if"),
    "flag": N_("Flag when"),
    "options": N_("Options"),
    "sections": N_("Steps"),
    "steps": N_("Steps"),
}
_INNERMOST = ("tell", "condition", "flag", "options", "slots")  # what lies deeper goes by the name of these
_DANGLING = N_("It asks about a step that was deleted or comes later, or for an answer that the step cannot have.")
_PARTS = ("sections", "steps", "fields")  # whose elements have rows in the editor


class PlaceOfFault(TypedDict):
    """A fault as an object for the editor's script: the `id` of the part that has it, "" for the template, its `code`,
    and what is wrong with which of its fields, in `words`.
    """

    id: str
    code: FieldErrorCode
    words: str


def place_of_fault(
    language: ConsoleLanguage, data: Any, pointer: str, code: FieldErrorCode, detail: str
) -> PlaceOfFault:
    """Return the part of a template as sent, JSON `data`, that the error at a pointer is about, and the error in words:
    in English those of the API, in other languages those of its code.
    """
    path = pointer.split("/")[1:]
    field = _field_of(path)
    if field in ("condition", "flag") and path[-1] in ("step", "op", "value"):
        reason = language.gettext(_DANGLING)
    elif language.is_english:
        reason = f"{detail[:1].upper()}{detail[1:]}."
    else:
        reason = code_reason(language, code)
    name = language.gettext(_word(path, field)) if field else ""
    return {"id": _owner(data, path), "code": code, "words": f"{name}: {reason}" if name else reason}


def _field_of(path: Sequence[str]) -> str:
    """Return the name of the field that an error at `path` is about, "" for none."""
    known = [name for name in path if name in _FIELDS]
    return next((name for name in _INNERMOST if name in known), known[-1] if known else "")


def _word(path: Sequence[str], field: str) -> str:
    is_of_step = field == "label" and path[-3:-2] == ["steps"]
    return N_("Question or task") if is_of_step else _FIELDS[field]


def _owner(data: Any, path: Sequence[str]) -> str:
    """Return the id of the innermost section, step or job field on the way to `path`, "" for none."""
    owner, here = "", data
    for before, name in zip(["", *path], path, strict=False):
        if isinstance(here, list):
            here = here[int(name)] if name.isdecimal() and int(name) < len(here) else None
        else:
            here = here.get(name) if isinstance(here, dict) else None
        if before in _PARTS and isinstance(here, dict) and isinstance(here.get("id"), str):
            owner = here["id"]
    return owner
