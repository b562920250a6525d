"""Changes of an organization that its history lists: the words for them, and the kinds that the list is filtered by."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from rundun.core import times
from rundun.core.actor import Actor

KEPT_MS = 730 * times.DAY  # two years, then a change is deleted

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

# By the word that the filter of the page has for it.
KINDS: Mapping[str, tuple[str, ...]] = {
    "people": get_args(People),
    "keys": get_args(Keys),
    "checklists": get_args(Checklists),
    "settings": (*get_args(Settings), *get_args(Webhooks)),
    "allowance": get_args(Allowance),
}


@dataclass(frozen=True, slots=True)
class OrganizationChange:
    """A change of an organization, at a time in milliseconds. `details` by word: `email`, `role`, `operator` (a name),
    `key` (its name), `may_erase` and `read_only`, `template_id` and `template` (its name), `host` and the changed
    `fields` of a webhook, or `before` and `after`, by field where there are several.
    """

    number: int
    at: int
    what: str
    actor: Actor
    details: Mapping[str, Any]
