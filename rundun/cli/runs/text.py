"""A run as lines of text: details, progress and answers."""

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rundun.actions.runs.runs import RunDetail
from rundun.core.urls import Urls
from rundun.store.organizations.organizations import Organization
from rundun.wording.console_words import ConsoleLanguage
from rundun.wording.job_view import field_views
from rundun.wording.run_view import HIDDEN, AnswerView, RunView, StepView
from rundun.wording.time_zone import Zone

NARROWEST, WIDEST, INDENT = 12, 28, 6  # the column of names, in characters; the indentation below a step


def run_lines(detail: RunDetail, organization: Organization, links: Urls) -> Iterator[str]:
    """Yield a run as lines, times in the organization's zone. The link is included while the run is open."""
    zone, language = Zone(organization.time_zone), ConsoleLanguage("en")
    view = RunView(detail, language, zone, links.media, ())
    run, template = detail.state.run, detail.state.version.template
    yield run.job.title or template.name
    yield ""
    named = {"checklist": f"{template.name}, version {run.template_v}", "run": run.run_id}
    named["status"] = ", ".join(_status_words(detail))
    if not run.is_closed:
        named["link"] = links.run(run.run_id)
    moments = {"dispatched": run.created_at, "due": run.job.due_at, "started": run.started_at}
    moments["ended" if run.is_closed else "open until"] = run.closed_at if run.is_closed else run.expires_at
    named |= {name: zone.exact_time(at) for name, at in moments.items() if at is not None}
    identity = run.identity.name or run.identity.email or run.identity.phone
    who = f"{identity} ({run.assigned_to})" if identity else run.assigned_to
    said = {"by": who, "reference": run.executor_ref, "note": run.job.note}
    said |= {"repeat of": run.previous_run_id, "repeated as": ", ".join(detail.repeats)}
    if run.cancellation:
        said["cancelled"] = ": ".join(filter(None, [f"by the {run.cancellation.by}", run.cancellation.reason]))
    if run.webhook:
        said["webhook"] = run.webhook.url if run.webhook.secret else f"{run.webhook.url} (not signed)"
    named |= {name: text for name, text in said.items() if text}
    fields = [
        (each.field.label, "(secret)" if each.is_secret else str(each.value)) for each in field_views(run.job, template)
    ]
    yield from _column_lines([*named.items(), *fields])
    for section in view.sections():
        yield ""
        if section.title:
            yield section.title
        for step in section.steps:
            yield from _step_lines(step)
    if run.signature is not None:
        yield ""
        yield "Signed."


def _status_words(detail: RunDetail) -> Iterator[str]:
    run = detail.state.run
    yield run.status.replace("_", " ")
    done = run.progress["answered"] + run.progress["skipped"] + run.progress["unable"]
    yield f"{done} of {run.progress['total']} done"
    if run.is_late(detail.now):
        yield "late"
    if run.is_missed:
        yield "missed"
    if run.flagged:
        yield f"{run.flagged} flagged"


def _step_lines(step: StepView) -> Iterator[str]:
    """Yield the lines of a step, its answer and its remark; none if it is hidden and has neither."""
    remark = step.remark.remark if step.remark else None
    if step.answer is None and remark is None and any(word == HIDDEN for word, _ in step.flags):
        return
    flags = ", ".join(word for word, _ in step.flags)
    first, *more = (step.step.label or step.step.type).split("\n")
    yield f"{step.number:>4}  {first}{f'  [{flags}]' if flags else ''}"
    yield from _indented_lines("\n".join(more))
    if step.answer is not None:
        yield from _indented_lines(_answer_text(step.answer))
    counts = {"photo": len([photo for photo in step.photos if photo.is_listed]), "photo to come": step.awaited_photos}
    counts["deleted photo"] = step.removed_photos
    for noun, count in counts.items():
        if count:
            yield from _indented_lines(f"{count} {noun if count == 1 else noun.replace('photo', 'photos')}")
    if remark is not None:
        yield from _indented_lines(f"noted: {remark.text}" if remark.text else "noted: in photos")


def _answer_text(answer: AnswerView) -> str:
    if answer.signature is not None:
        return f"signed: {answer.signature.signature.typed_name or 'by hand'}"
    return answer.reason or answer.text or "\n".join(answer.items or ())


def _column_lines(named: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield lines with names on the left and their texts on the right; long names are wrapped."""
    width = min(max(NARROWEST, *(len(name) for name, _ in named)), WIDEST)
    for name, text in named:
        for left, right in zip_longest(textwrap.wrap(name, width), text.split("\n"), fillvalue=""):
            yield f"{left:<{width}} {right}".rstrip()


def _indented_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if line:
            yield f"{'':<{INDENT}}{line}"
