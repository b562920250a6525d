"""Every limit there is, for the guide; `limit_values.py` reads its numbers from where they are enforced."""

from dataclasses import dataclass

from rundun.web.docs.limit_values import is_setting, names_in, written


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: of what, how much, and what comes of more."""

    of: str
    most: str
    more: str

    @property
    def names(self) -> list[str]:
        """List what its numbers are named by."""
        return names_in(f"{self.of} {self.most} {self.more}")

    @property
    def settings(self) -> list[str]:
        """List the settings that change it."""
        return [name for name in self.names if is_setting(name)]

    def written(self) -> tuple[str, str, str]:
        """Return its three texts with their numbers."""
        return written(self.of), written(self.most), written(self.more)


_INVALID, _LARGE = "422 `invalid`", "413 `too_large`"
_RATE, _LATER = "429 `rate_limited`", "503 `unavailable`, `Retry-After`"

LIMITS: dict[str, tuple[Limit, ...]] = {
    "requests": (
        Limit(
            "Requests of one API key, of all phones on one run, of one operator",
            "{limits.requests_per_minute} a minute",
            _RATE,
        ),
        Limit(
            "Requests of all API keys of an organization together, and of all its operators",
            "four times as many, {limits.organization_requests_per_minute:unless_set}",
            _RATE,
        ),
        Limit(
            "Requests on all runs of an organization together, beyond {web.http.rate_limit.OF_LINK} a minute on each",
            "{web.http.rate_limit.LINKS} times that",
            _RATE,
        ),
        Limit(
            "Pieces of long work that wait, of an organization's operators and of its API keys; of one operator, or of "
            "an address from which nobody has signed in; of all its links",
            "{web.http.turns.WAITING} each; {web.http.turns.OF_OPERATOR}; {web.http.turns.OF_LINKS}",
            _RATE,
        ),
        Limit("Requests with an unknown key or link from one address", "{limits.failures_per_minute} a minute", _RATE),
        Limit("`POST /v1/webhooks/test`, by one organization", "{web.webhook_trial.TESTS}", _RATE),
        Limit("A JSON body", "{limits.body_kibibytes}", _LARGE),
        Limit("Time for a JSON body to arrive", "{web.http.body.TIMEOUT:seconds}", _LATER),
        Limit(
            "Headers of a request",
            "{config.connection_limits.ConnectionLimits.header_bytes:size}, "
            "whole within {config.connection_limits.ConnectionLimits.header:seconds}",
            "431; the connection is closed",
        ),
        Limit(
            "A pause in a body", "{config.connection_limits.ConnectionLimits.body:seconds}", "The connection is closed"
        ),
        Limit(
            "A pause in taking a response",
            "{config.connection_limits.ConnectionLimits.reading:seconds}",
            "The connection is closed",
        ),
        Limit(
            "A pause between two requests of a connection",
            "{config.connection_limits.ConnectionLimits.idle:seconds}",
            "The connection is closed",
        ),
        Limit("An `Idempotency-Key`", "{Idempotency-Key/maxLength} characters", _INVALID),
        Limit("How long it is known", "{store.idempotency.TTL_MS:milliseconds}", "The request is a new one"),
        Limit("Entries of one page of a list", "{web.http.query_params.ListQuery/limit/maximum}", _INVALID),
        Limit("`wait` of the event feed", "{web.http.query_params.EventsQuery/wait/maximum} seconds", _INVALID),
        Limit(
            "Events of one page of the feed, in bytes", "{store.runs.events.MAX_PAGE:size}", "The page ends: `has_more`"
        ),
        Limit("Wrong places listed in one problem", "{core.templates.rules.MAX_ERRORS} of each kind", "Left out"),
        Limit("A number, above and below 0", "{core.text.MAX_NUMBER}", _INVALID),
        Limit("Combining marks in a row, in any text", "{core.text.MAX_MARKS}", _INVALID),
        Limit(
            "ZIP and CSV files under way for one organization",
            "{web.archives.download.AT_ONCE}",
            "409 `request_in_progress`",
        ),
    ),
    "templates": (
        Limit("A template as JSON", "{core.templates.template.MAXIMUM_BYTES:size}", _LARGE),
        Limit("Sections", "{core.templates.template.MAX_SECTIONS}", _INVALID),
        Limit("Steps", "{core.templates.template.MAX_STEPS}", _INVALID),
        Limit("Fields", "{core.templates.template.MAX_FIELDS}", _INVALID),
        Limit("Tags", "{TemplateDraft/tags/maxItems}", _INVALID),
        Limit("Options of a step", "{core.templates.steps.MAX_OPTIONS}", _INVALID),
        Limit("Slots of a photo step", "{core.templates.steps.MAX_SLOTS}", _INVALID),
        Limit("Pictures that a step shows", "{core.templates.steps.MAX_PICTURES}", _INVALID),
        Limit("Photos of a step", "{PhotoRule/max/maximum}", _INVALID),
        Limit("Grades of a rating, up to", "{RatingConfig/max/maximum}", _INVALID),
        Limit("Characters of a text answer, up to", "{TextConfig/max_length/maximum}", _INVALID),
        Limit("Name of a template, title of a section", "{TemplateDraft/name/maxLength} characters", _INVALID),
        Limit("Description of either", "{TemplateDraft/description/maxLength} characters", _INVALID),
        Limit("Label of a step", "{BooleanStep/label/maxLength} characters", _INVALID),
        Limit("Its hint", "{BooleanStep/hint/maxLength} characters", _INVALID),
        Limit("Body of an instruction", "{InstructionConfig/body/maxLength} characters", _INVALID),
        Limit("Label of an option, of a slot, of a field", "{OptionDraft/label/maxLength} characters", _INVALID),
        Limit("Groups of conditions, one in the other", "{core.templates.condition.MAX_DEPTH}", _INVALID),
        Limit("Rules of a group", "{Group/rules/maxItems}", _INVALID),
        Limit(
            "Comparisons of a step, of a template",
            "{core.templates.template.MAX_COMPARISONS_OF_STEP}, {core.templates.template.MAX_COMPARISONS}",
            _INVALID,
        ),
        Limit(
            "Searches in text answers: `max_length` × (length of the value + {core.templates.template.SEARCH_START}), "
            "all of a template added up",
            "{core.templates.template.MAX_SEARCH_COST}; one counts {core.templates.condition.MAX_SHORT_SEARCH} at most",
            _INVALID,
        ),
        Limit("A picture for templates that none names", "kept {core.templates.pictures.KEPT:milliseconds}", "Deleted"),
    ),
    "runs": (
        Limit(
            "`expires_in_hours`", "{core.request_bodies.MAX_HOURS}; {core.runs.run.OPEN_HOURS} if left out", _INVALID
        ),
        Limit("Answers to a started run, once it has expired", "{runs.grace_hours} more", "410 `run_closed`"),
        Limit("`due_at`, from now", "{core.runs.job_values.MAX_AHEAD:milliseconds}", _INVALID),
        Limit("A table of jobs, as a file or pasted", "{core.csv_text.MAX_BYTES:size}", "Refused"),
        Limit("Its rows below the names of the columns", "{core.csv_text.MAX_ROWS}", "Refused"),
        Limit("Its columns", "{core.csv_text.MAX_COLUMNS}", "Refused"),
        Limit(
            "Tables being read at once, of those pasted: of an organization; of all",
            "{web.console.dispatch.table.AT_ONCE_OF_ORGANIZATION}; {web.console.dispatch.table.AT_ONCE}",
            _LATER,
        ),
        Limit(
            "How long it is noticed that a table comes again",
            "{store.runs.sent_tables.KEPT_MS:milliseconds}",
            "It is sent",
        ),
        Limit("`executor_ref`", "{DispatchBody/executor_ref/maxLength} characters", _INVALID),
        Limit("`title`", "{DispatchBody/title/maxLength} characters, one line", _INVALID),
        Limit("`note`", "{DispatchBody/note/maxLength} characters", _INVALID),
        Limit(
            "The value of a field; one that is a URL",
            "{core.runs.job_values.MAX_VALUE} characters; {core.runs.job_values.MAX_URL}",
            _INVALID,
        ),
        Limit("`q` of a list", "{core.runs.search_text.MAX_LENGTH} characters", _INVALID),
        Limit(
            "Characters that a search finds of a field; of all that a run says, the fields last",
            "{core.runs.search_text.MAX_PART}; {core.runs.search_text.MAX_TEXT}",
            "Not found by a search",
        ),
        Limit(
            "Runs that a search looks at; characters of theirs, those not indexed counting more",
            "{store.runs.search.MAX_LOOKED_AT}; {store.runs.search.MAX_CHARACTERS}",
            "The page ends: `has_more`",
        ),
        Limit("`reason` of a cancellation", "{CancelBody/reason/maxLength} characters", _INVALID),
        Limit(
            "Runs of a person listed at once",
            "{actions.erasure.person_runs.MAX_LISTED}",
            "The list says that it has more",
        ),
        Limit("`run_ids` of an erasure", "{PersonQueryBody/run_ids/maxItems}", _INVALID),
    ),
    "answers": (
        Limit(
            "JSON from a phone; of one answer",
            "{web.executor.api.MAX_BODY:size}; {web.executor.api.MAX_ANSWER:size}",
            _LARGE,
        ),
        Limit("Answers of one run together, as JSON", "{core.runs.answer.MAX_TOGETHER:size}", _LARGE),
        Limit(
            "An answer that is taken however full the run is",
            "{core.runs.answer.SHORT} bytes",
            "Counts towards the above",
        ),
        Limit("Answers to one step, one after the other", "{actions.runs.execution.MAX_ANSWERS}", _INVALID),
        Limit("`photos` of an answer", "{AnswerBody/photos/maxItems}", _INVALID),
        Limit("Text of a barcode", "{core.runs.answer.MAX_BARCODE} characters", _INVALID),
        Limit("`reason` of “I can't do this”", "{UnableBody/reason/maxLength} characters", _INVALID),
        Limit("A remark", "{core.runs.remark.MAX_TEXT} characters, {core.runs.remark.MAX_PHOTOS} photos", _INVALID),
        Limit("Remarks of one run together, as JSON", "{core.runs.remark.MAX_TOGETHER:size}", _LARGE),
        Limit("Remarks on one step, one after the other", "{actions.runs.remarks.MAX_REMARKS}", _INVALID),
        Limit(
            "Photos of one step deleted before they came, to be remembered",
            "{actions.runs.photos.MAX_DELETED}",
            "Not kept",
        ),
        Limit(
            "Photos of one slot: one and the next, or those of two phones",
            "{actions.runs.photos.MAX_OF_SLOT}",
            "422 `too_many_photos`",
        ),
    ),
    "photos": (
        Limit("A photo, or a picture for templates", "{limits.photo_mebibytes}", _LARGE),
        Limit(
            "Its pixels",
            "{limits.photo_megapixels}; {core.picture.SHRINKING_JPEG} times as many of a baseline JPEG; "
            "{core.picture.MAX_WEBP_PIXELS:megapixels} of a WebP",
            "422 `unreadable_image`",
        ),
        Limit(
            "Longest side of what is shown; of its thumbnail; of a picture for templates",
            "{core.picture.PHOTO_PIXELS} px; {core.picture.THUMBNAIL_PIXELS} px; {core.picture.PICTURE_PIXELS} px",
            "Made smaller; originals of photos are kept",
        ),
        Limit("A signature", "{web.executor.uploads.SIGNATURE_BYTES:size}", _LARGE),
        Limit("Its pixels", "{core.picture.MAX_SIGNATURE_PIXELS:megapixels}", "422 `unreadable_image`"),
        Limit(
            "Signatures kept that no answer uses", "{actions.runs.photos.UNUSED_SIGNATURES} a step", "The oldest goes"
        ),
        Limit(
            "A picture of a barcode, in pixels",
            "{core.picture.MAX_BARCODE_PIXELS:megapixels}",
            "422 `unreadable_image`",
        ),
        Limit(
            "Pictures on their way at once: of a run; of all",
            "{web.http.upload_buffer.UploadBuffer.of_run}; {web.http.upload_buffer.UploadBuffer.in_all}",
            _LATER,
        ),
        Limit(
            "Time for a picture to arrive",
            "{web.http.upload_buffer.UploadBuffer.seconds:seconds}, and one more for each "
            "{web.http.upload_buffer.UploadBuffer.bytes_per_second:size}; "
            "{web.http.upload_buffer.STRIDE:size} in each {web.http.upload_buffer.STRIDE_SECONDS:seconds}",
            _LATER,
        ),
    ),
    "webhooks": (
        Limit("A webhook's URL", "{core.deliveries.webhook_url.MAX_LENGTH} characters", _INVALID),
        Limit("Its secret", "{WebhookBody/secret/minLength} to {WebhookBody/secret/maxLength} characters", _INVALID),
        Limit("The body of an event", "{core.runs.event.MAX_BODY:size}", "Without thumbnails: `thumbnails_omitted`"),
        Limit("Time for one attempt", "{webhooks.timeout_seconds}", "The attempt has failed"),
        Limit("Attempts after the first", "{webhooks.retry_delays_seconds:count}", "The delivery has failed"),
        Limit("Attempts under way at once", "{webhooks.concurrency}", "They wait"),
        Limit("Those of an organization to one host and port", "{webhooks.per_destination}", "They wait"),
        Limit("What is kept of a receiver's answer", "{core.deliveries.attempt.EXCERPT_BYTES:size}", "Cut"),
        Limit("How long a closed run's secret is kept", "{retention.secrets_days}", "Erased"),
    ),
    "organizations": (
        Limit(
            "What an organization stores",
            "its quota, else {limits.organization_mebibytes:or_any}",
            "403 `quota_exceeded` for what is new",
        ),
        Limit("What runs that are out may add", "{actions.organizations.quotas.MOST:percent} of the quota", _LATER),
        Limit("API keys that work", "{actions.organizations.api_keys.MAX_VALID}", _INVALID),
        Limit("API keys made in the console", "{web.console.settings.keys.MADE}", _RATE),
        Limit(
            "Operators; open invitations",
            "{actions.organizations.operators.MAX_OPERATORS}; {actions.organizations.operators.MAX_INVITATIONS}",
            _INVALID,
        ),
        Limit("Invitations, and links for a new password, made", "{web.console.settings.people.INVITED}", _RATE),
        Limit(
            "How long an invitation is good",
            "{actions.organizations.operators.INVITATION_TTL_MS:milliseconds}",
            "Invite again",
        ),
        Limit(
            "How long a set-up link is good",
            "{actions.organizations.operators.SETUP_TTL_MS:milliseconds}",
            "Make another",
        ),
        Limit(
            "How long a link for a new password is good",
            "{actions.organizations.password_resets.TTL_MS:milliseconds}",
            "Make another",
        ),
        Limit(
            "How long an organization's history goes back", "{core.organizations.change.KEPT_MS:milliseconds}", "Gone"
        ),
        Limit(
            "A session",
            "{actions.organizations.operators.SESSION_IDLE_MS:milliseconds} without use, "
            "{actions.organizations.operators.SESSION_TTL_MS:milliseconds} in all, "
            "{store.organizations.operators.MAX_SESSIONS} an operator",
            "Sign in again",
        ),
        Limit("A password", "{passwords.MIN_LENGTH} to {passwords.MAX_LENGTH} characters", _INVALID),
        Limit(
            "Wrong passwords: from one address; from wherever",
            "{web.console.sign_in.limits.GUESSES}; {web.console.sign_in.limits.ALL_GUESSES}",
            _RATE,
        ),
        Limit("Wrong codes of a second factor", "{web.console.sign_in.limits.CODES}", _RATE),
        Limit("Wrong present passwords, where one is changed", "{web.console.settings.account.GUESSES}", _RATE),
        Limit(
            "Live pages open at once: of an organization; of an operator",
            "{web.console.runs.live.MAX_STREAMS}; {web.console.runs.live.MAX_OF_OPERATOR}",
            _RATE,
        ),
        Limit("Runs of one CSV", "{web.console.runs.export.MAX_ROWS}", "The newest are in it"),
        Limit(
            "A logo",
            "{web.console.settings.organization.MAX_LOGO:size}, {core.picture.MAX_LOGO_PIXELS:megapixels}",
            "Refused; shown with {core.picture.LOGO_PIXELS} px",
        ),
        Limit("Days that retention can be set to", "{core.erasure.retention.MAX_DAYS}", _INVALID),
        Limit(
            "Credits, and a quota in MiB",
            "{actions.organizations.organizations.MAX_CREDITS}, {actions.organizations.organizations.MAX_MEBIBYTES}",
            _INVALID,
        ),
    ),
}
