"""Actors, who change a run or an organization: executors by the identity that they state, operators, API keys."""

from dataclasses import dataclass
from typing import Literal

from rundun.core.json_types.base import By, IdentityJson


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity that an executor states: at most one of the three fields, the one that the template asks for."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None

    def as_json(self, user_id: str | None) -> IdentityJson:
        """Return the identity as a dict: `user_id`, mode `external` with the stated field, else mode `anonymous`."""
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
        """Return the operator as the wire's identity, a dict: mode `member`, `user_id` and `name`."""
        return {"mode": "member", "user_id": self.user_id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Actor:
    """An actor, who changes a run or an organization; `name` and `actor_id` are those of the key or the operator."""

    by: By | Literal["retention", "administrator"]
    name: str | None = None
    actor_id: str | None = None


ADMINISTRATOR = Actor("administrator")  # the person who keeps the service, at the command line
