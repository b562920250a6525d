"""An organization's colour, made readable: WCAG 2.2's contrast (success criteria 1.4.3, 1.4.11), light and dark."""

import re
from dataclasses import dataclass

Rgb = tuple[int, int, int]

READABLE = 4.5  # the contrast that text needs
WHITE: Rgb = (255, 255, 255)
BLACK: Rgb = (0, 0, 0)
DARK_INK: Rgb = (16, 21, 43)
# What the accent is put on: --ground and --card of static/tokens.css, in the light and in the dark.
LIGHT: tuple[Rgb, Rgb] = ((246, 247, 249), (255, 255, 255))
DARK: tuple[Rgb, Rgb] = ((18, 21, 26), (27, 31, 38))
_STEPS = 50
_SOFTNESS = 0.12  # how much of the accent is in what lies behind it


@dataclass(frozen=True, slots=True)
class Accent:
    """An accent, what is written on it, and the tint that lies behind what is written in it."""

    accent: Rgb
    on_accent: Rgb
    tint: Rgb


def parse(text: str) -> Rgb:
    """Read a colour written `#rrggbb`; raises ValueError for anything else."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise ValueError("must be written #rrggbb")
    red, green, blue = (int(text[at : at + 2], 16) for at in (1, 3, 5))
    return red, green, blue


def css(colour: Rgb) -> str:
    """Write a colour as `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def luminance(colour: Rgb) -> float:
    """Return the relative luminance of a colour, 0 for black to 1 for white."""
    red, green, blue = (
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: Rgb, second: Rgb) -> float:
    """Return the contrast of two colours, 1 for equal ones to 21 for black on white."""
    darker, lighter = sorted((luminance(first), luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def mix(base: Rgb, added: Rgb, part: float) -> Rgb:
    """Mix a part, 0 to 1, of the colour `added` into the colour `base`."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(base, added, strict=True))
    return red, green, blue


def ink_on(colour: Rgb) -> Rgb:
    """Return white or a dark blue, whichever can be read better on a colour."""
    return max((WHITE, DARK_INK), key=lambda ink: contrast(ink, colour))


def accent(colour: Rgb, grounds: tuple[Rgb, Rgb]) -> Accent:
    """Make an accent of a colour, moved towards black or white as far as it needs to be read on the grounds and on its
    own tint, and to be written on.
    """
    ground, card = grounds
    away = BLACK if luminance(card) > 0.5 else WHITE
    result = Accent(away, ink_on(away), card)
    for step in range(_STEPS + 1):
        moved = mix(colour, away, step / _STEPS)
        result = Accent(moved, ink_on(moved), mix(card, moved, _SOFTNESS))
        if all(contrast(moved, other) >= READABLE for other in (ground, card, result.tint, result.on_accent)):
            break
    return result


def stylesheet(colour: Rgb) -> str:
    """Return CSS that puts a colour into the executor's page, in the light and in the dark."""
    light, dark = _rule(accent(colour, LIGHT)), _rule(accent(colour, DARK))
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n  {dark}\n}}\n"


def _rule(of: Accent) -> str:
    return f":root {{ --accent: {css(of.accent)}; --accent-ink: {css(of.on_accent)}; --accent-soft: {css(of.tint)}; }}"
