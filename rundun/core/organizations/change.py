"""Changes of an organization that its history lists: their words, and the kinds by which the list is filtered."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rundun.core import times
from rundun.core.actor import Actor

KEPT_MS = 730 * times.DAY  # after two years a change is removed

People = Literal[
    "operator_invited",
    "invitation_withdrawn",
    "setup_link_created",
    "operator_joined",
    "operator_added",
    "operator_removed",
    "role_changed",
    "password_link_created",
    "password_set",
    "second_factor_on",
    "second_factor_off",
]
Keys = Literal["key_created", "key_revoked", "signing_key_rotated"]
Checklists = Literal["template_archived", "template_brought_back", "template_retention_changed"]
Settings = Literal["organization_created", "organization_changed", "logo_changed", "logo_removed", "retention_changed"]
Webhooks = Literal["default_webhook_changed", "default_webhook_removed"]
Allowance = Literal["credits_changed", "quota_changed"]
Word = People | Keys | Checklists | Settings | Webhooks | Allowance

# The words of each kind, by the kind's name in the page's filter.
KINDS: Mapping[str, tuple[str, ...]] = {
    "people": get_args(People),
    "keys": get_args(Keys),
    "checklists": get_args(Checklists),
    "settings": (*get_args(Settings), *get_args(Webhooks)),
    "allowance": get_args(Allowance),
}


@dataclass(frozen=True, slots=True)
class OrganizationChange:
    """A change of an organization, `at` a time in milliseconds; `what` is a `Word`. The word decides the `details`:
    `email`, `role`, `operator` (a name), `key` (its name), `may_erase` and `read_only`, `template_id` and `template`
    (its name), `host` and the changed `fields` of a webhook, or `before` and `after`, by field if there are several.
    """

    number: int
    at: int
    what: str
    actor: Actor
    details: Mapping[str, Any]
