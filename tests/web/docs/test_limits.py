"""The guide on limits has every limit that the code has, with its number from there."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import rundun
from rundun.config.loader import SETTINGS
from rundun.web.docs.limits import LIMITS
from rundun.web.http.problems import TABLE
from tests.helpers.service import World

PACKAGE = Path(rundun.__file__).parent
ROWS = [limit for limits in LIMITS.values() for limit in limits]
NAMED = {name for limit in ROWS for name in limit.names}
# What a limit is called, the lead of a Policy included. `…_SECONDS` and the like are pauses more often than limits.
IS_LIMIT = re.compile(r"(^|_)(MAX|MAXIMUM|MIN|MOST|LEAST|LIMIT|TTL|KEPT|AT_ONCE)(_|$)")
HEALTH = "what the check of the service looks at; what is more is told of as more"
SHOWN = "how much a page of the console shows at once; the rest is a click away"
MEMORY = "memory of the service: what was known longest is forgotten, and found again"
ASSISTANT = "how much an assistant is given at once; what is cut says so"
PACE = "how the service paces its own work; nobody is refused"
NO_LIMITS = {
    "actions.deliveries.alerts.MAX_DELIVERIES": "an alert that stands for more says so",
    "actions.runs.handled.MAX_GROUPED": SHOWN,
    "actions.health.MAX_OPEN": HEALTH,
    "actions.health.MAX_TEMPLATES": HEALTH,
    "actions.organizations.operators.MAX_SAME_EMAIL": "one person in that many organizations is nobody",
    "actions.runs.runs.MAX_DELIVERIES": SHOWN,
    "actions.runs.runs.MAX_EVENTS": SHOWN,
    "actions.runs.runs.MAX_REPLACED": SHOWN,
    "actions.runs.runs.MAX_REPEATS": SHOWN,
    "cli.completion.MAX_OFFERED": "how many a shell is offered",
    "cli.runs.dispatch.MAX_SECRET": "of a file with a secret, before what it is for has its own",
    "control_socket.MAX_ADDRESS": "of a socket's name, told at the start",
    "control_socket.MAX_LINE": "between our own command and our own service",
    "core.deliveries.slots.MAX_KNOWN": MEMORY,
    "core.runs.run.LEAST_CLOCK_SKEW": "from which a phone's clock is told of",
    "core.languages.MAX_TAGS": "of a header that browsers send; what is behind is of no weight",
    "core.templates.translation_rules.MAX_LENGTHS": "the lengths of what is translated, by a test",
    "core.validation.MAX_NAME": "of an unknown field's name as an error quotes it",
    "maintenance.diagnostics.MAX_LENGTH": HEALTH,
    "maintenance.diagnostics.MAX_LOOK_UPS": HEALTH,
    "maintenance.diagnostics.MIN_FREE": HEALTH,
    "errors.MAX_CHOICES": "how many a sentence lists; what is more is counted",
    "errors.MAX_TYPED": "how much of what was typed a sentence repeats",
    "imaging.exif._MAX_BYTES": "what is behind is not looked at",
    "imaging.exif._MAX_TEXT": "what is behind is not looked at",
    "logs._MAX_VALUE": "of one value in a log line, which is cut",
    **dict.fromkeys(("mcp.arguments.MAX_ROWS", "mcp.views.MAX_CHARACTERS", "mcp.views.MAX_ERRORS"), ASSISTANT),
    **dict.fromkeys(("mcp.views.MAX_OPTIONS", "mcp.others_words.MAX_SHORT", "mcp.others_words.MAX_TEXT"), ASSISTANT),
    "passwords.AT_ONCE": PACE,
    "passwords.MAX_OF_ASKER": "passwords that wait to be hashed; who signs in by hand never has so many",
    "passwords.MAX_WAITING": "passwords that wait to be hashed; who signs in by hand never has so many",
    "maintenance.retention.MAX_JUMP_SECONDS": "a clock's",
    **dict.fromkeys(("spreadsheets.reader.AT_ONCE", "spreadsheets.reader.AT_ONCE_OF_OWNER"), PACE),
    "store.organizations.api_keys.MAX_REVOKED": SHOWN,
    "store.backups.copies.KEPT_MS": "how long a copy that is gone is still told of",
    "store.erasure.journal_file.MAX_BYTES": "some two million erasures; the service tells of it long before",
    "store.erasure.journal_file.MAX_ID": "of our own ids",
    "store.erasure.person_runs.AT_ONCE": PACE,
    "store.organizations.statistics.MAX_COUNTED": SHOWN,
    "store.worker.MAX_BATCH": PACE,
    "web.http.auth.MAX_REMEMBERED": MEMORY,
    "web.http.run_owners.MAX_REMEMBERED": MEMORY,
    "web.pages.shown_template.MAX_BYTES": MEMORY,
    "web.console.dispatch.dispatch.MAX_TEMPLATES": SHOWN,
    "web.console.dispatch.form.MAX_FORM": "a form as our page has it never has more",
    "web.console.dispatch.form.MAX_PREFILLED": SHOWN,
    "web.console.dispatch.table.MAX_FORM": "a form as our page has it never has more",
    "web.console.dispatch.table.MAX_SHOWN": SHOWN,
    "web.console.templates.pictures.MAX_LISTED": SHOWN,
    "wording.job_tables.table.MAX_ERRORS": "how many wrong cells are told; what is more is counted",
    "web.console.sign_in.pending.TTL_MS": "between password and code",
    "web.console.erasure.retention.KEPT": "words",
    "wording.run_view.MAX_REPLACED": SHOWN,
    "web.console.runs.runs.LIMIT": SHOWN,
    "web.console.runs.several.MAX_CHOSEN": "as many as one page of the list has to choose from",
    "web.console.session.MAX_FIELDS": "a form as our page has it never has more",
    "web.console.session.MAX_FORM": "a form as our page has it never has more",
    "web.console.settings.health.AT_ONCE": HEALTH,
    "web.console.settings.health.INTEGRITY_CHECKS": HEALTH,
    "web.console.settings.history.LIMIT": SHOWN,
    "web.console.settings.history.MAX_ID": "of our own ids",
    "web.console.erasure.person.MAX_ALIKE": SHOWN,
    "web.console.erasure.person.MAX_SHOWN": SHOWN,
    "web.console.settings.second_factor.SETUP_TTL_MS": "in which an app is set up",
    "web.console.settings.webhooks.LIMIT": SHOWN,
    "web.console.sign_in.sign_in.MAX_PATH": "of an address of our own",
    "web.console.sign_in.sign_in.MIN_CHECKS": PACE,
    "web.console.sign_in.limits.ALL_KNOWN_CODES": "as for others, for a browser that is known",
    "web.console.sign_in.limits.ALL_OPERATOR_GUESSES": "as by address, for one operator",
    "web.console.sign_in.limits.KNOWN_CODES": "as for others, for a browser that is known",
    "web.console.sign_in.limits.KNOWN_GUESSES": "as for others, for a browser that is known",
    "web.console.sign_in.limits.OPERATOR_GUESSES": "as by address, for one operator",
    "web.console.templates.editor.MAX_FORM": "a template with all the space it may be laid out in",
    "web.console.templates.editor.MAX_SHOWN": SHOWN,
    "web.console.templates.editor.MAX_TEXT": "a template with all the space it may be laid out in",
    "web.console.templates.templates.MAX_VERSIONS": SHOWN,
    "wording.job_tables.dates_and_numbers.MAX_LENGTH": "longer ones are no dates",
    "web.executor.endpoint.MAX_ID": "of our own ids",
    "wording.file_names.MAX_NAME": "of a file's name in a ZIP, which is cut",
    "web.archives.person.MAX_CHANGES": "all there are",
    "web.erasure.person.AT_ONCE": PACE,
    "web.pages.preview_cache.MAX_BYTES": MEMORY,
    "web.pages.preview_cache.MAX_EACH": MEMORY,
    "web.http.rate_limit.MAX_REMEMBERED": MEMORY,
    "web.routes.MAX_PARTS": "of a path; none of ours has as many",
    "webhooks.alerts.POLICY": PACE,
    "webhooks.client.MAX_IDLE_CONNECTIONS": PACE,
    "webhooks.dialer.MAX_KNOWN": MEMORY,
    "webhooks.dispatcher.MAX_UNWRITTEN": PACE,
}
NO_SETTINGS = {
    "server.port": "an address", "backup.every_hours": PACE, "backup.keep": "of backups, whose oldest is deleted",
}  # fmt: skip


def constants() -> Iterator[str]:
    """Every constant of the package whose name, or whose kind, says that it limits something."""
    for file in PACKAGE.rglob("*.py"):
        module = ".".join(file.relative_to(PACKAGE).with_suffix("").parts)
        for node in ast.parse(file.read_text("utf-8")).body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                is_policy = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "Policy"
                for name in (one for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)):
                    if name.id.isupper() and (is_policy or IS_LIMIT.search(name.id)):
                        yield f"{module}.{name.id}"


def test_every_limit_is_in_the_guide_or_is_said_to_be_none() -> None:
    found = set(constants())
    assert found - NAMED == set(NO_LIMITS), "a new limit has its row in rundun/web/docs/limits.py"
    assert not NAMED & set(NO_LIMITS)


def test_every_setting_that_is_a_number_is_in_the_guide_or_is_said_to_be_no_limit() -> None:
    numbers = {one.key for one in SETTINGS if type(one.default) in (int, float) or one.section == "limits"}
    assert numbers - NAMED == set(NO_SETTINGS)


def test_numbers_come_from_where_the_web_may_look() -> None:
    owners = {name.partition(".")[0] for name in NAMED if "/" not in name and "_" not in name.partition(".")[0]}
    settings = {one.section for one in SETTINGS}
    assert owners <= {"web", "actions", "store", "core", "config", "passwords"} | settings


def test_what_is_answered_to_more_is_what_the_api_answers() -> None:
    named = [found for limit in ROWS for found in re.findall(r"(\d{3}) `(\w+)`", limit.more)]
    assert len(named) > 30
    assert [(int(status), code) for status, code in named] == [(TABLE[code][0], code) for _, code in named]


async def test_the_guide_shows_each_with_its_number(w: World) -> None:
    page = re.sub(r"<[^>]+>", "", (await w.browser().get("/docs/limits")).text)
    for number in ("600 a minute", "10 a minute", "512 KiB", "24 hours", "15 MiB", "8,760; 72 if left out", "120%"):
        assert number in page
    for limit in ROWS:
        assert limit.written()[0].replace("`", "").replace("'", "&#39;") in page
