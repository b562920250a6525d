"""Who does something to a run or an organization: executors by the identity that they state, operators, API keys."""

from dataclasses import dataclass
from typing import Literal

from rundun.core.json_types.base import By, IdentityJson


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity that an executor states: at most one of the three, as the template asked."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None

    def as_json(self, user_id: str | None) -> IdentityJson:
        """Return the identity as JSON: `anonymous`, or `external` with the one field that was asked."""
        if self.name:
            return {"mode": "external", "user_id": user_id, "name": self.name}
        if self.email:
            return {"mode": "external", "user_id": user_id, "email": self.email}
        if self.phone:
            return {"mode": "external", "user_id": user_id, "phone": self.phone}
        return {"mode": "anonymous", "user_id": user_id}


NOBODY = Identity()


@dataclass(frozen=True, slots=True)
class OperatorRef:
    """An operator of the organization, by id and name."""

    user_id: str
    name: str

    def as_json(self) -> IdentityJson:
        """Return the operator as the wire's identity."""
        return {"mode": "member", "user_id": self.user_id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor, who does something to a run or an organization; `name` and `actor_id` are the key's or operator's."""

    by: By | Literal["retention", "administrator"]
    name: str | None = None
    actor_id: str | None = None


ADMINISTRATOR = Actor("administrator")  # who runs the server, at the command line
