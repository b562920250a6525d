"""Dispatches of one version of a template that the next one refuses, because of its fields."""

from typing import Literal

from rundun.core.templates.template import JobField, Template

Reason = Literal["required", "removed", "kind"]


def list_refusals(before: Template, after: Template) -> list[tuple[Reason, JobField]]:
    """List the reasons for which dispatches that `before` accepts fail with `after`: a field is required from now on,
    one that may be sent is gone, or takes values of another kind. Each comes with the field as it is, or was.
    """
    old, new = ({field.id: field for field in version.fields} for version in (before, after))
    found: list[tuple[Reason, JobField]] = [("removed", field) for key, field in old.items() if key not in new]
    for key, field in new.items():
        earlier = old.get(key)
        if field.required and not (earlier and earlier.required):
            found.append(("required", field))
        if earlier and earlier.kind != field.kind:
            found.append(("kind", field))
    return found
