"""Steps as templates have them."""

from typing import Any

from rundun.actions.templates import pictures
from rundun.web import samples
from tests.helpers.service import World

OPTIONS = [{"id": "o-1", "label": "One"}, {"id": "o-2", "label": "Two"}]
CONFIGS: dict[str, Any] = {
    "choice": {"options": OPTIONS},
    "multi_choice": {"options": OPTIONS},
    "instruction": {"body": "Read this."},
}


def step(kind: str = "boolean", name: str = "s-a", config: Any = None, **more: Any) -> dict[str, Any]:
    """A step that is right unless it is told otherwise."""
    config = CONFIGS.get(kind) if config is None else config
    inner = {} if config is None else {"config": config}
    return {"id": name, "type": kind, "label": "A", **inner, **more}


async def get_sample_pictures(w: World) -> None:
    """Acme gets the samples' pictures, as an organization does that begins with a sample."""
    await w.database.write(pictures.add_missing, w.acme_id, list(samples.all_pictures().values()))


def read_later(saved: Any) -> Any:
    """A template as it is read from then on, by what was answered when it was saved."""
    return {name: one for name, one in saved.items() if name != "warnings"}
