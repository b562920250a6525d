"""Where the files that are not code lie, in a checkout and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def pages_root() -> Path:
    """The folder that holds `templates/` and `static/`: the top of a checkout, or `rundun/_pages` in a wheel."""
    packed = _PACKAGE / "_pages"
    return packed if packed.is_dir() else _PACKAGE.parent


def templates() -> Path:
    """The folder of HTML pages (`templates/`)."""
    return pages_root() / "templates"


def static() -> Path:
    """The folder of scripts, styles and icons the browser asks for (`static/`)."""
    return pages_root() / "static"


def locales() -> Path:
    """The folder of gettext catalogues with the words of the executor's pages."""
    return _PACKAGE / "locales"


def samples() -> Path:
    """The folder of sample checklists, one JSON template each, that a first start creates."""
    return _PACKAGE / "samples"
