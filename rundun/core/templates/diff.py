"""Changes between two versions of a template: a list of changed sections, steps, options, slots and job fields."""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rundun.core.templates.steps import Option, PhotoSlot, Step
from rundun.core.templates.template import Execution, JobField, Section, Settings, Template
from rundun.core.validation import StrictModel

Kind = Literal["template", "section", "step", "option", "slot", "field"]
Field = tuple[str, str]  # its name, and the language of a translated text ("" for the original)
_OMITTED = ("id", "sections", "steps", "fields", "translations", "settings", "execution", "config", "options", "slots")
_MODELS: Mapping[Kind, tuple[type[StrictModel], ...]] = {
    "template": (Template, Settings, Execution),
    "section": (Section,),
    "option": (Option,),
    "slot": (PhotoSlot,),
    "field": (JobField,),
}
_STEP_MODELS: Mapping[Any, tuple[type[StrictModel], ...]] = {
    get_args(model.model_fields["type"].annotation)[0]: (model, model.model_fields["config"].annotation)
    for model in get_args(get_args(Step)[0])
}


@dataclass(frozen=True, slots=True)
class TemplatePart:
    """A part of a template that has fields: the template itself (id ""), a section, step, option, slot, or job field.
    `parent` is the id of the enclosing part. `fields` has the values that the author set, those inside `config`,
    `settings` and `execution` included.
    """

    kind: Kind
    id: str
    parent: str
    label: str
    fields: Mapping[Field, Any]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field whose value differs between two versions; `before` or `after` is None where the field is left out."""

    field: Field
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class TemplateChange:
    """A change of one part. `before` is None of an added part, `after` is None of a removed one; only a `changed` part
    has `edits`. A part that was both moved and changed has two changes.
    """

    kind: Literal["added", "removed", "moved", "changed"]
    before: TemplatePart | None
    after: TemplatePart | None
    edits: tuple[FieldChange, ...] = ()

    @property
    def part(self) -> TemplatePart:
        """Return the part in the newer version, or a removed part in the older version."""
        part = self.after or self.before
        assert part is not None
        return part


def parts(template: Mapping[str, Any]) -> dict[str, TemplatePart]:
    """Return the parts of a template's stored JSON by id, in reading order; "" is the template itself."""
    texts: dict[str, dict[Field, Any]] = {}
    for tag, targets in (template.get("translations") or {}).items():
        for target, words in targets.items():
            texts.setdefault(target, {}).update({(name, tag): value for name, value in words.items()})
    return {part.id: part for part in _walk(template, texts)}


def _walk(template: Mapping[str, Any], texts: Mapping[str, Mapping[Field, Any]]) -> Iterator[TemplatePart]:
    def part(kind: Kind, parent: str, label: str, source: Mapping[str, Any]) -> TemplatePart:
        holders = [source, *(source.get(name) or {} for name in ("settings", "execution", "config"))]
        fields = {(name, ""): holder[name] for holder in holders for name in holder if name not in _OMITTED}
        key = str(source.get("id", ""))
        return TemplatePart(kind, key, parent, str(source[label]), {**fields, **texts.get(key, {})})

    def steps(parent: str, source: Mapping[str, Any]) -> Iterator[TemplatePart]:
        for step in source.get("steps") or ():
            yield part("step", parent, "label", step)
            for option in (step.get("config") or {}).get("options") or ():
                yield part("option", step["id"], "label", option)
            for slot in (step.get("config") or {}).get("slots") or ():
                yield part("slot", step["id"], "label", slot)

    yield part("template", "", "name", template)
    for field in template.get("fields") or ():
        yield part("field", "", "label", field)
    yield from steps("", template)
    for section in template.get("sections") or ():
        yield part("section", "", "title", section)
        yield from steps(section["id"], section)


def default_value(part: TemplatePart, field: Field) -> Any:
    """Return the default value that a left-out field of a part has; None if it has none, or an empty list."""
    name, tag = field
    if tag:
        return None
    models = _MODELS[part.kind] if part.kind != "step" else _STEP_MODELS.get(part.fields.get(("type", "")), ())
    info = next((model.model_fields[name] for model in models if name in model.model_fields), None)
    return None if info is None or info.is_required() or info.default == [] else info.default


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[TemplateChange]:
    """List the changes from one stored JSON form of a template to another: removals first, then in order of `after`."""
    old, new = parts(before), parts(after)
    changes = [TemplateChange("removed", part, None) for key, part in old.items() if key not in new]
    moved = _moved_ids(old, new)
    for key, part in new.items():
        if key not in old:
            changes.append(TemplateChange("added", None, part))
            continue
        if key in moved:
            changes.append(TemplateChange("moved", old[key], part))
        if edits := _edits(old[key].fields, part.fields):
            changes.append(TemplateChange("changed", old[key], part, edits))
    return changes


def _edits(before: Mapping[Field, Any], after: Mapping[Field, Any]) -> tuple[FieldChange, ...]:
    names = [*after, *(name for name in before if name not in after)]
    pairs = ((name, before.get(name), after.get(name)) for name in names)
    return tuple(FieldChange(*pair) for pair in pairs if _canonical_json(pair[1]) != _canonical_json(pair[2]))


def _canonical_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # unlike ==, tells true from 1; the order of members does not count


def _moved_ids(old: Mapping[str, TemplatePart], new: Mapping[str, TemplatePart]) -> set[str]:
    """Return the ids of parts with another parent or another order: the fewest that explain the difference."""
    positions = {key: position for position, key in enumerate(old)}
    common = [key for key in new if key in old and key]
    moved = {key for key in common if old[key].parent != new[key].parent}
    stayed: dict[str, list[str]] = {}
    for key in common:
        if key not in moved:
            stayed.setdefault(f"{new[key].kind} {new[key].parent}", []).append(key)
    for keys in stayed.values():
        in_order = set(_longest_rising([positions[key] for key in keys]))
        moved |= {key for key in keys if positions[key] not in in_order}
    return moved


def _longest_rising(numbers: Sequence[int]) -> list[int]:
    """Return a longest rising subsequence of distinct numbers (patience sorting)."""
    tops: list[int] = []
    lasts: list[int] = []  # position in `numbers` of the last number of the best subsequence of each length
    came_from: list[int | None] = []
    for position, number in enumerate(numbers):
        length = bisect_left(tops, number)
        came_from.append(lasts[length - 1] if length else None)
        tops[length : length + 1] = [number]
        lasts[length : length + 1] = [position]
    rising: list[int] = []
    at = lasts[-1] if lasts else None
    while at is not None:
        rising.append(numbers[at])
        at = came_from[at]
    return rising[::-1]
