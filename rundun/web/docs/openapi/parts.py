"""The texts of the OpenAPI document: its introduction and its subjects."""

INTRODUCTION = """\
Rundun sends a checklist as a link. Whoever opens the link on a phone answers, takes photos and signs, with no app and
no account; the system that sent it gets an event for every step and reads the full record.

Everything under `/v1` is for integrators and takes an API key; everything under `/r/{run_id}` is the executor's side,
where possession of the link is the right to do the run. Bodies are JSON in UTF-8, times RFC 3339 in UTC with whole
seconds, ids a prefix and a UUID. Text is normalised (Unicode NFC) and trimmed of white space at both ends before its
length is counted, in code points; it must not hold the character U+0000. An unknown field or query parameter is an
error that names it. Answers may get more members with time; clients ignore those they do not know.

Errors are problem details (RFC 9457) with a stable `code`; the `type` is a page of this service, and `errors` names
every wrong place. Beside what each operation lists, an address that does not exist is answered with 404 `not_found`, a
method that an address does not have with 405 `method_not_allowed` and `Allow`. What cannot be read as an HTTP request
at all is answered before any of this, with 400 or 431 (its head is too large), the `type` `about:blank` and no `code`.
`HEAD` is answered wherever `GET` is.
"""


TAGS = {
    "Runs": (
        "A run is one execution of one version of a template. It begins when somebody taps Start on its page, "
        "never by a link being opened, and ends completed, cancelled or expired."
    ),
    "Templates": (
        "A template is a checklist, kept in versions. Runs under way keep the version they were dispatched with."
    ),
    "Deliveries": ("A delivery is one event on its way to one webhook, an attempt one HTTP request of it."),
    "Events": (
        "The same events that webhooks receive, to be fetched: for systems that can't be reached from here, and to"
        " catch up with what was missed."
    ),
    "Organization": ("An organization owns templates, runs, keys and credits. A key sees its own organization only."),
    "Executor": (
        "What the page of a run uses, under the same address as the page, for anybody who builds a front end of "
        "their own. There is no key: who has the link can do the run. On a closed run every 410 carries "
        "`run_status` and `closed_at`, but what was stored already is answered as before, so that a lost reply "
        "never looks like a loss. Writes must come from this site's own pages or from no browser at all."
    ),
}
