"""QR codes, drawn into a page."""

from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """Draw a QR code as SVG, black on white in every theme since cameras expect it; without inline styles."""
    import segno  # when first needed

    drawing = segno.make(text, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    # Modules of a code: nothing of the text stands in it.
    return Markup(drawing)  # noqa: S704
