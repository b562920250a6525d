"""The run: its members, statuses and moves, its deadline, and whether it is late or calls for attention."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from rundun.core import times
from rundun.core.actor import NOBODY, Identity, OperatorRef
from rundun.core.deliveries.webhook_url import normalise
from rundun.core.json_types.base import By, ProgressJson, Status
from rundun.core.runs.job import NO_JOB, RunJob

Move = Literal["start", "complete", "cancel", "expire"]
WebhookFrom = Literal["request", "default", "previous"]

MOVES: Mapping[tuple[Status, Move], Status] = {
    ("pending", "start"): "in_progress",
    ("pending", "cancel"): "cancelled",
    ("pending", "expire"): "expired",
    ("in_progress", "complete"): "completed",
    ("in_progress", "cancel"): "cancelled",
    ("in_progress", "expire"): "expired",
}
STATUSES: tuple[Status, ...] = ("pending", "in_progress", "completed", "cancelled", "expired")
OPEN: tuple[Status, ...] = ("pending", "in_progress")
CLOSED: tuple[Status, ...] = ("completed", "cancelled", "expired")
LEAST_CLOCK_SKEW = 300  # seconds; a smaller skew is not recorded
OPEN_HOURS = 72  # from dispatch to expiry, by default
AFTER_DUE = times.DAY  # milliseconds from the due time to the earliest expiry by default


@dataclass(slots=True)
class Webhook:
    """The webhook of a run; without a secret its events are not signed. `gone` after a 410: one attempt each.
    `destination` is the key of its delivery slots, `<org_id> <scheme>://<host>:<port>`, set at the dispatch.
    `is_secret_removed` where its secret was deleted after the run's end.
    """

    url: str
    secret: str | None
    events: tuple[str, ...]
    gone: bool = False
    destination: str = ""
    is_secret_removed: bool = False

    @property
    def host(self) -> str:
        """Return the host of the URL, without port, for places that must not show the path, which may be a secret."""
        return normalise(self.url).host


def with_destination(org_id: str, webhook: Webhook) -> Webhook:
    """Return a webhook with `destination` set to `<org_id> <scheme>://<host>:<port>`, which its limits count by."""
    scheme, host, port = normalise(webhook.url).destination_key
    return replace(webhook, destination=f"{org_id} {scheme}://{host}:{port}")


def patch_webhook(webhook: Webhook, changes: Mapping[str, Any]) -> Webhook:
    """Return a webhook with the `changes` of its fields; a new URL makes `gone` False, a `secret`, also None, makes
    `is_secret_removed` False. `destination` stays.
    """
    is_removed = webhook.is_secret_removed and "secret" not in changes
    patched = replace(webhook, **changes, is_secret_removed=is_removed)
    return patched if patched.url == webhook.url else replace(patched, gone=False)


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A cancellation `at` a time in milliseconds. `member`, the operator, is only for the event."""

    by: By
    reason: str | None
    at: int
    last_step_id: str | None
    member: OperatorRef | None = None


@dataclass(slots=True)
class PlainRun:
    """The members of a run that are plain values, each stored unchanged in the column of its name. Times are in
    milliseconds, `number` is the row's number, `flagged` the number of steps that call for attention;
    `clock_skew_seconds` is None unless the phone's clock is far ahead, or behind (below 0).
    """

    number: int
    run_id: str
    org_id: str
    template_id: str
    template_v: int
    status: Status
    revision: int
    seq: int
    created_at: int
    expires_at: int | None
    executor_ref: str | None
    language: str | None
    started_at: int | None = None
    closed_at: int | None = None
    assigned_to: str | None = None
    device: str | None = None
    signature: int | None = None
    flagged: int = 0
    clock_skew_seconds: int | None = None
    has_remarks: bool = False  # False: neither remarks nor their photos have to be read
    previous_run_id: str | None = None  # the closed run that this one repeats
    handled_at: int | None = None
    handled_note: str | None = None
    updated_at: int = 0


_NO_PROGRESS: Any = field(default_factory=dict)


@dataclass(slots=True)
class Run(PlainRun):
    """One execution of one template version."""

    progress: ProgressJson = _NO_PROGRESS  # the default is for erased runs
    identity: Identity = NOBODY
    webhook: Webhook | None = None
    cancellation: Cancellation | None = None
    job: RunJob = NO_JOB

    @property
    def is_closed(self) -> bool:
        """Tell whether the run is completed, cancelled or expired."""
        return self.status in CLOSED

    def deadline(self, grace: int) -> int | None:
        """Return the time in milliseconds at which the run, if open, ends: `expires_at`, of a run in progress `grace`
        (milliseconds) later; None = never. Of a closed run, `expires_at`.
        """
        if self.expires_at is None:
            return None
        return self.expires_at + (grace if self.status == "in_progress" else 0)

    def is_overdue(self, now: int, grace: int) -> bool:
        """Tell whether the run is open at its deadline or later; then it is expired before any other change."""
        deadline = self.deadline(grace)
        return not self.is_closed and deadline is not None and now >= deadline

    def is_late(self, now: int) -> bool:
        """Tell whether the run is or was open at its due time or later (not if completed at it) or, without one, in
        progress at `expires_at` or later (not if it expired then). A run that expired before its start is not late.
        """
        if self.status == "expired" and self.started_at is None:
            return False
        if (due_at := self.job.due_at) is not None:
            is_done_by_then = self.status == "completed" and (self.closed_at or 0) <= due_at
            return (self.closed_at or now) >= due_at and not is_done_by_then
        if self.expires_at is None or self.started_at is None:
            return False
        if self.status == "expired":  # at its deadline, which equals `expires_at` without grace
            return self.closed_at != self.expires_at
        return (self.closed_at or now) >= self.expires_at

    @property
    def late_after(self) -> int | None:
        """Return the time (milliseconds) from which the run, while open, can be late: due time, else expiry or None."""
        return self.expires_at if self.job.due_at is None else self.job.due_at

    @property
    def is_missed(self) -> bool:
        """Tell whether the run's status is expired, whether or not the run was started."""
        return self.status == "expired"

    @property
    def calls_for_attention(self) -> bool:
        """Tell whether the run was missed or has steps that call for attention, and is not handled yet."""
        return (self.is_missed or self.flagged > 0) and self.handled_at is None

    def closed_as(self, status: Status) -> int | None:
        """Return `closed_at`, in milliseconds, if the run ended in `status`, else None."""
        return self.closed_at if self.status == status else None

    @property
    def duration_seconds(self) -> int | None:
        """Return the seconds from Start to completion, None for a run that is not completed."""
        if self.status != "completed" or self.started_at is None or self.closed_at is None:
            return None
        return max(0, self.closed_at - self.started_at) // times.SECOND  # old records can end before they start


def without_secrets(run: Run) -> Run:
    """Return a run without the secrets of its job, which end when it is closed."""
    return replace(run, job=replace(run.job, secrets={})) if run.job.secrets else run


def erased_stub(run: Run, now: int) -> Run:
    """Return the stub of a run that is erased at `now` (milliseconds), a `Run` in its next revision and with its next
    `seq`: its id, organization, template, status (`cancelled` if it was open, still without `closed_at`), the times of
    creation, change, start, end and expiry, and the webhook, to which `run.erased` may go.
    """
    return Run(
        number=run.number,
        run_id=run.run_id,
        org_id=run.org_id,
        template_id=run.template_id,
        template_v=run.template_v,
        status=run.status if run.is_closed else "cancelled",
        revision=run.revision + 1,
        seq=run.seq + 1,
        created_at=run.created_at,
        updated_at=max(run.updated_at, now),
        expires_at=run.expires_at,
        started_at=run.started_at,
        closed_at=run.closed_at,
        executor_ref=None,
        language=None,
        webhook=run.webhook,
    )


def with_clock_skew(run: Run, seconds: int | None) -> Run:
    """Return a run with the largest clock skew reported so far: `seconds` that a phone's clock is ahead of the
    server's, or behind (below 0). Less than five minutes, or None, leaves the run unchanged.
    """
    if seconds is None or abs(seconds) < max(LEAST_CLOCK_SKEW, abs(run.clock_skew_seconds or 0) + 1):
        return run
    return replace(run, clock_skew_seconds=seconds)


def expiry(now: int, hours: float | None) -> int | None:
    """Return the time `hours` after `now` (milliseconds), rounded up to a second; None (never) without `hours`."""
    if hours is None:
        return None
    at = now + int(hours * times.HOUR)
    return -(-at // times.SECOND) * times.SECOND


@dataclass(frozen=True, slots=True)
class DispatchRequest:
    """A run to dispatch; `expires_in_hours` None = never, the webhook's URL is normalised. `is_bound`: the request
    names the hours; otherwise the run stays open at least until a day after its due time. Without a `webhook`,
    `webhook_from` decides: none (`request`), the default one of its template or organization, or the one of the closed
    run that it repeats (`previous`).
    """

    template_id: str
    webhook: Webhook | None = None
    expires_in_hours: float | None = OPEN_HOURS
    executor_ref: str | None = None
    language: str | None = None
    job: RunJob = NO_JOB
    is_bound: bool = False
    webhook_from: WebhookFrom = "request"
    previous_run_id: str | None = None


def expires_at(dispatch_request: DispatchRequest, now: int) -> int | None:
    """Return the expiry of a run that is dispatched at `now`, both in milliseconds: after its hours or, unless the
    request names them, `AFTER_DUE` after the due time if that is later. None = never.
    """
    until, due_at = expiry(now, dispatch_request.expires_in_hours), dispatch_request.job.due_at
    if until is None or due_at is None or dispatch_request.is_bound:
        return until
    return max(until, due_at + AFTER_DUE)


def new_run(
    dispatch_request: DispatchRequest, run_id: str, org_id: str, template_v: int, now: int, progress: ProgressJson
) -> Run:
    """Return the pending run of a dispatch at `now` (milliseconds), not stored yet, with the number 0; `progress` is
    that without answers.
    """
    return Run(
        number=0,
        run_id=run_id,
        org_id=org_id,
        template_id=dispatch_request.template_id,
        template_v=template_v,
        status="pending",
        revision=1,
        seq=0,
        created_at=now,
        updated_at=now,
        expires_at=expires_at(dispatch_request, now),
        executor_ref=dispatch_request.executor_ref,
        language=dispatch_request.language,
        webhook=dispatch_request.webhook,
        progress=progress,
        job=dispatch_request.job,
        previous_run_id=dispatch_request.previous_run_id,
    )


def revised(run: Run, now: int, **changes: Any) -> Run:
    """Return a run in its next revision, with the `changes` of its fields. `updated_at` is `now` (milliseconds), but
    never earlier than before, since a clock can be put back.
    """
    return replace(run, revision=run.revision + 1, updated_at=max(run.updated_at, now), **changes)
