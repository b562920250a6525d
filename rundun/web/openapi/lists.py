"""The one form of all lists."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import ConfigDict, Field, create_model

from rundun.web.openapi.told import Told


class _Made(Told):
    """A page whose fields are described where it is made."""

    model_config = ConfigDict(use_attribute_docstrings=False)


@cache
def list_of(model: Any) -> Any:
    """A page of them."""
    return create_model(
        f"{model.__name__}Page",
        __base__=_Made,
        __doc__="A page of a list, the newest first.",
        data=(list[model], Field(description="At most `limit` of them.")),
        has_more=(bool, Field(description="Whether there are older ones.")),
        next_cursor=(str | None, Field(description="Give it as `cursor` for the next page.")),
    )
