"""One-time confirmations at the top of a page. The query `?flash=` names the message."""

from rundun.wording.console_words import N_

FLASHES = {
    "signed_out": N_("You are signed out."),
    "key_revoked": N_("The key is revoked."),
    "invitation_taken_back": N_("The invitation is withdrawn."),
    "role_changed": N_("The role is changed."),
    "person_removed": N_("Removed from the team."),
    "password_changed": N_("Your password is changed."),
    "language_changed": N_("The console is in this language from now on."),
    "password_set": N_("The new password is set. Sign in with it."),
    "second_factor_is_on": N_(
        "Two-step verification is on. Recovery codes are shown only once; make new ones if you have not kept them."
    ),
    "second_factor_off": N_("Two-step verification is off."),
    "run_cancelled": N_("The job is cancelled."),
    "handled": N_("Dealt with."),
    "handled_undone": N_("It is on the list of what needs you again."),
    "run_changed": N_("The job is changed."),
    "run_extended": N_("The job is open for longer."),
    "due_moved": N_("The due time is moved."),
    "several_cancel": N_("The jobs that you chose are cancelled."),
    "several_extend": N_("The jobs that you chose are open for longer."),
    "several_due": N_("The jobs that you chose are due at another time now."),
    "several_handled": N_("The jobs that you chose are dealt with."),
    "run_released": N_("Another phone may go on with it now."),
    "delivery_sent_again": N_("It is being sent again."),
    "duplicated": N_("This is the copy. Change it as you like."),
    "archived": N_("Archived. Nothing can be sent from it until it is brought back."),
    "brought_back": N_("Brought back."),
    "template_saved": N_("Saved."),
    "warning_required": N_("Saved. Mind the required fields: from now on no job is sent without them."),
    "template_unchanged": N_("Nothing has changed, so there is no new version."),
    "organization_changed": N_("The organization is changed."),
    "retention_changed": N_("Saved: things are kept that long from now on."),
    "logo_removed": N_("The logo is removed."),
    "credits_changed": N_("The credits are changed."),
    "sent_again": N_("It is being sent again."),
    "default_webhook_removed": N_("The default webhook is removed."),
    "all_sent_again": N_("All of them are being sent again."),
    "run_erased": N_("The job is deleted."),
}
