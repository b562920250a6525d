"""The part of a template without faults: the preview of a draft that is not finished."""

from collections.abc import Iterator, Sequence
from typing import Any

from rundun.core.templates.rules import raw_steps
from rundun.core.templates.translation_rules import has_text_id, read_array
from rundun.errors import FieldError

_PLACEHOLDER = "…"  # in place of a name or title that is missing or wrong
Path = tuple[str, ...]


def without_faults(data: dict[str, Any], errors: Sequence[FieldError]) -> dict[str, Any]:
    """Return a template's JSON without the parts that its `errors` are about: whole steps and job fields, and members
    of sections, settings and the template itself, where a name or title becomes “…”; too many sections are removed
    together. Steps whose condition compares a removed step are removed, too, and translations of removed parts. A
    section without a list of steps gets an empty one.
    """
    wrong = {_removed_path(error.pointer) for error in errors}
    result = _members(data, (), wrong, "name")
    for name in ("settings", "execution"):
        if isinstance(result.get(name), dict):
            result[name] = _members(result[name], (name,), wrong)
    for name in ("steps", "fields"):
        if isinstance(result.get(name), list):
            result[name] = _elements(result[name], (name,), wrong)
    if isinstance(result.get("sections"), list):
        kept = [(index, each) for index, each in enumerate(result["sections"]) if ("sections", str(index)) not in wrong]
        result["sections"] = [_section(each, ("sections", str(index)), wrong) for index, each in kept]
    return _without_dependents(result, wrong)


def _removed_path(pointer: str) -> Path:
    """Return the path to the part that is removed for an error at a pointer (RFC 6901)."""
    path = tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
    if path[:1] == ("sections",):
        return path[:4] if path[2:3] == ("steps",) else path[:3]
    lengths = {"steps": 2, "fields": 2, "settings": 2, "execution": 2, "translations": 3}
    return path[: lengths.get(path[0], 1)] if path else ()


def _members(part: dict[str, Any], path: Path, wrong: set[Path], title: str = "") -> dict[str, Any]:
    kept = {name: value for name, value in part.items() if (*path, name) not in wrong}
    return {**kept, title: _PLACEHOLDER} if title and (*path, title) in wrong else kept


def _elements(array: list[Any], path: Path, wrong: set[Path]) -> list[Any]:
    return [element for index, element in enumerate(array) if (*path, str(index)) not in wrong]


def _section(section: Any, path: Path, wrong: set[Path]) -> Any:
    if not isinstance(section, dict):
        return section
    kept = _members(section, path, wrong, "title")
    return {**kept, "steps": _elements(read_array(kept, "steps"), (*path, "steps"), wrong)}


def _without_dependents(template: dict[str, Any], wrong: set[Path]) -> dict[str, Any]:
    present: set[str] = set()
    dropped: set[int] = set()  # identities of steps
    for _, step in raw_steps(template):
        if isinstance(step, dict) and not set(_compared(step.get("condition"))) <= present:
            dropped.add(id(step))
        elif has_text_id(step):
            present.add(step["id"])
    result = dict(template)
    for holder in (result, *read_array(result, "sections")):
        if isinstance(holder, dict) and isinstance(holder.get("steps"), list):
            holder["steps"] = [step for step in holder["steps"] if id(step) not in dropped]
    if isinstance(result.get("translations"), dict):
        result["translations"] = _translations(result, wrong)
    return result


def _compared(rule: Any) -> Iterator[str]:
    """Yield the ids of the steps that a condition compares, as far as it is one."""
    pending = [rule]
    while pending:
        one = pending.pop()
        pending.extend(read_array(one, "rules"))
        when = one.get("when") if isinstance(one, dict) else None
        if isinstance(when, dict) and isinstance(when.get("step"), str):
            yield when["step"]


def _translations(template: dict[str, Any], wrong: set[Path]) -> dict[str, Any]:
    """Return the translations of the parts that a template has, without wrong ones."""
    ids = {"", *_part_ids(template)}
    return {
        tag: {
            target: words
            for target, words in texts.items()
            if target in ids and ("translations", tag, target) not in wrong
        }
        for tag, texts in template["translations"].items()
        if isinstance(texts, dict) and ("translations", tag) not in wrong
    }


def _part_ids(template: dict[str, Any]) -> Iterator[str]:
    parts = [*read_array(template, "fields"), *read_array(template, "sections")]
    for _, step in raw_steps(template):
        config = step.get("config") if isinstance(step, dict) else None
        parts += [step, *read_array(config, "options"), *read_array(config, "slots")]
    return (part["id"] for part in parts if has_text_id(part))
