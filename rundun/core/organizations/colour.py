"""An organization's colour, made readable: WCAG 2.2's contrast (success criteria 1.4.3, 1.4.11), light and dark."""

import re
from dataclasses import dataclass

Rgb = tuple[int, int, int]

READABLE = 4.5  # the contrast that text needs
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
DARK_INK: Rgb = (16, 21, 43)
# The backgrounds of the accent: --ground and --card of static/tokens.css, in light and dark mode.
LIGHT: tuple[Rgb, Rgb] = ((246, 247, 249), (255, 255, 255))
DARK: tuple[Rgb, Rgb] = ((18, 21, 26), (27, 31, 38))
_STEPS = 50
_SOFTNESS = 0.12  # the accent's share in its tint


@dataclass(frozen=True, slots=True)
class Accent:
    """An accent, the colour of text on it, and the tint behind text in the accent."""

    accent: Rgb
    on_accent: Rgb
    tint: Rgb


def parse(text: str) -> Rgb:
    """Return the colour written `#rrggbb`; raise ValueError for any other text."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("must be written #rrggbb")
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def css(colour: Rgb) -> str:
    """Return a colour as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Rgb) -> float:
    """Return the relative luminance of a colour, 0 for black to 1 for white."""
    red, green, blue = (
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast ratio of two colours, from 1 (equal) to 21 (black and white)."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(base: Rgb, added: Rgb, part: float) -> Rgb:
    """Return the colour `base` with a share `part`, 0 to 1, of the colour `added` mixed in."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(base, added, strict=True))
    return red, green, blue


def readable_ink(colour: Rgb) -> Rgb:
    """Return white or dark blue, whichever has the higher contrast on a colour."""
    return max((WHITE, DARK_INK), key=lambda ink: contrast(ink, colour))


def accent(colour: Rgb, grounds: tuple[Rgb, Rgb]) -> Accent:
    """Return the accent made of a colour, which is moved towards black or white until it is readable on both `grounds`
    and on its tint, and text on it as well; and with it that text's colour and the tint.
    """
    ground, card = grounds
    away = BLACK if luminance(card) > 0.5 else WHITE
    result = Accent(away, readable_ink(away), card)
    for step in range(_STEPS + 1):
        moved = mix(colour, away, step / _STEPS)
        result = Accent(moved, readable_ink(moved), mix(card, moved, _SOFTNESS))
        if all(contrast(moved, other) >= READABLE for other in (ground, card, result.tint, result.on_accent)):
            break
    return result


def stylesheet(colour: Rgb) -> str:
    """Return CSS that sets an organization's colour on the executor's page, in light and dark mode."""
    light, dark = _css_rule(accent(colour, LIGHT)), _css_rule(accent(colour, DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n  {dark}\n}}\n"


def _css_rule(accent: Accent) -> str:
    main, ink, tint = css(accent.accent), css(accent.on_accent), css(accent.tint)
    return f":root {{ --accent: {main}; --accent-ink: {ink}; --accent-soft: {tint}; }}"
