"""Folders of files other than code, in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def pages_root() -> Path:
    """Return the folder that holds `templates/` and `static/`: the top of a checkout, or `rundun/_pages` in a wheel."""
    packed = _PACKAGE / "_pages"
    return packed if packed.is_dir() else _PACKAGE.parent


def templates() -> Path:
    """Return the folder of HTML pages (`templates/`)."""
    return pages_root() / "templates"


def static() -> Path:
    """Return the folder of scripts, styles and icons for browsers (`static/`)."""
    return pages_root() / "static"


def locales() -> Path:
    """Return the folder of gettext catalogs, `rundun.po` of the phone's page and `console.po` of the console."""
    return _PACKAGE / "locales"


def samples() -> Path:
    """Return the folder of sample checklists, one JSON template each, that a first start creates."""
    return _PACKAGE / "samples"


def deploy() -> Path:
    """Return the folder of files for administrators to copy: a systemd unit, a proxy's configuration."""
    return _PACKAGE / "deploy"
