"""QR codes as inline SVG."""

from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Return a QR code of `text` as SVG without inline styles, black on white in every theme, as cameras expect."""
    import segno  # lazy: only pages with a code need it

    drawing = segno.make(text, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    # The SVG consists of squares; `text` itself does not stand in it.
    return Markup(drawing)  # noqa: S704
