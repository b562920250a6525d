"""Organizations and their credits."""

from dataclasses import dataclass

from rundun.store.sqlite.transaction import Tx


@dataclass(frozen=True, slots=True)
class Organization:
    """The owner of templates, runs and keys. `credits` None: unlimited. `colour` is `#rrggbb` or None, `logo` the file
    number of a PNG or None.
    """

    org_id: str
    name: str
    contact: str | None
    credits: int | None
    created_at: int
    time_zone: str = "UTC"
    colour: str | None = None
    logo: int | None = None


# In the order of Organization's fields.
_SELECT = "SELECT id, name, contact, credits, created_at, time_zone, colour, logo FROM organizations "


def get(tx: Tx, org_id: str) -> Organization:
    """Return the organization with the id; raises NotFound."""
    return Organization(*tx.get_row("organization", _SELECT + "WHERE id = ?", org_id))


def list_by_name(tx: Tx, name: str) -> list[Organization]:
    """List the organizations with `name` as id or name. Several may have it after renaming."""
    rows = tx.db.execute(_SELECT + "WHERE id = :name OR name = :name", {"name": name})
    return [Organization(*row) for row in rows.fetchall()]


def list_all(tx: Tx) -> list[Organization]:
    """List all organizations, oldest first."""
    return [Organization(*row) for row in tx.db.execute(_SELECT + "ORDER BY created_at, id")]


def find_only(tx: Tx) -> Organization | None:
    """Return the only organization; None if there are none or several."""
    rows = tx.db.execute(_SELECT + "LIMIT 2").fetchall()
    return Organization(*rows[0]) if len(rows) == 1 else None


def is_alone(tx: Tx) -> bool:
    """Tell whether there is at most one organization; its owners then have the administrator's rights as well."""
    first, last = (tx.db.execute(f"SELECT {one}(id) FROM organizations").fetchone()[0] for one in ("min", "max"))  # noqa: S608
    return bool(first == last)


def add(tx: Tx, name: str) -> Organization:
    """Store a new organization with unlimited credits, and return it."""
    organization = Organization(tx.new_id("org"), name, None, None, tx.now)
    tx.insert("organizations", id=organization.org_id, name=name, created_at=tx.now)
    return organization


def put_contact(tx: Tx, org_id: str, contact: str | None) -> None:
    """Store the contact shown to executors, None for none."""
    tx.db.execute("UPDATE organizations SET contact = ? WHERE id = ?", (contact, org_id))


def put_profile(tx: Tx, org_id: str, name: str, contact: str | None, time_zone: str, colour: str | None) -> None:
    """Store an organization's name, contact, time zone and colour."""
    tx.db.execute(
        "UPDATE organizations SET name = ?, contact = ?, time_zone = ?, colour = ? WHERE id = ?",
        (name, contact, time_zone, colour, org_id),
    )


def put_logo(tx: Tx, org_id: str, file: int | None) -> None:
    """Store the file number of an organization's logo, None for none. The previous file is not removed."""
    tx.db.execute("UPDATE organizations SET logo = ? WHERE id = ?", (file, org_id))


def put_credits(tx: Tx, org_id: str, credits: int | None) -> None:
    """Store an organization's credits, None for unlimited."""
    tx.db.execute("UPDATE organizations SET credits = ? WHERE id = ?", (credits, org_id))


def take_credit(tx: Tx, org_id: str, count: int = 1) -> bool:
    """Subtract `count` credits and return True; return False if there are fewer. Unlimited credits stay unlimited."""
    taken = tx.db.execute(
        "UPDATE organizations SET credits = credits - :count WHERE id = :id AND (credits IS NULL OR credits >= :count)",
        {"id": org_id, "count": count},
    )
    return taken.rowcount == 1
