"""The first start on an empty database: an organization, sample templates, a key, a link for the first operator."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rundun.actions.organizations import operators
from rundun.actions.organizations.api_keys import create
from rundun.actions.organizations.organizations import UNNAMED
from rundun.actions.templates import pictures, templates
from rundun.core.templates.pictures import NewPicture
from rundun.store.organizations import organizations as organization_rows
from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class FirstStart:
    """The key, template ids and link that the first start made, shown once on the terminal."""

    key: str
    template_ids: tuple[str, ...]
    setup: str  # the link that makes the first operator


def bootstrap(tx: Tx, samples: Sequence[Any], sample_pictures: Sequence[NewPicture] = ()) -> FirstStart | None:
    """Fill an empty database with an organization, the sample templates and their pictures, a key and a link. Return
    the key, the templates' ids and the link; None for a database with an organization.
    """
    if organization_rows.list_all(tx):
        return None
    org_id = organization_rows.add(tx, UNNAMED).org_id
    _, key = create(tx, org_id, "first", may_erase=True)
    pictures.add_missing(tx, org_id, sample_pictures)
    versions = [templates.create(tx, org_id, templates.read_sent(sample)) for sample in samples]
    setup = tx.links.join(operators.create_setup_link(tx, org_id))
    return FirstStart(key, tuple(version.template_id for version in versions), setup)
