"""Fields and values of a template as plain text, in the console's words."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rundun.core.templates.diff import Field, TemplatePart
from rundun.wording.console_words import N_, ConsoleLanguage
from rundun.wording.template_words import COMPARISONS, FIELDS, JOINTS, KINDS, SHOWS, TYPES, VALUES

LEFT_OUT = ("type", "label", "hint", "required", "condition", "options", "id", "photo", "geo", "flag", "slots")


@dataclass(frozen=True, slots=True)
class TemplateText:
    """The text of fields and values of a template; `labels` are those of steps and options by id, `wordings` the words
    for yes and no of single steps.
    """

    language: ConsoleLanguage
    labels: Mapping[str, str]
    wordings: Mapping[tuple[str, bool], str]

    def field(self, field: Field) -> str:
        """Return the name of a field, with the tag of its language in brackets if it is a translation."""
        name, tag = field
        text = self.language.gettext(FIELDS[name])
        return f"{text} ({tag})" if tag else text

    def type(self, name: str) -> str:
        """Return the name of a type of steps."""
        return self.language.gettext(TYPES[name])

    def value(self, field: Field, value: Any, step_id: str = "") -> str:
        """Return the text of a field's value, “not set” for None; `step_id` is needed for a flag."""
        name = field[0]
        if value is None:
            return self.language.gettext("not set")
        if isinstance(value, bool):
            return self._yes_or_no(value)
        if name == "condition":
            return self.condition(value)
        if name == "flag":
            return self.flag(value, step_id)
        if name == "photo":
            return self.photo(value)
        if name == "pictures":
            return self.language.ngettext("{n} picture", "{n} pictures", len(value))
        if name in VALUES:
            names = value if isinstance(value, list) else [value]
            return ", ".join(self.language.gettext(VALUES[name][each]) for each in names)
        if isinstance(value, list):
            return ", ".join(map(str, value))
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _yes_or_no(self, value: bool) -> str:
        return self.language.gettext("Yes") if value else self.language.gettext("No")

    def photo(self, rule: Mapping[str, Any]) -> str:
        """Return the text of how many photos an answer may have, and whether one may draw on them."""
        least, most = rule.get("min", 0), rule.get("max", 10)
        if least == most:
            counts = self.language.ngettext("{n} photo", "{n} photos", most)
        elif least == 0:
            counts = self.language.ngettext("up to {n} photo", "up to {n} photos", most)
        else:
            counts = self.language.gettext("{least} to {most} photos", least=str(least), most=str(most))
        drawn = self.language.gettext("drawing allowed")
        return f"{counts}, {drawn}" if rule.get("annotate") else counts

    def condition(self, condition: Mapping[str, Any]) -> str:
        """Return the text of the condition under which a step is shown."""
        return self._rule_text(condition, self._step_comparison)

    def flag(self, flag: Mapping[str, Any], step_id: str) -> str:
        """Return the text of the rule that flags a step's answer, with the message to the executor."""
        when = self._rule_text(
            flag["when"], lambda rule: self._comparison(self.language.gettext("the answer"), rule, step_id)
        )
        return (
            self.language.gettext("{when}; told then: “{tell}”", when=when, tell=flag["tell"])
            if flag.get("tell")
            else when
        )

    def _step_comparison(self, rule: Mapping[str, Any]) -> str:
        when = rule["when"]
        return self._comparison(
            self.language.gettext("“{text}”", text=self.labels.get(when["step"], when["step"])), when, when["step"]
        )

    def _rule_text(self, rule: Mapping[str, Any], text_of: Callable[[Mapping[str, Any]], str]) -> str:
        """Return the text of a comparison, or of a group of them with inner groups in brackets."""
        if "rules" not in rule:
            return text_of(rule)
        texts = (f"({self._rule_text(one, text_of)})" if "rules" in one else text_of(one) for one in rule["rules"])
        return f" {self.language.gettext(JOINTS[rule['op']])} ".join(texts)

    def _comparison(self, step: str, when: Mapping[str, Any], step_id: str) -> str:
        return self.language.gettext(
            COMPARISONS[when["op"]], step=step, value=self._operand(when.get("value"), step_id)
        )

    def _operand(self, value: Any, step_id: str) -> str:
        if isinstance(value, bool):
            return self.wordings.get((step_id, value)) or self._yes_or_no(value)
        if isinstance(value, list):
            return ", ".join(self._operand(item, step_id) for item in value)
        return self.labels.get(value, value) if isinstance(value, str) else json.dumps(value)

    def job_field(self, field: Mapping[str, Any]) -> str:
        """Return the description of a job's field: its kind, whether it is required, and to whom it is shown."""
        words = [KINDS[field["kind"]], SHOWS[field.get("show", "job")]]
        if field.get("required"):
            words.insert(1, N_("required: no job is sent without it"))
        return " · ".join(self.language.gettext(word) for word in words)

    def details(self, step: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the settings of a step's type that were set, without options and slots, as (name, value) pairs of
        texts.
        """
        fields = (step.get("config") or {}).items()
        return [
            (self.field((name, "")), self.value((name, ""), value)) for name, value in fields if name not in LEFT_OUT
        ]


def template_text(language: ConsoleLanguage, *parts_by_id: Mapping[str, TemplatePart]) -> TemplateText:
    """Return the `TemplateText` of the parts of several versions, by id; the last version's labels win."""
    labels = {part.id: part.label for parts in parts_by_id for part in parts.values()}
    wordings = {
        (part.id, value): part.fields[name, ""]
        for parts in parts_by_id
        for part in parts.values()
        for name, value in (("true_label", True), ("false_label", False))
        if (name, "") in part.fields
    }
    return TemplateText(language, labels, wordings)
