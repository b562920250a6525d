"""The process that makes one PDF: a page of HTML with its pictures in it from standard input, PDF to standard output.

It opens no connection and reads no file but its code, libraries and fonts: a page can only show what it contains.
"""

import contextlib
import ctypes.util
import json
import os
import resource
import subprocess
import sys

from rundun.subprocess_environment import set_limits

LIMITS = {  # address space in bytes, processor time in seconds
    resource.RLIMIT_AS: 512 * 1024 * 1024,
    resource.RLIMIT_CPU: 30,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_FSIZE: 0,  # no file is written
}
DPI = 300  # of photos, which are up to 2,048 pixels wide
FONTS = ("Noto Sans", "Noto Naskh Arabic")  # of report.css, with the letters of all languages of reports
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fontconfig fonts-noto-core"  # Debian's


def main() -> None:
    """Make a PDF within limits of memory and time; with `--probe` write as JSON the name of a missing part."""
    if "--probe" in sys.argv:
        json.dump({"missing": _missing()}, sys.stdout)
        return
    set_limits(LIMITS)
    if sys.platform == "linux":  # which loads libraries by their names; otherwise gcc is asked for them, in /tmp
        ctypes.util.find_library = lambda name: None
    from weasyprint import HTML, URLFetcher  # after the limits, within which they are loaded

    sys.addaudithook(_refuse_network)
    fetcher = URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    page = HTML(file_obj=sys.stdin.buffer, encoding="utf-8", url_fetcher=fetcher)  # a text has 4 bytes a letter
    page.write_pdf(sys.stdout.buffer, dpi=DPI)
    sys.stdout.flush()
    os._exit(0)  # a thread of Pango goes on, beside which the end of its libraries would crash once in 300 times


def _refuse_network(event: str, _: object) -> None:
    if event.startswith("socket."):
        raise PermissionError(event)


def _missing() -> str | None:
    """Return the name of a missing part, or None: the extra, a library of the system, or a font."""
    try:
        with contextlib.redirect_stdout(sys.stderr):  # where it prints how to install what it lacks
            import weasyprint  # noqa: F401

        absent = [font for font in FONTS if not subprocess.run(["fc-list", font], capture_output=True).stdout]
    except ImportError:
        return "all of the extra pdf: /docs/install has a line for each way of installing"
    except OSError:
        return f"libraries of the system: apt-get install {PACKAGES}"
    return f"the font {absent[0]}: apt-get install fonts-noto-core" if absent else None


if __name__ == "__main__":
    main()
