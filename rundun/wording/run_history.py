"""The history of a run, in order: its events, its evidence, and changes without an event."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from rundun.actions.runs.runs import RunDetail
from rundun.core import times
from rundun.core.runs.answer import Answer
from rundun.wording.console_words import N_, NN_, ConsoleLanguage

MOMENTS = {
    "created": N_("Sent"),
    "run_started": N_("Started"),
    "step_completed": N_("Answered:"),
    "step_skipped": N_("Skipped:"),
    "step_unable": N_("Could not be done:"),
    "photo": N_("Photo received:"),
    "photo_deleted": N_("Photo deleted:"),
    "remark": N_("Remark noted:"),
    "remark_taken_back": N_("Remark removed:"),
    "signature": N_("Signature received:"),
    "closing_signature": N_("Signature at the end received"),
    "extended": N_("End changed"),
    "released": N_("Another phone may go on"),
    "handled": N_("Dealt with"),
    "shared": N_("Report shared"),
    "share_revoked": N_("Link to the report revoked"),
    "handled_undone": N_("Reopened"),
    "webhook_changed": N_("Webhook changed ({fields}), now {host}"),
    "job_changed": N_("Changed: {fields}"),
    "run_changed": N_("Changed"),
    "webhook_set": N_("Webhook set: {host}"),
    "webhook_removed": N_("Webhook removed"),
    "run_completed": N_("Done"),
    "run_cancelled": N_("Cancelled"),
    "run_expired": N_("Expired"),
}
COUNTED = {
    "photos_removed": NN_(
        "{n} photo deleted: the time it is kept was over", "{n} photos deleted: the time they are kept was over"
    ),
    "deliveries_handled": NN_("Dealt with {n} failed delivery", "Dealt with {n} failed deliveries"),
}
CHANGED = {  # fields of a webhook and members of a job
    "title": N_("title"),
    "note": N_("note"),
    "due_at": N_("due time"),
    "fields": N_("fields"),
    "executor_ref": N_("reference"),
    "expires_at": N_("end"),
    "url": N_("address"),
    "secret": N_("secret"),
    "events": N_("events"),
}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """An entry of a run's history, with its time by the server's clock and, if a phone sent it, by the phone's. `what`
    is a key of MOMENTS or COUNTED. `actor` is integrator or operator, None for the executor, `name` the actor's name.
    `reason` is the reason for a step that could not be done, the text of a remark, the note on a run that was dealt
    with, or the host of a removed webhook.
    `host` is the host of a new or changed webhook, `fields` the changed members of webhook or job. `expiry` has the end
    of the run before and after. `count` is the number of photos that retention removed, or of failed deliveries that
    were handled.
    """

    what: str
    at: int
    phone_at: int | None = None
    step_label: str | None = None
    name: str | None = None
    reason: str | None = None
    actor: str | None = None
    expiry: tuple[int | None, int | None] | None = None
    host: str | None = None
    fields: tuple[str, ...] = ()
    count: int = 0

    def text(self, language: ConsoleLanguage) -> str:
        """Return the entry's `what` in words, such as “Answered:”; the page adds step, reason and actor."""
        if self.what in COUNTED:
            return language.ngettext(*COUNTED[self.what], self.count)
        fields = ", ".join(language.gettext(CHANGED[name]) for name in self.fields)
        return language.gettext(MOMENTS[self.what], host=self.host or "", fields=fields)


def history(detail: RunDetail) -> list[HistoryEntry]:
    """Return the entries of a run's history, oldest first, as far as `detail` has them."""
    entries = [HistoryEntry("created", detail.state.run.created_at), *_list_evidence(detail), *_list_remarks(detail)]
    return sorted([*entries, *_list_changes(detail), *_list_events(detail)], key=_sort_key)


def _sort_key(entry: HistoryEntry) -> tuple[int, int]:
    """Return an entry's second and its rank within it, since events have whole seconds: a start comes first, evidence
    and changes before steps, the end or a change of the run after both, and handling last.
    """
    if entry.what in ("created", "run_started"):
        rank = 0
    elif entry.what.startswith("run_"):
        rank = 3
    elif entry.what.startswith("handled"):
        rank = 4
    else:
        rank = 2 if entry.what.startswith("step_") else 1
    return entry.at // times.SECOND, rank


def _list_evidence(detail: RunDetail) -> Iterator[HistoryEntry]:
    """Yield the arrival of each photo and signature, also of photos that retention removed, but not of deleted ones."""
    evidence, labels = detail.state.evidence, _labels(detail)
    stored = (evidence.photos, evidence.remark_photos, evidence.removed)
    for step_id, photos in chain.from_iterable(by_step.items() for by_step in stored):
        for photo in photos.values():
            phone_at = (
                photo.taken_at if photo.taken_at_from in (None, "camera") else None
            )  # EXIF may be from long before
            yield HistoryEntry("photo", photo.received_at, phone_at, labels.get(step_id))
    for signature in evidence.signatures.values():
        key = "signature" if signature.step_id else "closing_signature"
        step_label = labels.get(signature.step_id)
        yield HistoryEntry(key, signature.received_at, step_label=step_label, name=signature.typed_name)


def _list_remarks(detail: RunDetail) -> Iterator[HistoryEntry]:
    """Yield each new, changed or removed remark; repeats of the same content are left out."""
    labels, last = _labels(detail), dict[str, tuple[str, tuple[str, ...]]]()
    for step_id, remark in detail.remarks:
        if remark.content() == last.get(step_id, ("", ())):
            continue
        last[step_id] = remark.content()
        key = "remark_taken_back" if remark.is_empty else "remark"
        yield HistoryEntry(key, remark.at, step_label=labels.get(step_id), reason=remark.text or None)


def _list_changes(detail: RunDetail) -> Iterator[HistoryEntry]:
    """Yield the stored changes of a run; for a deleted photo also its arrival, nothing if it never arrived."""
    labels = _labels(detail)
    for change in detail.changes:
        details = change.details
        step_label = labels.get(details.get("step_id", ""))
        if change.what == "photo_deleted" and details["received_at"] is None:
            continue  # the photo never arrived
        if change.what == "photo_deleted":
            yield HistoryEntry("photo", details["received_at"], details["taken_at"], step_label)
        actor = None if change.actor.by in ("executor", "retention") else change.actor.by
        expiry = (details["before"], details["after"]) if change.what == "extended" else None
        what = "webhook_set" if details.get("is_first") else change.what
        what = "handled_undone" if details.get("is_undone") else what
        yield HistoryEntry(
            what,
            change.at,
            step_label=step_label,
            name=change.actor.name,
            reason=details.get("host") if what == "webhook_removed" else details.get("note"),
            actor=actor,
            expiry=expiry,
            host=details.get("host"),
            fields=tuple(details.get("names", details.get("fields", ()))),
            count=details.get("count", 0),
        )


def _labels(detail: RunDetail) -> Mapping[str, str]:
    return {step.id: step.label for step in detail.state.version.steps}


def _list_events(detail: RunDetail) -> Iterator[HistoryEntry]:
    run, answers, labels = detail.state.run, _list_answers(detail), _labels(detail)
    for event in detail.events:
        if event.event == "run.changed":
            continue  # the change, which has its actor, is listed instead
        at = times.parse(event.at) or 0
        phone_at = None
        if event.step_id is not None:
            before = [answer for answer in answers[event.step_id] if answer.at < at + times.SECOND]
            phone_at = before[-1].answered_at if before else None
        if event.event == f"run.{run.status}" and run.closed_at is not None:
            at = run.closed_at
        name = event.identity.get("name") if event.identity.get("mode") == "member" else None
        # The event of a step that could not be done is `step.completed`, too.
        key = "step_unable" if event.unable else event.event.replace(".", "_")
        label = labels.get(event.step_id or "", event.step_label)
        yield HistoryEntry(key, at, phone_at, label, name, event.unable)


def _list_answers(detail: RunDetail) -> Mapping[str, Sequence[Answer]]:
    """Return the answers of each step by its id, oldest first, as far as `detail` has them."""
    state = detail.state
    current = {step_id: (answer,) for step_id, answer in state.answers.items()}
    return {
        step.id: (*reversed(detail.replaced.get(step.id, ())), *current.get(step.id, ()))
        for step in state.version.steps
    }
