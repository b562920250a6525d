"""The text of a change in the history of an organization."""

from collections.abc import Callable, Mapping
from typing import Any

from rundun.core.organizations.change import OrganizationChange
from rundun.wording.console_words import N_, ConsoleLanguage, isolate

# By the stored kind of change; {operator}, {key}, {template} and {email} are names, which are isolate.
SENTENCES: Mapping[str, str] = {
    "operator_invited": N_("Invited {email} as {role}"),
    "invitation_withdrawn": N_("Withdrew the invitation of {email}"),
    "setup_link_created": N_("Created a set-up link for an owner"),
    "operator_joined": N_("Joined the team as {role}"),
    "operator_added": N_("Added {operator} ({email}) to the team as {role}"),
    "operator_removed": N_("Removed {operator} ({email}) from the team"),
    "role_changed": N_("Changed the role of {operator} from {before} to {after}"),
    "password_link_created": N_("Created a link by which {operator} sets a new password"),
    "password_set": N_("Set a new password for {operator}"),
    "second_factor_on": N_("Switched two-step verification of {operator} on"),
    "second_factor_off": N_("Switched two-step verification of {operator} off"),
    "key_created": N_("Created the API key {key}"),
    "key_revoked": N_("Revoked the API key {key}"),
    "signing_key_rotated": N_("Replaced the key that links to pictures are signed with"),
    "template_archived": N_("Archived the checklist {template}"),
    "template_brought_back": N_("Brought the checklist {template} back"),
    "template_retention_changed": N_("Changed how long the checklist {template} keeps things"),
    "organization_created": N_("Created the organization"),
    "organization_changed": N_("Changed the organization"),
    "logo_changed": N_("Changed the logo"),
    "logo_removed": N_("Removed the logo"),
    "retention_changed": N_("Changed how long things are kept"),
    "default_webhook_changed": N_("Set the default webhook to {host}"),
    "default_webhook_removed": N_("Removed the default webhook, which went to {host}"),
    "credits_changed": N_("Changed the credits from {before} to {after}"),
    "quota_changed": N_("Changed the storage that may be used from {before} to {after}"),
}
# Sentences for changes with certain details.
_VARIANTS: Mapping[str, str] = {
    "key_may_erase": N_("Created the API key {key}, which may delete jobs"),
    "key_read_only": N_("Created the API key {key}, which can only read"),
    "setup_link_withdrawn": N_("Withdrew a set-up link"),
    "default_webhook_changed": N_("Set the default webhook of the checklist {template} to {host}"),
    "default_webhook_removed": N_("Removed the default webhook of the checklist {template}, which went to {host}"),
    "own_password": N_("Set a new password of their own"),
}
_ROLES: Mapping[str, str] = {"owner": N_("owner"), "member": N_("member")}
_FIELDS: Mapping[str, str] = {
    "name": N_("name"),
    "contact": N_("contact"),
    "time_zone": N_("time zone"),
    "colour": N_("colour"),
    "photos_days": N_("photos, in days"),
    "runs_days": N_("jobs, in days"),
    "attempts_days": N_("attempts to deliver, in days"),
    "tells": N_("told on the start screen"),
}
KINDS: Mapping[str, str] = {
    "people": N_("Team"),
    "keys": N_("Keys"),
    "checklists": N_("Checklists"),
    "settings": N_("Settings"),
    "allowance": N_("Credits and storage"),
}
UNLIMITED, NOTHING = N_("no limit"), N_("empty")
YES, NO, FOREVER, AS_ORGANIZATION = N_("yes"), N_("no"), N_("for ever"), N_("as the organization")


def change_text(language: ConsoleLanguage, change: OrganizationChange) -> str:
    """Return a change as a line that follows the name of its actor; its kind alone if this version does not know it."""
    translate = language.gettext
    details = change.details
    if change.what not in SENTENCES:  # a change that only a newer version knows
        return change.what
    values = {name: isolate(value) for name, value in details.items() if isinstance(value, str)}
    values |= {name: translate(_ROLES[value]) for name, value in details.items() if value in ("owner", "member")}
    if change.what in ("credits_changed", "quota_changed"):
        values = {name: _amount_text(language, change.what, details[name]) for name in ("before", "after")}
    line = translate(_sentence(change), **values)
    fields = _fields_text(language, change)
    return f"{line}: {fields}" if fields else line


def _sentence(change: OrganizationChange) -> str:
    if change.what == "key_created" and change.details.get("may_erase"):
        return _VARIANTS["key_may_erase"]
    if change.what == "key_created" and change.details.get("read_only"):
        return _VARIANTS["key_read_only"]
    if change.what == "invitation_withdrawn" and not change.details.get("email"):
        return _VARIANTS["setup_link_withdrawn"]
    if change.what == "password_set" and change.actor.by == "operator":
        return _VARIANTS["own_password"]
    if change.what in _VARIANTS and change.details.get("template"):
        return _VARIANTS[change.what]
    return SENTENCES[change.what]


def _amount_text(language: ConsoleLanguage, what: str, value: int | None) -> str:
    if value is None:
        return language.gettext(UNLIMITED)
    return language.size(value) if what == "quota_changed" else language.gettext("{n}", n=value)


def _fields_text(language: ConsoleLanguage, change: OrganizationChange) -> str:
    """Return the names of the changed fields with their values before and after; "" if there are none."""
    before, after = change.details.get("before"), change.details.get("after")
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return ""
    shown: Callable[[str, Any], str] = lambda name, value: _value_text(language, change.what, name, value)  # noqa: E731
    return "; ".join(
        f"{language.gettext(_FIELDS[name])} {shown(name, before.get(name))} {language.arrow} {shown(name, after[name])}"
        for name in after
        if name in _FIELDS and before.get(name) != after[name]
    )


def _value_text(language: ConsoleLanguage, what: str, name: str, value: Any) -> str:
    translate = language.gettext
    if isinstance(value, bool):
        return translate(YES if value else NO)
    if name.endswith("_days"):
        if value is None:
            return translate(AS_ORGANIZATION if what == "template_retention_changed" else FOREVER)
        return translate("{n}", n=value) if value else translate(FOREVER)
    return translate(NOTHING) if value in (None, "") else isolate(str(value))
