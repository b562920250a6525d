"""Steps as templates have them."""

from typing import Any

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
