"""All codes of problems: the HTTP status of each, and its words for integrators, operators and executors."""

from collections.abc import Mapping
from dataclasses import dataclass

from rundun.wording.console_words import N_


@dataclass(frozen=True, slots=True)
class ProblemCode:
    """A code's HTTP status, and its words.

    `title`, `meaning` and `remedy` are for integrators, in the problem document and on the page that its `type` links
    to. `console` are a title and a remedy for operators, None for codes that operators never see; `phone` is the
    sentence on the executor's page, None for `problem_other` with the code.
    """

    status: int
    title: str
    meaning: str
    remedy: str
    console: tuple[str, str] | None = None
    phone: str | None = None


_UNREADABLE = (N_("That could not be read"), N_("Go back, reload the page and send it again."))

PROBLEMS: Mapping[str, ProblemCode] = {
    "malformed_json": ProblemCode(
        400,
        "The body is not JSON",
        "The body is not JSON as RFC 8259 has it: UTF-8, no NaN, no lone surrogates, at most 200 levels deep.",
        "Send what your language's JSON library writes. The detail says where reading stopped.",
        _UNREADABLE,
    ),
    "bad_request": ProblemCode(
        400,
        "Bad request",
        "A page of the console sent a form or a text that can't be read, because it is not UTF-8 for one.",
        "Reload the page and send it again. No operation of the API answers with this code.",
        _UNREADABLE,
    ),
    "unauthorized": ProblemCode(
        401,
        "A valid API key is needed",
        "The key is missing, malformed, unknown or revoked; the four are never told apart.",
        "Send “Authorization: Bearer rdk_live_…”. The administrator makes a new key with “keys create”.",
    ),
    "insufficient_credits": ProblemCode(
        402,
        "No credits left",
        "The organization has no runs left, and nothing was made.",
        "Ask the administrator for more (“orgs credits”), then send the same request again.",
        (N_("No credits are left"), N_("Nothing was sent. Ask the administrator of this server for more credits.")),
    ),
    "cross_site": ProblemCode(
        403,
        "Called from another site",
        "A page of another site tried to write with this phone's cookie.",
        "Call from your server, or from pages under the same address as the link.",
        (N_("That is not allowed"), N_("That came from another site’s page, and nothing was changed.")),
    ),
    "quota_exceeded": ProblemCode(
        403,
        "The organization's storage is used up",
        "The storage is used up, and nothing new is taken. Runs that are out go on to 120 % of the quota.",
        "Ask the administrator for a larger quota, then send the same request again.",
        (
            N_("The storage is used up"),
            N_(
                "Nothing new can be stored. Delete something, or ask the administrator of this server for more storage."
            ),
        ),
    ),
    "write_not_allowed": ProblemCode(
        403,
        "This key may only read",
        "The API key was made to read; nothing was changed.",
        "Use a key that may write: “keys create” without “--read-only”, or one that an owner makes in the console.",
    ),
    "erasure_not_allowed": ProblemCode(
        403,
        "This key may not erase",
        "Erasing destroys evidence, so most keys may not; nothing was changed.",
        "Use a key that was made for it: “keys create --may-erase”, or ask an owner to erase the run.",
    ),
    "other_device": ProblemCode(
        403,
        "Started on another device",
        "The template lets only the device that started the run go on with it, and this is another one.",
        "Go on where it was started, or free the run: POST /v1/runs/{run_id}/release, then start it here.",
        phone="This checklist is open on another phone.",
    ),
    "not_found": ProblemCode(
        404,
        "Not found",
        "There is nothing at this address, or it belongs to another organization; the two are never told apart.",
        "Compare the id with the one that was answered, and the key with the organization it is for.",
        (
            N_("There is nothing here"),
            N_("It may have been deleted, the link may be used up, or the address is not complete."),
        ),
        phone="The server does not know this any more.",
    ),
    "method_not_allowed": ProblemCode(
        405,
        "Method not allowed",
        "The address is right, the method is not.",
        "The header Allow names those that it has.",
        _UNREADABLE,
    ),
    "request_in_progress": ProblemCode(
        409,
        "An earlier request is still being worked on",
        "An earlier request with this Idempotency-Key, or another change of this webhook, has not been answered yet.",
        "Wait for as many seconds as Retry-After says and send it again; with a key you get the first one's answer.",
        (
            N_("That is being worked on already"),
            N_("Wait a moment, then look whether it is done before you try again."),
        ),
    ),
    "wrong_status": ProblemCode(
        409,
        "The run's status does not allow this",
        "The run is closed, so this can't be done any more; or it has no webhook, so nothing of it can be sent again.",
        "Read the run; its status says how it ended. PATCH gives it a webhook while something of it has not arrived.",
        (
            N_("That can’t be done any more"),
            N_("Something has changed meanwhile. Reload the page to see how it stands."),
        ),
        phone="The job does not allow this any more.",
    ),
    "not_started": ProblemCode(
        409,
        "The run is not started",
        "Nobody has tapped Start yet, or the run was released and has to be started anew.",
        "POST to the run's /start first.",
        phone="This checklist has not been started yet.",
    ),
    "steps_missing": ProblemCode(
        409,
        "Something is still missing",
        "The run can't be submitted: required steps, photos or signatures are missing.",
        "“errors” names each of them, with the step and what it lacks.",
        phone="Something is still missing.",
    ),
    "answer_changed": ProblemCode(
        409,
        "The step has another answer by now",
        "The step was answered anew after the answer that “replaces” names: on another phone, or in another tab.",
        "Read the state, show both answers, and send the chosen one with the id of the answer that it replaces now.",
        phone="This was answered on another phone meanwhile.",
    ),
    "erasure_changed": ProblemCode(
        409,
        "The list of runs has changed",
        "The list of the person's runs is no longer the one with this “digest”: a run was added, removed or changed.",
        "Ask for the list again, without a digest, look at it, and send the digest of that one. Nothing was erased.",
        (N_("The list of jobs has changed"), N_("Nothing was deleted. Look at the list again first.")),
    ),
    "photo_conflict": ProblemCode(
        409,
        "Another photo has this id",
        "Another photo, with other bytes, has this id already.",
        "Make a new id for each picture, and keep it for repeated uploads of the same one.",
        phone="Another photo has this id already.",
    ),
    "photo_deleted": ProblemCode(
        409,
        "The photo was deleted",
        "Somebody deleted the photo of this id before these bytes arrived: on another phone, or in another tab.",
        "Show that to whoever took it. To have it back all the same, send it under a new id.",
        phone="This photo was deleted on another phone.",
    ),
    "held": ProblemCode(
        409,
        "What goes out is held",
        "The database was restored from a copy. Nothing is sent until it is confirmed to be the service itself.",
        "The administrator ends it with “rundun live”. Deliveries wait until then, and none is lost.",
        (
            N_("Nothing goes out at the moment"),
            N_("The data was put back from a backup. The administrator of this server says when things go out again."),
        ),
    ),
    "template_archived": ProblemCode(
        409,
        "The template is archived",
        "No runs are dispatched from an archived template.",
        "Take another one, or bring it back by putting a new version of it.",
        (N_("The checklist is archived"), N_("Nothing can be sent from it until it is brought back.")),
    ),
    "draft_exists": ProblemCode(
        409,
        "The template has a draft",
        "A template has one draft, which all write in turn; “draft_id” says which.",
        "Get that draft and go on with it, or discard it first.",
        (N_("The checklist has a draft already"), N_("Go on with that one, or discard it first.")),
    ),
    "run_closed": ProblemCode(
        410,
        "The run is closed",
        "The run was completed or cancelled, or has expired. “run_status” says which, “closed_at” when.",
        "Nothing more can be added. What was stored before stays on the run.",
        (N_("That job is over"), N_("Nothing more can be added to it.")),
        phone="This checklist is closed.",
    ),
    "run_erased": ProblemCode(
        410,
        "The run was erased",
        "All texts, answers and pictures of the run were erased, at “erased_at”. Only its id and its times are left.",
        "Erase your own copies of it. It can't be restored, and is in no list any more.",
        (N_("This job was deleted"), N_("All that was said or shown in it is gone.")),
    ),
    "cursor_gone": ProblemCode(
        410,
        "The cursor leads nowhere any more",
        "This cursor leads behind the newest event: the database was replaced by an older copy of it.",
        "Leave the cursor out to begin with the oldest event, and read the runs you know of to close the gap.",
    ),
    "version_mismatch": ProblemCode(
        412,
        "The template or draft has changed",
        "Somebody else has made a new version of the template, or written the draft, since you got it.",
        "Get it again, make your change to that, and put it with the new ETag in If-Match.",
        (N_("Somebody else has changed the checklist"), N_("Open it again, and make your change to what it is now.")),
    ),
    "too_large": ProblemCode(
        413,
        "Too large",
        "The body is larger than this service takes, or the answers of a run together would be.",
        "The detail says how much is allowed; the administrator can change it (“limits”).",
        (N_("That is too large"), N_("Nothing was stored. Make it smaller and try again.")),
        phone="The file is too large.",
    ),
    "unsupported_media_type": ProblemCode(
        415,
        "Unsupported media type",
        "The request does not say that its body is JSON, or says that it is compressed.",
        "Send “Content-Type: application/json”, also for an empty object, and no “Content-Encoding”.",
        _UNREADABLE,
    ),
    "invalid": ProblemCode(
        422,
        "Some of it is not right",
        "Something in the request is not as it must be.",
        "“errors” names every wrong place at once: a JSON pointer, a code and a sentence.",
        (N_("Some of it is not right"), N_("Look at what you have filled in, and send it again.")),
    ),
    "idempotency_key_reused": ProblemCode(
        422,
        "The idempotency key came with another request before",
        "This Idempotency-Key came with another body before, or a body with secrets with another API key.",
        "Make a new one for each new thing to do, and retry with the API key that the request was begun with.",
        (N_("That was sent before"), N_("Go back, reload the page, and look whether it is done already.")),
    ),
    "skip_not_allowed": ProblemCode(
        422,
        "This step can't be skipped",
        "The step is required, or the template does not allow skipping.",
        "Answer the step, or close it with “unable” where the template allows that.",
        phone="This step cannot be skipped.",
    ),
    "too_many_photos": ProblemCode(
        422,
        "Too many photos",
        "The step takes fewer photos than this.",
        "Delete one first, or list fewer in the answer.",
        phone="There are too many photos. Delete one first.",
    ),
    "unreadable_image": ProblemCode(
        422,
        "The picture can't be read",
        "The bytes are no picture that can be read: not JPEG, PNG, WebP or HEIC, damaged, or of too many pixels.",
        "Send the original as the camera made it, or a smaller picture.",
        (N_("The picture can’t be read"), N_("Take a JPEG, PNG, WebP or HEIC picture, as the camera made it.")),
        phone="The picture cannot be read.",
    ),
    "digest_mismatch": ProblemCode(
        422,
        "The bytes are not those that were announced",
        "What arrived is empty, incomplete or not what Content-Digest announces; it was not stored.",
        "Send the whole body again, with a digest of exactly those bytes.",
    ),
    "would_shorten": ProblemCode(
        422,
        "That would shorten the run",
        "A run can be made longer, never shorter.",
        "Give more hours, or cancel the run if it shall end.",
        (
            N_("That would end it sooner"),
            N_("It can be given more time, not less. Cancel it if it is not to be done any more."),
        ),
    ),
    "address_not_allowed": ProblemCode(
        422,
        "Deliveries may not go there",
        "Webhooks may not go to that address: it is this machine, or of a kind that is never allowed.",
        "Take a public address. If it is meant, the administrator can allow the network that the detail names.",
        (
            N_("Nothing may be sent to that address"),
            N_("It is inside the server’s own network. The administrator of this server can allow it."),
        ),
    ),
    "rate_limited": ProblemCode(
        429,
        "Too many requests",
        "Too many requests in too short a time: of a key, an organization or a run, or with unknown keys or links.",
        "Wait for as many seconds as Retry-After says. RateLimit tells how many are left before it comes to this.",
        (N_("Too many requests"), N_("Wait a moment, then try again.")),
        phone="Too much was sent at once. Please try again in a minute.",
    ),
    "internal": ProblemCode(
        500,
        "Something went wrong here",
        "A mistake of ours. Nothing was half done: what was not answered with success did not happen.",
        "Quote the request_id to the administrator: the log has the rest. Repeat a POST with its Idempotency-Key.",
        (N_("Something went wrong here"), N_("That is our fault, and nothing was half done. Try again.")),
    ),
    "pdf_unavailable": ProblemCode(
        503,
        "The service makes no PDF",
        "The extra “pdf” or a library that it needs is not installed, or the page took too long.",
        "Print the report's page in its place. The administrator installs what “check” names.",
        (N_("There is no PDF"), N_("Print the report in its place, and save it as PDF.")),
    ),
    "pdf_too_large": ProblemCode(
        413,
        "Too large for a PDF",
        "The report has more text or more pictures than a PDF may have, which would take minutes.",
        "Leave photos out, or print the report's page in its place.",
        (N_("There is no PDF"), N_("Print the report in its place, and save it as PDF.")),
    ),
    "unavailable": ProblemCode(
        503,
        "Try again shortly",
        "The service can't do this right now: too many requests at once, a full disk, 120 % of the organization's "
        "quota used, or the database file moved or deleted.",
        "Wait for as many seconds as Retry-After says and send the same again.",
        (N_("That did not work just now"), N_("Nothing is lost. Try again in a moment.")),
        phone="The server is busy. Please try again in a moment.",
    ),
}
