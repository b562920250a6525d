"""Fields and values of a template in the console's words, as plain text."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rundun.core.template_diff import Field, TemplatePart
from rundun.web.i18n import Translate

LEFT_OUT = ("type", "label", "hint", "required", "condition", "options", "id", "photo", "geo", "flag", "slots")


@dataclass(frozen=True, slots=True)
class TemplateText:
    """The text of fields and values of a template; `labels` names steps and options by id."""

    t: Translate
    labels: Mapping[str, str]

    def field(self, field: Field) -> str:
        """Return the name of a field, with its language."""
        name, tag = field
        return f"{self.t(f'field_{name}')} ({tag})" if tag else self.t(f"field_{name}")

    def value(self, field: Field, value: Any) -> str:
        """Return the text of a field's value."""
        name = field[0]
        if value is None:
            return self.t("not_set")
        if isinstance(value, bool):
            return self.t("yes" if value else "no")
        if name == "condition":
            return self.condition(value)
        if name == "flag":
            return self.flag(value)
        if name == "photo":
            return self.photo(value)
        if name == "pictures":
            return ", ".join(f"{picture_id[:12]}…" for picture_id in value)
        if name == "type":
            return self.t(f"type_{value}")
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def photo(self, rule: Mapping[str, Any]) -> str:
        """Return the text of how many photos an answer needs."""
        counts = self.t("photos_from_to", least=str(rule.get("min", 0)), most=str(rule.get("max", 10)))
        return f"{counts}, {self.t('photos_annotate')}" if rule.get("annotate") else counts

    def condition(self, condition: Mapping[str, Any]) -> str:
        """Return the text of the condition under which a step is shown."""
        if "when" in condition:
            when = condition["when"]
            return self._comparison(self.labels.get(when["step"], when["step"]), when)
        return self._joined(condition, self.condition)

    def flag(self, flag: Mapping[str, Any]) -> str:
        """Return the text of when an answer is flagged, and of what the executor is then told."""
        when = self._own_condition(flag["when"])
        return f"{when}: {flag['tell']}" if flag.get("tell") else when

    def _own_condition(self, when: Mapping[str, Any]) -> str:
        return (
            self._joined(when, self._own_condition) if "rules" in when else self._comparison(self.t("own_answer"), when)
        )

    def _joined(self, group: Mapping[str, Any], text_of: Callable[[Mapping[str, Any]], str]) -> str:
        joined = f" {self.t('condition_' + group['op'])} "
        return "(" + joined.join(text_of(rule) for rule in group["rules"]) + ")"

    def _comparison(self, step: str, when: Mapping[str, Any]) -> str:
        return self.t(f"condition_{when['op']}", step=step, value=self._operand(when.get("value")))

    def _operand(self, value: Any) -> str:
        if isinstance(value, bool):
            return self.t("yes" if value else "no")
        if isinstance(value, list):
            return ", ".join(self._operand(item) for item in value)
        return self.labels.get(value, value) if isinstance(value, str) else json.dumps(value)

    def job_field(self, field: Mapping[str, Any]) -> str:
        """Return the text of what a field of the job is: its kind, whether it is required, to whom it is shown."""
        words = [f"kind_{field['kind']}", f"show_{field.get('show', 'job')}"]
        if field.get("required"):
            words.insert(1, "field_is_required")
        return " · ".join(self.t(word) for word in words)

    def details(self, step: Mapping[str, Any]) -> list[tuple[str, str]]:
        """List the settings of a step's type that were set, as pairs of the texts of name and value."""
        fields = (step.get("config") or {}).items()
        return [
            (self.field((name, "")), self.value((name, ""), value)) for name, value in fields if name not in LEFT_OUT
        ]


def template_text(t: Translate, *parts_by_id: Mapping[str, TemplatePart]) -> TemplateText:
    """Make the `TemplateText` of some versions' parts by id; labels of the last version win."""
    labels = {part.id: part.label for parts in parts_by_id for part in parts.values()}
    return TemplateText(t, labels)
