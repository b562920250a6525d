"""The guide on limits has every limit that the code has, with its number."""

import ast
import dataclasses
import math
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import rundun
from rundun import paths
from rundun.config.loader import SETTINGS
from rundun.core import times
from rundun.core.token_bucket import Policy
from rundun.wording.problem_codes import PROBLEMS

SETTING = {one.key: one for one in SETTINGS}
UNITS = {"KiB": 1024, "MiB": 1024**2, "megapixels": 10**6, "%": 0.01}
UNITS |= {"seconds": times.SECOND, "minutes": 60 * times.SECOND, "hours": times.HOUR, "days": times.DAY}
NUMBER = re.compile(rf"(?<![\w.])(\d[\d,]*(?:\.\d+)?) ?({'|'.join(UNITS)})?")
PACKAGE = Path(rundun.__file__).parent
# What a limit is called, the lead of a Policy included. `…_SECONDS` and the like are pauses more often than limits.
IS_LIMIT = re.compile(r"(^|_)(MAX|MAXIMUM|MIN|MOST|LEAST|LIMIT|TTL|KEPT|AT_ONCE)(_|$)")
# Which row of the guide has the number of a constant, of a field with a default or of one whose schema bounds it.
LIMITS = {
    "web.http.rate_limit.OF_LINK": "Requests on all runs of an organization together, beyond 60 a minute on each",
    "web.http.rate_limit.LINKS": "Requests on all runs of an organization together, beyond 60 a minute on each",
    "web.http.turns.WAITING": "Waiting pieces of long work of an organization's operators, and of its API keys",
    "web.http.turns.OF_OPERATOR": "Waiting pieces of one operator, or of an address before sign-in",
    "web.http.turns.OF_LINKS": "Waiting pieces of all links of an organization",
    "web.webhook_trial.TESTS": "`POST /v1/webhooks/test`, by one organization",
    "core.json_text.MAX_VALUES": "Values of a JSON body, lists and objects included",
    "web.http.body.TIMEOUT": "Time for a JSON body to arrive",
    "config.connection_limits.ConnectionLimits.header_bytes": "Headers of a request",
    "config.connection_limits.ConnectionLimits.header": "Headers of a request",
    "config.connection_limits.ConnectionLimits.body": "A pause in a body",
    "config.connection_limits.ConnectionLimits.reading": "A pause in taking a response",
    "config.connection_limits.ConnectionLimits.unsent_bytes": "Responses that an organization has yet to take",
    "config.connection_limits.ConnectionLimits.idle": "A pause between two requests of a connection",
    "web.api.endpoint.MAX_KEY": "An `Idempotency-Key`",
    "store.idempotency.TTL_MS": "How long an `Idempotency-Key` is known",
    "web.http.query_params.ListQuery.limit": "Entries of one page of a list",
    "web.http.query_params.EventsQuery.wait": "`wait` of the event feed",
    "store.sqlite.pagination.MAX_PAGE": "Events, templates or versions of one page, in bytes",
    "core.templates.rules.MAX_ERRORS": "Wrong places listed in one problem",
    "core.text.MAX_NUMBER": "A number, positive or negative",
    "core.text.MAX_MARKS": "Combining marks in a row, in any text",
    "web.archives.pdf.MAX_HTML": "HTML of a report as PDF, without its pictures",
    "web.archives.pdf.MAX_PICTURES": "Pictures of a report as PDF",
    "web.archives.pdf.MAX_PICTURE_BYTES": "Pictures of a report as PDF",
    "pdf.writer.MAX_QUEUED": "Reports being made as PDF, in all, and as many by links",
    "pdf.writer.MAX_OF_OWNER": "Reports of an organization being made as PDF, and as many by its links",
    "web.archives.download.AT_ONCE": "ZIP and CSV files under way for one organization",
    "web.archives.answers.MAX_ROWS": "Rows of a table of answers as XLSX, the headings included",
    "spreadsheets.write_child.MAX_TEXT": "A cell of XLSX",
    "actions.runs.shares.MAX_SHARES": "Shares of a run, ended ones included",
    "core.runs.report.MAX_LEFT_OUT": "`without` of a report",
    "core.runs.flags.MAX_FLAGS": "`flags` of a run, and their `answer`",
    "core.runs.flags.MAX_ANSWER": "`flags` of a run, and their `answer`",
    "core.templates.template.MAXIMUM_BYTES": "A template as JSON, a draft of one without white space",
    "actions.templates.drafts.MAX_DRAFTS": "Drafts",
    "core.templates.template.MAX_SECTIONS": "Sections",
    "core.templates.template.MAX_STEPS": "Steps",
    "core.templates.template.MAX_FIELDS": "Fields",
    "core.templates.template.Template.tags": "Tags",
    "core.templates.steps.MAX_OPTIONS": "Options of a step",
    "core.templates.steps.MAX_SLOTS": "Slots of a photo step",
    "core.templates.steps.MAX_PICTURES": "Pictures that a step shows",
    "core.templates.steps.PhotoRule.max": "Photos of a step",
    "core.templates.steps.RatingConfig.max": "Grades of a rating, up to",
    "core.templates.steps.TextConfig.max_length": "Characters of a text answer, up to",
    "core.templates.template.Template.name": "Name of a template, title of a section",
    "core.templates.template.Template.description": "Description of a template or section",
    "core.templates.steps.BooleanStep.label": "Label of a step",
    "core.templates.steps.BooleanStep.hint": "Hint of a step",
    "core.templates.steps.InstructionConfig.body": "Body of an instruction",
    "core.templates.steps.Option.label": "Label of an option, of a slot, of a field",
    "core.templates.condition.MAX_DEPTH": "Groups of conditions within each other",
    "core.templates.condition.Group.rules": "Rules of a group",
    "core.templates.template.MAX_COMPARISONS_OF_STEP": "Comparisons of a step",
    "core.templates.template.MAX_COMPARISONS": "Comparisons of a template",
    "core.templates.template.SEARCH_START": "Searches in texts: `max_length` × (length of the value + 10), added up",
    "core.templates.template.MAX_SEARCH_COST": "Searches in texts: `max_length` × (length of the value + 10), added up",
    "core.templates.condition.MAX_SHORT_SEARCH": "Most that one of these searches counts",
    "core.templates.pictures.KEPT": "A picture for templates that no template names",
    "core.request_bodies.MAX_HOURS": "`expires_in_hours`",
    "core.runs.run.OPEN_HOURS": "`expires_in_hours`",
    "core.runs.job_values.MAX_AHEAD": "`due_at`, from now",
    "core.csv_text.MAX_BYTES": "A table of jobs, as a file or pasted",
    "core.csv_text.MAX_ROWS": "Rows of a table, below the names of the columns",
    "core.csv_text.MAX_COLUMNS": "Columns of a table",
    "web.console.dispatch.table.AT_ONCE_OF_ORGANIZATION": "Pasted tables of an organization being read at once",
    "web.console.dispatch.table.AT_ONCE": "Pasted tables being read at once, in all",
    "store.runs.sent_tables.KEPT_MS": "How long a repeated table is noticed",
    "core.request_bodies.DispatchBody.executor_ref": "`executor_ref`",
    "core.request_bodies.DispatchBody.title": "`title`",
    "core.request_bodies.DispatchBody.note": "`note`",
    "core.runs.job_values.MAX_VALUE": "The value of a field",
    "core.runs.job_values.MAX_URL": "The value of a field that is a URL",
    "core.runs.search_text.MAX_LENGTH": "`q` of a list",
    "core.runs.search_text.MAX_PART": "Characters that a search finds of a field",
    "core.runs.search_text.MAX_TEXT": "Characters that a search finds of a run, the fields last",
    "store.runs.search.LOOK_MS": "How long a search looks",
    "store.runs.search.SHORT_LIST": "Runs of a list in which a search looks for one character",
    "core.request_bodies.CancelBody.reason": "`reason` of a cancellation",
    "actions.erasure.person_runs.MAX_LISTED": "Runs of a person listed at once",
    "core.request_bodies.PersonQueryBody.run_ids": "`run_ids` of an erasure",
    "web.executor.api.MAX_BODY": "JSON from a phone",
    "web.executor.api.MAX_ANSWER": "JSON of one answer from a phone",
    "core.runs.answer.MAX_TOGETHER": "Answers of one run together, as JSON",
    "core.runs.answer.SHORT": "An answer that is taken even by a full run",
    "actions.runs.execution.MAX_ANSWERS": "Answers to one step, one after the other",
    "web.executor.bodies.AnswerBody.photos": "`photos` of an answer",
    "core.runs.answer.MAX_BARCODE": "Text of a barcode",
    "web.executor.bodies.UnableBody.reason": "`reason` of “I can't do this”",
    "core.runs.remark.MAX_TEXT": "A remark",
    "core.runs.remark.MAX_PHOTOS": "A remark",
    "core.runs.remark.MAX_TOGETHER": "Remarks of one run together, as JSON",
    "actions.runs.remarks.MAX_REMARKS": "Remarks on one step, one after the other",
    "actions.runs.photos.MAX_DELETED": "Photos of one step deleted before they came, remembered",
    "actions.runs.photos.MAX_OF_SLOT": "Photos of one slot: one and the next, or those of two phones",
    "core.picture.SHRINKING_JPEG": "Pixels of a photo or picture",
    "core.picture.MAX_WEBP_PIXELS": "Pixels of a photo or picture",
    "core.picture.PHOTO_PIXELS": "Longest side of a photo as it is shown",
    "core.picture.THUMBNAIL_PIXELS": "Longest side of a photo's thumbnail",
    "core.picture.PICTURE_PIXELS": "Longest side of a picture for templates",
    "web.executor.uploads.SIGNATURE_BYTES": "A signature",
    "core.picture.MAX_SIGNATURE_PIXELS": "Pixels of a signature",
    "actions.runs.photos.UNUSED_SIGNATURES": "Signatures kept that no answer uses",
    "core.picture.MAX_BARCODE_PIXELS": "A picture of a barcode, in pixels",
    "web.http.upload_buffer.UploadBuffer.of_run": "Pictures of a run on their way at once",
    "web.http.upload_buffer.UploadBuffer.in_all": "Pictures of all runs on their way at once",
    "web.http.upload_buffer.UploadBuffer.seconds": "Time for a picture to arrive",
    "web.http.upload_buffer.UploadBuffer.bytes_per_second": "Time for a picture to arrive",
    "web.http.upload_buffer.STRIDE": "Time for a picture to arrive",
    "web.http.upload_buffer.STRIDE_SECONDS": "Time for a picture to arrive",
    "core.deliveries.webhook_url.MAX_LENGTH": "A webhook's URL",
    "core.request_bodies.WebhookBody.secret": "A webhook's secret",
    "core.runs.event.MAX_BODY": "The body of an event",
    "core.deliveries.attempt.EXCERPT_BYTES": "Kept part of a receiver's answer",
    "actions.organizations.quotas.MOST": "Bytes stored, with additions to runs that are out",
    "actions.organizations.api_keys.MAX_VALID": "API keys that work",
    "web.console.settings.keys.MADE": "API keys made in the console",
    "actions.organizations.operators.MAX_OPERATORS": "Operators",
    "actions.organizations.operators.MAX_INVITATIONS": "Open invitations",
    "web.console.settings.people.INVITED": "Invitations, and links for a new password, made",
    "actions.organizations.operators.INVITATION_TTL_MS": "How long an invitation is good",
    "actions.organizations.operators.SETUP_TTL_MS": "How long a set-up link is good",
    "actions.organizations.password_resets.TTL_MS": "How long a link for a new password is good",
    "core.organizations.change.KEPT_MS": "How long an organization's history goes back",
    "actions.organizations.operators.SESSION_IDLE_MS": "A session",
    "actions.organizations.operators.SESSION_TTL_MS": "A session",
    "store.organizations.operators.MAX_SESSIONS": "A session",
    "passwords.MIN_LENGTH": "A password",
    "passwords.MAX_LENGTH": "A password",
    "web.console.sign_in.limits.GUESSES": "Wrong passwords from one address",
    "web.console.sign_in.limits.ALL_GUESSES": "Wrong passwords from all addresses",
    "web.console.sign_in.limits.CODES": "Wrong codes of a second factor",
    "web.console.settings.account.GUESSES": "Wrong current passwords at a change",
    "web.console.runs.live.MAX_STREAMS": "Live pages of an organization open at once",
    "web.console.runs.live.MAX_OF_OPERATOR": "Live pages of an operator open at once",
    "web.console.runs.export.MAX_ROWS": "Runs of one CSV",
    "web.console.settings.organization.MAX_LOGO": "A logo",
    "core.picture.MAX_LOGO_PIXELS": "A logo",
    "core.picture.LOGO_PIXELS": "Longest side of a logo as it is shown",
    "core.erasure.retention.MAX_DAYS": "Days that retention can be set to",
    "actions.organizations.organizations.MAX_CREDITS": "Credits",
    "actions.organizations.organizations.MAX_MEBIBYTES": "A quota, in MiB",
}
HEALTH = "what the check of the service looks at; what is more is told of as more"
SHOWN = "how much a page of the console shows at once; the rest is a click away"
MEMORY = "memory of the service: what was known longest is forgotten, and found again"
ASSISTANT = "how much an assistant is given at once; what is cut says so"
PACE = "how the service paces its own work; nobody is refused"
NO_LIMITS = {
    "actions.deliveries.alerts.MAX_DELIVERIES": "an alert that stands for more says so",
    "actions.runs.handled.MAX_GROUPED": SHOWN,
    "actions.health.MAX_OPEN": HEALTH,
    "web.console.runs.compare.LIMIT": SHOWN,
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
    "core.templates.translation_rules.MAX_LENGTHS": "the lengths of translated texts, by a test",
    "core.validation.MAX_NAME": "of an unknown field's name as an error quotes it",
    "maintenance.diagnostics.MAX_LENGTH": HEALTH,
    "maintenance.diagnostics.MAX_LOOK_UPS": HEALTH,
    "maintenance.diagnostics.MIN_FREE": HEALTH,
    "errors.MAX_CHOICES": "how many a sentence lists; what is more is counted",
    "errors.MAX_TYPED": "how much of a typed value a sentence repeats",
    "imaging.exif._MAX_BYTES": "what is behind is not looked at",
    "imaging.exif._MAX_TEXT": "what is behind is not looked at",
    "core.validation.MAX_UNKNOWN": "members of an object that are told as unknown; any are refused",
    "logs._MAX_VALUE": "of one value in a log line, which is cut",
    **dict.fromkeys(("mcp.arguments.MAX_ROWS", "mcp.views.MAX_CHARACTERS", "mcp.views.MAX_ERRORS"), ASSISTANT),
    **dict.fromkeys(("mcp.views.MAX_OPTIONS", "mcp.others_words.MAX_SHORT", "mcp.others_words.MAX_TEXT"), ASSISTANT),
    "passwords.AT_ONCE": PACE,
    "passwords.MAX_OF_ASKER": "passwords that wait to be hashed; who signs in by hand never has so many",
    "passwords.MAX_WAITING": "passwords that wait to be hashed; who signs in by hand never has so many",
    "pool.MAX_REST_SECONDS": PACE,
    "maintenance.retention.MAX_JUMP_SECONDS": "a clock's",
    **dict.fromkeys(("spreadsheets.reader.AT_ONCE", "spreadsheets.reader.AT_ONCE_OF_OWNER"), PACE),
    "store.organizations.api_keys.MAX_REVOKED": SHOWN,
    "store.backups.copies.KEPT_MS": "how long a copy that is gone is still told of",
    "store.erasure.journal_file.MAX_BYTES": "some two million erasures; the service tells of it long before",
    "store.erasure.journal_file.MAX_ID": "of our own ids",
    "store.erasure.person_runs.AT_ONCE": PACE,
    "store.organizations.statistics.MAX_COUNTED": SHOWN,
    "store.runs.search.MAX_WINDOW": PACE,
    "store.worker.MAX_BATCH": PACE,
    "web.http.auth.MAX_REMEMBERED": MEMORY,
    "web.http.known_runs.MAX_REMEMBERED": MEMORY,
    "web.pages.shown_template.MAX_BYTES": MEMORY,
    "web.console.dispatch.dispatch.MAX_TEMPLATES": SHOWN,
    "web.console.dispatch.form.MAX_FORM": "a form as our page has it never has more",
    "web.console.dispatch.form.MAX_PREFILLED": SHOWN,
    "web.console.dispatch.table.MAX_FORM": "a form as our page has it never has more",
    "web.console.dispatch.table.MAX_SHOWN": SHOWN,
    "wording.job_tables.table.MAX_ERRORS": "how many wrong cells are told; what is more is counted",
    "web.console.sign_in.pending.TTL_MS": "between password and code",
    "web.console.erasure.retention.KEPT": "words",
    "wording.run_view.MAX_REPLACED": SHOWN,
    "wording.run_table.MAX_LABEL": SHOWN,
    "pdf.writer.MAX_FAILED": "of a cache",
    "spreadsheets.write_child.MAX_LINKS": "of a sheet; further ones are texts",
    **{f"web.archives.answers.{name}_AT_ONCE": PACE for name in ("RUNS", "STEPS", "CELLS")},
    "web.console.runs.rows.MAX_PHOTOS": SHOWN,
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
    "web.console.templates.editor.MAX_LABELS": SHOWN,
    "web.console.templates.text_check.MAX_ROUNDS": "a preview of fewer steps, or none",
    "web.console.templates.editor.MAX_SHOWN": SHOWN,
    "web.console.templates.publish.MAX_COUNTED": SHOWN,
    "web.console.templates.publish.MAX_SHOWN": SHOWN,
    "web.console.templates.templates.MAX_VERSIONS": SHOWN,
    "web.console.templates.text_check.MAX_TEXT": "a template with all the space it may be laid out in",
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


def rows() -> dict[str, tuple[str, str]]:
    """The rows of the guide's tables: how much, and what happens beyond it, by the limit's name."""
    lines = (paths.templates() / "docs" / "limits.md").read_text("utf-8").splitlines()
    found = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    by_name = {of: (most, more) for of, most, more in found if of != "Limit"}
    assert len(by_name) == sum(of != "Limit" for of, _, _ in found), "each row has a name of its own"
    return by_name


ROWS = rows()
SETTINGS_OF = {
    of: [name for name in re.findall(r"`([\w.]+)`", most) if name in SETTING] for of, (most, _) in ROWS.items()
}


def values_of(name: str) -> list[float]:
    """The numbers of a setting, a constant, a field with a default, or one whose schema bounds it."""
    if name in SETTING:
        value = SETTING[name].default or 0
        value = len(value) if isinstance(value, tuple) else value * UNITS.get(SETTING[name].unit, 1)
        return [one for one in (value, 60 * name.endswith("_per_minute")) if value and one]
    holder, _, member = name.rpartition(".")
    module, _, last = holder.rpartition(".")
    if not last[0].isupper():
        value = getattr(import_module(f"rundun.{holder}"), member)
        return [value.quota, value.window] if isinstance(value, Policy) else [value]
    cls = getattr(import_module(f"rundun.{module}"), last)
    if dataclasses.is_dataclass(cls):
        return [field.default for field in dataclasses.fields(cls) if field.name == member]
    schema = cls.model_json_schema()
    field = (schema.get("properties") or schema["$defs"][last]["properties"])[member]
    bounds = ("minLength", "maxLength", "maxItems", "maximum")
    return [part[one] for part in (field, *field.get("anyOf", [])) for one in bounds if part.get(one, 1) > 1]


@pytest.mark.parametrize("of", ROWS)
def test_the_numbers_of_a_row_are_those_of_the_code(of: str) -> None:
    """In their order; times are kept in milliseconds or in seconds."""
    most = ROWS[of][0].replace("a minute", "in 60 seconds").replace("an hour", "in 60 minutes")
    said = [float(number.replace(",", "")) * UNITS.get(unit, 1) for number, unit in NUMBER.findall(f"{of} {most}")]
    names = [*SETTINGS_OF[of], *(name for name, row in LIMITS.items() if row == of)]
    assert names, "a row has a constant in LIMITS, or names a setting"
    kept = [value for name in names for value in values_of(name)]
    assert len(said) == len(kept), f"{said} and {kept}"
    for one, other in zip(said, kept, strict=True):
        assert math.isclose(one, other) or math.isclose(one, other * times.SECOND), f"{said} and {kept}"


def test_every_limit_is_in_the_guide_or_is_said_to_be_none() -> None:
    found = set(constants())
    assert found - set(LIMITS) == set(NO_LIMITS), "a new limit has its row in templates/docs/limits.md"
    assert not set(LIMITS) & set(NO_LIMITS)
    assert set(LIMITS.values()) <= set(ROWS)


def test_every_setting_that_is_a_number_is_in_the_guide_or_is_said_to_be_no_limit() -> None:
    numbers = {one.key for one in SETTINGS if type(one.default) in (int, float) or one.section == "limits"}
    assert numbers - {name for names in SETTINGS_OF.values() for name in names} == set(NO_SETTINGS)


def test_what_is_answered_to_more_is_what_the_api_answers() -> None:
    named = [found for _, more in ROWS.values() for found in re.findall(r"(\d{3}) `(\w+)`", more)]
    assert len(named) > 30
    assert [(int(status), code) for status, code in named] == [(PROBLEMS[code].status, code) for _, code in named]
