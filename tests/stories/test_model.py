"""Any story at all: random sequences of all that integrators, executors, receivers and the clock can do, against the
real application, beside a model that a page of Python holds. After each step both say the same of the run it was about:
status, answers, events, deliveries, credits.
"""

import secrets
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, Phase, seed, settings, strategies as some
from hypothesis.stateful import Bundle, initialize, multiple, rule, run_state_machine_as_test

from rundun.actions.organizations import api_keys, organizations
from tests.helpers.pictures import images
from tests.helpers.service import HOUR, Receiver, answering, new_photo_id
from tests.helpers.strategies.hypothesis_service import stage_in
from tests.helpers.strategies.story_model import (
    ANSWERS,
    DELAYS,
    FINAL,
    WORK,
    Checked,
    Content,
    Run,
    Sent,
    Template,
    checklist,
)

PHOTO = images.jpeg(64, 48)


class Story(Checked):
    """One organization, from its first template on."""

    templates = Bundle("templates")
    runs = Bundle("runs")
    sent = Bundle("sent")

    @initialize(target=templates, credits=some.sampled_from([None, None, 2, 5]))
    def an_organization(self, credits: int | None) -> Template:
        w = self.stage.w
        database, run = w.database, self.stage.run
        org_id = run(database.write(organizations.create, f"Story {secrets.token_hex(8)}")).org_id
        key = run(database.write(api_keys.create, org_id, "story"))[1]
        run(database.write(organizations.add_credits, org_id, credits))
        self.acme = w.browser(authorization=f"Bearer {key}")
        self.phone = w.browser()
        self.credits = credits
        self.known: list[Run] = []
        self.receiver.received.clear()
        self.how = "204 No Content"
        self.receiver.answer = answering(self.how)
        return Template(self.v1("POST", "/templates", 201, checklist("a")).json()["id"], "a")

    def teardown(self) -> None:
        if not hasattr(self, "known"):
            return
        for run in self.known:
            self.look(run)
        counted = Counter(run.status for run in self.known)
        for status in ("pending", "in_progress", *FINAL):
            listed = self.v1("GET", f"/runs?status={status}&limit=100", 200).json()["data"]
            assert len(listed) == counted[status]
        self.receiver.answer = answering("204 No Content")
        self.stage.w.clock.forward(hours=2)
        self.stage.run(self.stage.w.deliver())

    # --- what the integrator does

    @rule(one=templates, name=some.sampled_from(["a", "b", None]))
    def edit_or_archive(self, one: Template, name: str | None) -> None:
        path = f"/templates/{one.template_id}"
        if name is None:
            self.v1("DELETE", path, 204)
            one.archived = True
            return
        if name != one.name:
            one.v += 1
        one.name, one.archived = name, False
        assert self.v1("PUT", path, 200, checklist(name)).json()["v"] == one.v

    @rule(target=runs, one=templates, hours=some.sampled_from([1, 5, 72, None]), hooked=some.booleans())
    def dispatch(self, one: Template, hours: float | None, hooked: bool) -> Any:
        run, _ = self._dispatch(one, self._order(one, hours, hooked), {})
        return run or multiple()

    @rule(target=sent, one=templates, hours=some.sampled_from([1, None]), hooked=some.booleans())
    def dispatch_with_a_key(self, one: Template, hours: float | None, hooked: bool) -> Any:
        body, key = self._order(one, hours, hooked), secrets.token_hex(8)
        run, answer = self._dispatch(one, body, {"idempotency-key": key})
        return Sent(body, key, answer.content, self.now) if run else multiple()

    @rule(target=runs, one=sent)
    def send_it_again(self, one: Sent) -> Any:
        headers = {"idempotency-key": one.key}
        if self.now >= one.at + 24 * HOUR:
            return multiple()
        answer = self.v1("POST", "/runs", 201, one.body, **headers)
        assert answer.content == one.answer
        assert answer.headers["idempotent-replayed"] == "true"
        other = self.v1("POST", "/runs", 422, {**one.body, "executor_ref": "another"}, **headers)
        assert other.json()["code"] == "idempotency_key_reused"
        self._credits_are_right()
        return next(run for run in self.known if run.run_id == answer.json()["run_id"])

    def _order(self, one: Template, hours: float | None, hooked: bool) -> dict[str, Any]:
        order: dict[str, Any] = {"template_id": one.template_id, "expires_in_hours": hours}
        return {**order, "webhook": {"url": self.receiver.url}} if hooked else order

    def _dispatch(self, one: Template, body: dict[str, Any], headers: Any) -> tuple[Run | None, httpx2.Response]:
        expected = 409 if one.archived else 402 if self.credits == 0 else 201
        answer = self.v1("POST", "/runs", expected, body, **headers)
        run = None
        if expected == 201:
            hours = body["expires_in_hours"]
            until = None if hours is None else self.now + hours * HOUR
            url = body.get("webhook", {}).get("url")
            run = Run(answer.json()["run_id"], one.template_id, one.v, until, url)
            self.known.append(run)
            self.credits = self.credits and self.credits - 1
        self._credits_are_right()
        return run, answer

    @rule(run=runs, hours=some.sampled_from([0.5, 2, 100, None]))
    def extend(self, run: Run, hours: float | None) -> None:
        until = None if hours is None else self.now + int(hours * HOUR)
        shorter = until is not None and (run.expires_at is None or until < run.expires_at)
        if self._steers(run, "extend", {"expires_in_hours": hours}, 422 if shorter else 200) and not shorter:
            run.expires_at = until
        self.look(run)

    @rule(run=runs, webhook=some.sampled_from(["hook", "?moved", None]))
    def change_the_webhook(self, run: Run, webhook: str | None) -> None:
        self._post()
        self._expire(run)
        url = webhook and self.receiver.url + webhook.removeprefix("hook")
        unsent = [one for one in run.deliveries if one.status != "delivered"]
        taken = run.url == url or run.status not in FINAL or unsent
        self.v1("PATCH", f"/runs/{run.run_id}", 200 if taken else 409, {"webhook": url and {"url": url}})
        if taken and run.url != url:
            run.url, run.gone = url, False
            for one in [] if url else unsent:
                if one.status == "pending":
                    one.status, one.next_at, one.unsent = "failed", None, one.unsent + 1
        self._post()
        self.look(run)

    def _steers(self, run: Run, what: str, body: Any, otherwise: int = 200) -> bool:
        """Whether the run is open and in time, as the answer must say too."""
        is_open = run.status not in FINAL and not run.is_overdue(self.now)
        self.v1("POST", f"/runs/{run.run_id}/{what}", otherwise if is_open else 409, body)
        self._expire(run)
        return is_open

    # --- what the executor does

    @rule(run=runs, done=some.lists(some.sampled_from(WORK), min_size=1, max_size=4))
    def work(self, run: Run, done: list[str]) -> None:
        for one in done:
            self._does(run, one)

    @rule(run=runs, early=some.booleans())
    def work_to_the_end(self, run: Run, early: bool) -> None:
        for one in ("start", "yes") if early else ("start", "yes", "write", "photograph"):
            self._does(run, one)
        self._complete(run)

    def _does(self, run: Run, one: str) -> None:
        if one == "start":
            self._start(run)
        elif one == "photograph":
            self._photograph(run)
        else:
            step, content, body = ANSWERS[one]
            self._put(run, step, content, body)

    def _start(self, run: Run) -> None:
        if self._writes(run, "POST", "/start", {}, needs_start=False) and run.status == "pending":
            run.status = "in_progress"
            run.tell("run.started", self.now)
        self.look(run)

    def _photograph(self, run: Run) -> None:
        photo_id = new_photo_id()
        if len(run.photos) < 3:
            path = f"/steps/s-pic/photos/{photo_id}"
            if self._writes(run, "PUT", path, PHOTO, created=True):
                run.photos.append(photo_id)
        if run.photos:
            photos = tuple(run.photos)
            self._put(run, "s-pic", (None, False, None, photos), {"value": None, "photos": list(photos)})

    def _put(self, run: Run, step: str, content: Content, body: Any) -> None:
        closed = run.status in FINAL or run.is_overdue(self.now)
        if closed and run.answers.get(step) == content:  # a lost reply never looks like a loss
            answer = self.call(self.phone, "PUT", f"/r/{run.run_id}/steps/{step}", json=body)
            assert answer.status_code == 200, answer.text
        elif self._writes(run, "PUT", f"/steps/{step}", body):
            run.apply(step, content, self.now)
        self.look(run)

    def _complete(self, run: Run) -> None:
        missing = {"s-ok", "s-pic"} - run.done()
        if run.status == "completed":
            self._asks(run, "POST", "/complete", {}, 200)
        elif missing and run.status == "in_progress" and not run.is_overdue(self.now):
            problem = self._asks(run, "POST", "/complete", {}, 409).json()
            assert {one["step_id"] for one in problem["errors"]} == missing
        elif self._writes(run, "POST", "/complete", {}):
            run.close("completed", self.now)
        self.look(run)

    @rule(run=runs, by=some.sampled_from(["executor", "integrator"]), reason=some.sampled_from(["rain", "ill"]))
    def cancel(self, run: Run, by: str, reason: str) -> None:
        if by == "integrator":
            ended = self._steers(run, "cancel", {"reason": reason})
        elif run.status == "cancelled" and run.given_up == reason:
            self._asks(run, "POST", "/cancel", {"reason": reason}, 200)
            ended = False
        else:
            ended = self._writes(run, "POST", "/cancel", {"reason": reason}, needs_start=False)
            run.given_up = reason if ended else run.given_up
        if ended:
            run.close("cancelled", self.now)
        self.look(run)

    def _writes(
        self, run: Run, method: str, path: str, body: Any, *, needs_start: bool = True, created: bool = False
    ) -> bool:
        """Whether a write is taken; one that comes too late expires the run."""
        if run.status in FINAL or run.is_overdue(self.now):
            status, code = 410, "run_closed"
        elif needs_start and run.status == "pending":
            status, code = 409, "not_started"
        else:
            status, code = 201 if created else 200, None
        answer = self._asks(run, method, path, body, status)
        self._expire(run)
        assert code is None or answer.json()["code"] == code
        return code is None

    def _asks(self, run: Run, method: str, path: str, body: Any, status: int) -> httpx2.Response:
        sent = {"content": body} if isinstance(body, bytes) else {"json": body}
        answer = self.call(self.phone, method, f"/r/{run.run_id}{path}", **sent)
        assert answer.status_code == status, (path, body, answer.text)
        return answer

    def _expire(self, run: Run) -> None:
        if run.is_overdue(self.now):
            run.close("expired", self.now)

    # --- what happens by itself

    @rule(seconds=some.sampled_from([1, 60, 600, HOUR // 1000, 5 * HOUR // 1000, 24 * HOUR // 1000]))
    def time_passes(self, seconds: int) -> None:
        self.stage.w.clock.forward(seconds=seconds)
        self._post()

    @rule()
    def the_sweep_comes_by(self) -> None:
        self.stage.run(self.stage.w.sweep())
        for run in self.known:
            self._expire(run)
        for run in self.known:
            self.look(run)

    @rule(how=some.sampled_from(["204 No Content", "500 Oh", "302 Found", "410 Gone"]))
    def the_receiver_changes(self, how: str) -> None:
        self.how = how
        self.receiver.answer = answering(how)
        self._post()
        for run in self.known:
            self.look(run)

    @rule()
    def all_that_failed_is_sent_again(self) -> None:
        self._post()
        failed = [(run, one) for run in self.known if run.url for one in run.deliveries if one.status == "failed"]
        told = self.v1("POST", "/deliveries/retry", 202, {"status": "failed"}).json()
        assert told["retried"] == len(failed)
        for run, one in failed:
            one.attempts += 1
            if self.how.startswith("204"):
                one.status, run.gone = "delivered", False
            elif self.how.startswith("410"):
                run.gone = True
        for run in self.known:
            self.look(run)

    def _post(self) -> None:
        """The dispatcher has been to everybody, as it is at once after each commit and each tick."""
        self.stage.run(self.stage.w.deliver())
        for run in self.known:
            due = [one for one in run.deliveries if one.next_at is not None and one.next_at <= self.now]
            run.gone = run.gone or bool(due and self.how.startswith("410"))
            for one in due:
                one.attempts += 1
                if self.how.startswith("204"):
                    one.status, one.next_at = "delivered", None
                elif run.gone or one.attempts > len(DELAYS):
                    one.status, one.next_at = "failed", None
                else:
                    one.next_at = self.now + DELAYS[one.attempts - 1]
            if due:
                self._learn(run)

    # --- what both say


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Story]]:
    """A world for all stories, and a receiver that runs beside it."""
    with stage_in(tmp_path_factory.mktemp("stories")) as stage:
        receiver = Receiver()
        listening = receiver.listening()
        stage.run(listening.__aenter__())

        class Told(Story):
            pass

        Told.stage, Told.receiver = stage, receiver
        yield Told
        stage.run(listening.__aexit__(None, None, None))


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.mark.parametrize("part", range(3))  # so that several workers share them
def test_every_story_ends_as_the_model_says(told: type[Story], part: int) -> None:
    quick = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]  # soak tells it shorter
    how = settings(max_examples=10, stateful_step_count=40, phases=quick, suppress_health_check=QUIET)
    run_state_machine_as_test(seed(part)(told), settings=how)


@pytest.mark.soak
def test_every_story_at_length(told: type[Story]) -> None:
    chosen = secrets.randbits(32)
    print(f"seed {chosen}")
    how = settings(
        max_examples=1000, stateful_step_count=60, derandomize=False, print_blob=True, suppress_health_check=QUIET
    )
    run_state_machine_as_test(seed(chosen)(told), settings=how)
