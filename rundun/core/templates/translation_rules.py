"""Rules for a template's translations: the texts that may be translated, and their greatest lengths."""

from collections.abc import Iterator, Mapping
from typing import Any

from rundun.core import text, validation
from rundun.core.languages import is_tag
from rundun.core.templates.steps import StepBase, photo_slots
from rundun.errors import FieldError, FieldErrorCode


def translation_errors(
    data: dict[str, Any], steps: list[tuple[str, StepBase]], raw: list[tuple[str, Any]]
) -> Iterator[FieldError]:
    """Yield the errors of a template's translations. `steps` are the valid steps, `raw` all steps as sent, both as
    pairs of pointer and step.
    """
    languages = data.get("translations")
    if not isinstance(languages, Mapping):
        return
    targets = {"": MAX_LENGTHS[""]}
    targets |= {step["id"]: MAX_LENGTHS["s"] for _, step in raw if has_text_id(step)}
    targets |= {section["id"]: MAX_LENGTHS["g"] for section in read_array(data, "sections") if has_text_id(section)}
    targets |= {field["id"]: MAX_LENGTHS["f"] for field in read_array(data, "fields") if has_text_id(field)}
    for _, step in steps:
        for option in getattr(getattr(step, "config", None), "options", ()):
            targets[option.id] = MAX_LENGTHS["o"]
        targets |= {slot.id: MAX_LENGTHS["p"] for slot in photo_slots(step)}
    broken = len(steps) < len(raw)
    spelled: dict[str, str] = {}
    for language, texts in languages.items():
        if not is_tag(language):
            continue  # the models report it
        first = spelled.setdefault(language.lower(), language)
        if first != language:
            pointer = validation.pointer(["translations", language])
            yield FieldError(pointer, "duplicate", f"is the language “{first}” in other letter case")
        for target, fields in texts.items() if isinstance(texts, dict) else ():
            pointer = validation.pointer(["translations", language, target])
            if target in targets:
                yield from _text_errors(pointer, fields, targets[target])
            elif not (broken and target.startswith(("o-", "p-"))):
                yield FieldError(pointer, "unknown_reference", f"there is no “{target}” in this template")


def _text_errors(target: str, fields: Any, max_lengths: Mapping[str, int]) -> Iterator[FieldError]:
    for field, value in fields.items() if isinstance(fields, dict) else ():
        pointer = target + validation.pointer([field])
        if field not in max_lengths:
            yield FieldError(pointer, "unknown_field", f"can't be translated; these can: {', '.join(max_lengths)}")
        elif not isinstance(value, str):
            continue  # the models report it
        elif "\0" in value:
            yield FieldError(pointer, "bad_format", "must not hold the character U+0000")
        elif not 0 < (length := _cleaned_length(value)) <= max_lengths[field]:
            code: FieldErrorCode = "too_long" if length else "too_short"
            yield FieldError(pointer, code, f"must have 1 to {max_lengths[field]} characters")


def _cleaned_length(value: str) -> int:
    try:
        return len(text.clean(value))
    except ValueError:
        return 1  # the models report it


_WORDS_OF_STEP = {
    "label": 500, "hint": 2000, "body": 20_000, "placeholder": 200, "true_label": 200, "false_label": 200,
    "min_label": 200, "max_label": 200, "unit": 40, "tell": 500,
}  # fmt: skip
MAX_LENGTHS = {
    "": {"name": 200, "description": 4000},
    "g": {"title": 200, "description": 4000},
    "s": _WORDS_OF_STEP,
    "o": {"label": 200},
    "f": {"label": 200},
    "p": {"label": 200},
}


def has_text_id(part: Any) -> bool:
    """Tell whether a part of a template, as sent, is an object whose id is a string."""
    return isinstance(part, dict) and isinstance(part.get("id"), str)


def read_array(part: Any, name: str) -> list[Any]:
    """Return the array in member `name` of a part of a template, as sent; an empty list if there is none."""
    inner = part.get(name) if isinstance(part, dict) else None
    return inner if isinstance(inner, list) else []
