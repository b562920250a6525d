"""Bars of a chart: where they stand in a drawing, without drawing them."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle in the drawing's units, `y` downwards from its top."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: `bars` has one list for each series, `top` the value that the drawing's upper edge stands for."""

    bars: list[list[Bar]]
    top: int


def round_up(value: int) -> int:
    """Round up to a number that reads well on an axis: 1, 2 or 5 times a power of ten; at least 1."""
    power = 1
    while power * 10 < value:
        power *= 10
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= value)


def bars(series: Sequence[Sequence[int]], width: float, height: float) -> Chart:
    """Place series of equal length in front of each other, the first one widest and behind. What is not zero is seen:
    its bar has at least a hundredth of the height.
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
