"""The meaning of each problem code and what to do about it, for the pages that `type` points to."""

ADVICE: dict[str, tuple[str, str]] = {
    "malformed_json": (
        "The body is not JSON as RFC 8259 has it: UTF-8, no NaN, no lone surrogates, at most 200 levels deep.",
        "Send what your language's JSON library writes. The detail says where reading stopped.",
    ),
    "bad_request": (
        "A page of the console sent a form or a text that can't be read, because it is not UTF-8 for one.",
        "Reload the page and send it again. No operation of the API answers with this code.",
    ),
    "unauthorized": (
        "The key is missing, malformed, unknown or revoked; the four are never told apart.",
        "Send “Authorization: Bearer rdk_live_…”. The administrator makes a new key with “keys create”.",
    ),
    "insufficient_credits": (
        "The organization has no runs left, and nothing was made.",
        "Ask the administrator for more (“orgs credits”), then send the same request again.",
    ),
    "cross_site": (
        "A page of another site tried to write with this phone's cookie.",
        "Call from your server, or from pages under the same address as the link.",
    ),
    "quota_exceeded": (
        "The storage is used up, and nothing new is taken. Runs that are out go on to 120 % of the quota.",
        "Ask the administrator for a larger quota, then send the same request again.",
    ),
    "write_not_allowed": (
        "The API key was made to read; nothing was changed.",
        "Use a key that may write: “keys create” without “--read-only”, or one that an owner makes in the console.",
    ),
    "erasure_not_allowed": (
        "Erasing destroys evidence, so most keys may not; nothing was changed.",
        "Use a key that was made for it: “keys create --may-erase”, or ask an owner to erase the run.",
    ),
    "other_device": (
        "The template lets only the device that started the run go on with it, and this is another one.",
        "Go on where it was started, or free the run: POST /v1/runs/{run_id}/release, then start it here.",
    ),
    "not_found": (
        "There is nothing at this address, or it belongs to another organization; the two are never told apart.",
        "Compare the id with the one that was answered, and the key with the organization it is for.",
    ),
    "method_not_allowed": ("The address is right, the method is not.", "The header Allow names those that it has."),
    "request_in_progress": (
        "An earlier request with this Idempotency-Key, or another change of this webhook, has not been answered yet.",
        "Wait for as many seconds as Retry-After says and send it again; with a key you get the first one's answer.",
    ),
    "wrong_status": (
        "The run is closed, so this can't be done any more; or it has no webhook, so nothing of it can be sent again.",
        "Read the run; its status says how it ended. PATCH gives it a webhook while something of it has not arrived.",
    ),
    "not_started": (
        "Nobody has tapped Start yet, or the run was released and has to be started anew.",
        "POST to the run's /start first.",
    ),
    "steps_missing": (
        "The run can't be submitted: required steps, photos or signatures are missing.",
        "“errors” names each of them, with the step and what it lacks.",
    ),
    "answer_changed": (
        "The step was answered anew after the answer that “replaces” names: on another phone, or in another tab.",
        "Read the state, show both answers, and send the chosen one with the id of the answer that it replaces now.",
    ),
    "erasure_changed": (
        "The person's runs are not those of the list that “digest” is of: one has come, has gone or has changed.",
        "Ask for the list again, without a digest, look at it, and send the digest of that one. Nothing was erased.",
    ),
    "photo_conflict": (
        "Another photo, with other bytes, has this id already.",
        "Make a new id for each picture, and keep it for repeated uploads of the same one.",
    ),
    "photo_deleted": (
        "Somebody deleted the photo of this id before these bytes arrived: on another phone, or in another tab.",
        "Show that to whoever took it. To have it back all the same, send it under a new id.",
    ),
    "held": (
        "The database was put back from a copy, and nothing is sent until it is known to be the service itself.",
        "The administrator ends it with “rundun live”. Deliveries wait until then, and none is lost.",
    ),
    "template_archived": (
        "No runs are dispatched from an archived template.",
        "Take another one, or bring it back by putting a new version of it.",
    ),
    "run_closed": (
        "The run was completed or cancelled, or has expired. “run_status” says which, “closed_at” when.",
        "Nothing more can be added. What was stored before stays on the run.",
    ),
    "run_erased": (
        "All that was said or shown in the run was erased, at “erased_at”. Its id and its times are all that is left.",
        "Remove what you hold of it yourself. Nothing brings it back, and it counts no more in lists.",
    ),
    "cursor_gone": (
        "This cursor leads behind the newest event: the database was replaced by an older copy of it.",
        "Leave the cursor out to begin with the oldest event, and read the runs you know of to close the gap.",
    ),
    "version_mismatch": (
        "Somebody else has made a new version of the template since you got it.",
        "Get it again, make your change to that, and put it with the new ETag in If-Match.",
    ),
    "too_large": (
        "The body is larger than this service takes, or the answers of a run together would be.",
        "The detail says how much is allowed; the administrator can change it (“limits”).",
    ),
    "unsupported_media_type": (
        "The request does not say that its body is JSON, or says that it is compressed.",
        "Send “Content-Type: application/json”, also for an empty object, and no “Content-Encoding”.",
    ),
    "invalid": (
        "Something in the request is not as it must be.",
        "“errors” names every wrong place at once: a JSON pointer, a code and a sentence.",
    ),
    "idempotency_key_reused": (
        "This Idempotency-Key came with another body before, or a body with secrets with another API key.",
        "Make a new one for each new thing to do, and retry with the API key that the request was begun with.",
    ),
    "skip_not_allowed": (
        "The step is required, or the template does not allow skipping.",
        "Answer the step, or close it with “unable” where the template allows that.",
    ),
    "too_many_photos": ("The step takes fewer photos than this.", "Delete one first, or list fewer in the answer."),
    "unreadable_image": (
        "The bytes are no picture that can be read: not JPEG, PNG, WebP or HEIC, damaged, or of too many pixels.",
        "Send the original as the camera made it, or a smaller picture.",
    ),
    "digest_mismatch": (
        "What arrived is empty, incomplete or not what Content-Digest announces; it was not stored.",
        "Send the whole body again, with a digest of exactly those bytes.",
    ),
    "would_shorten": (
        "A run can be made longer, never shorter.",
        "Give more hours, or cancel the run if it shall end.",
    ),
    "address_not_allowed": (
        "Webhooks may not go to that address: it is this machine, or of a kind that is never allowed.",
        "Take a public address. If it is meant, the administrator can allow the network that the detail names.",
    ),
    "rate_limited": (
        "Too many requests in too short a time: of a key, an organization or a run, or with unknown keys or links.",
        "Wait for as many seconds as Retry-After says. RateLimit tells how many are left before it comes to this.",
    ),
    "internal": (
        "A mistake of ours. Nothing was half done: what was not answered with success did not happen.",
        "Quote the request_id to the administrator: the log has the rest. Repeat a POST with its Idempotency-Key.",
    ),
    "unavailable": (
        (
            "The service can't do this right now: too much at once, no room on the disk, the organization's quota used "
            "to 120 %, or the database taken away."
        ),
        "Wait for as many seconds as Retry-After says and send the same again.",
    ),
}
