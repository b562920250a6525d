"""The geometry of bar charts: positions and sizes of the bars, in the units of the SVG drawing."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in the drawing's units; `y` is the distance of its upper edge from the drawing's."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A bar chart: one list of `bars` per series, and `top`, the value at the drawing's upper edge."""

    bars: list[list[Bar]]
    top: int


def round_up(value: int) -> int:
    """Return `value` rounded up to 1, 2 or 5 times a power of ten, at least 1, for the top of an axis."""
    power = 1
    while power * 10 < value:
        power *= 10
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def bars(series: Sequence[Sequence[int]], width: float, height: float) -> Chart:
    """Return the chart of series of equal length: the bars of each, and the value at the upper edge, the greatest one
    by `round_up`. The bars of a position overlap, centred: the first series is widest and behind. A value above zero
    gets at least a hundredth of the height, so that it can be seen.
    """
    top = round_up(max((value for values in series for value in values), default=0))
    count = max((len(values) for values in series), default=0)
    slot = width / count if count else width
    drawn = []
    for depth, values in enumerate(series):
        wide = slot * (0.8 if depth == 0 else 0.8 * 0.5**depth)
        drawn.append(
            [
                Bar(round(index * slot + (slot - wide) / 2, 2), round(height - tall, 2), round(wide, 2), round(tall, 2))
                for index, value in enumerate(values)
                for tall in [max(height * value / top, height / 100) if value else 0.0]
            ]
        )
    return Chart(drawn, top)
