"""The samples' pictures, drawn: `python -m tests.sample_drawings` draws them again, and prints their ids.

Each becomes two JPEGs in rundun/samples/pictures/, as an upload would make them: one to be seen large, and a thumbnail.
"""

import hashlib
import itertools
import math
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageOps

from rundun import paths

FOLDER = paths.samples() / "pictures"
SIZE, FINE = (640, 480), 4  # drawn four times as large, so that lines are smooth
PAPER, INK, SOFT, GLASS = "#f7f5f0", "#24344d", "#d9dee6", "#cfe3ef"
BLUE, RED, AMBER, GREEN, WHITE, WOOD = "#9db7d9", "#d65a4a", "#f0b95a", "#7fae8b", "#ffffff", "#d8b48a"

Point = tuple[float, float]


class Drawing:
    """A sheet of paper, in the coordinates of the picture that it becomes."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (SIZE[0] * FINE, SIZE[1] * FINE), PAPER)
        self._draw = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[Point], width: float = 4, colour: str = INK) -> None:
        """A line with round ends and corners."""
        large = [(x * FINE, y * FINE) for x, y in points]
        self._draw.line(large, fill=colour, width=round(width * FINE), joint="curve")
        for x, y in (large[0], large[-1]):
            r = width * FINE / 2
            self._draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def shape(self, points: Sequence[Point], fill: str, width: float = 4) -> None:
        """An area with its outline."""
        self._draw.polygon([(x * FINE, y * FINE) for x, y in points], fill=fill)
        self.line([*points, points[0], points[1]], width)

    def box(
        self, x: float, y: float, right: float, bottom: float, fill: str, radius: float = 8, width: float = 4
    ) -> None:
        """A box with round corners."""
        place = tuple(one * FINE for one in (x, y, right, bottom))
        self._draw.rounded_rectangle(place, radius * FINE, fill, INK, round(width * FINE))

    def circle(self, x: float, y: float, radius: float, fill: str, width: float = 4) -> None:
        """A disc with its outline."""
        place = tuple(one * FINE for one in (x - radius, y - radius, x + radius, y + radius))
        self._draw.ellipse(place, fill, INK, round(width * FINE))

    def frame(self) -> None:
        """The corners of a viewfinder: all of it belongs into the picture."""
        for x, across in ((28, 1), (612, -1)):
            for y, down in ((28, 1), (452, -1)):
                self.line([(x + 46 * across, y), (x, y), (x, y + 46 * down)], 6, GREEN)

    def sparkle(self, x: float, y: float, size: float = 16) -> None:
        """What is clean shines."""
        thin = size / 4
        points = [(x, y - size), (x + thin, y - thin), (x + size, y), (x + thin, y + thin)]
        points += [(x, y + size), (x - thin, y + thin), (x - size, y), (x - thin, y - thin)]
        self.shape(points, AMBER, 2)

    def done(self) -> Image.Image:
        """The picture."""
        return self.image.resize(SIZE, Image.Resampling.LANCZOS)


def curve(*corners: Point, steps: int = 24) -> list[Point]:
    """The points of a Bézier curve."""

    def at(t: float) -> Point:
        points = list(corners)
        while len(points) > 1:
            points = [(a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t) for a, b in itertools.pairwise(points)]
        return points[0]

    return [at(step / steps) for step in range(steps + 1)]


def drivers_side() -> Image.Image:
    d = Drawing()
    d.frame()
    d.line([(60, 352), (580, 352)], 4, SOFT)
    body = [(72, 312), (66, 268), *curve((70, 262), (90, 232), (196, 224)), *curve((214, 214), (252, 160), (300, 154))]
    body += [*curve((330, 148), (400, 146), (436, 158)), *curve((470, 168), (510, 206), (528, 222))]
    body += [*curve((560, 226), (578, 240), (578, 262)), (582, 312)]
    d.shape(body, BLUE)
    d.shape([(222, 222), (268, 176), (284, 170), (340, 168), (340, 222)], GLASS, 3)
    d.shape([(354, 168), (424, 170), (452, 182), (490, 222), (354, 222)], GLASS, 3)
    d.line([(347, 166), (347, 308)], 3)
    d.line([*curve((214, 224), (206, 270), (222, 308))], 3)
    for x in (308, 430):
        d.line([(x, 244), (x + 24, 244)], 5)
    d.shape([(70, 262), (104, 244), (110, 258), (72, 274)], AMBER, 3)
    d.shape([(562, 238), (580, 250), (580, 268), (566, 262)], RED, 3)
    d.shape([(206, 214), (228, 208), (232, 224), (212, 226)], BLUE, 3)
    for x in (160, 486):
        d.circle(x, 312, 46, INK)
        d.circle(x, 312, 25, SOFT)
        d.circle(x, 312, 6, INK)
    return d.done()


def _ends(d: Drawing) -> None:
    """What front and rear have in common."""
    d.frame()
    d.line([(120, 372), (520, 372)], 4, SOFT)
    for x in (168, 412):
        d.box(x, 318, x + 60, 374, INK, 12)
    d.shape([(222, 118), *curve((230, 112), (320, 98), (410, 112)), (418, 118), (466, 212), (174, 212)], BLUE)
    d.box(146, 206, 494, 344, BLUE, 34)


def front() -> Image.Image:
    d = Drawing()
    _ends(d)
    for x, way in ((158, -1), (482, 1)):
        d.box(min(x, x + 34 * way), 180, max(x, x + 34 * way), 208, BLUE, 10)
    d.shape([(236, 130), (404, 130), (444, 206), (196, 206)], GLASS, 3)
    d.line([(216, 216), (240, 250), (400, 250), (424, 216)], 3)
    for x in (164, 410):
        d.box(x, 240, x + 66, 276, AMBER, 16, 3)
    d.box(246, 262, 394, 292, INK, 10, 3)
    d.box(260, 304, 380, 332, WHITE, 4, 3)
    d.line([(282, 318), (358, 318)], 5)
    return d.done()


def rear() -> Image.Image:
    d = Drawing()
    _ends(d)
    d.shape([(240, 134), (400, 134), (430, 200), (210, 200)], GLASS, 3)
    for x in (154, 446):
        d.box(x, 222, x + 40, 282, RED, 10, 3)
    d.line([(206, 216), (206, 292), (434, 292), (434, 216)], 3)
    d.box(256, 240, 384, 272, WHITE, 4, 3)
    d.line([(280, 256), (360, 256)], 5)
    d.line([(300, 222), (340, 222)], 5)
    d.circle(420, 330, 9, INK, 2)
    return d.done()


def bed() -> Image.Image:
    d = Drawing()
    d.line([(70, 418), (570, 418)], 4, SOFT)
    d.box(116, 96, 524, 300, WOOD, 26)
    d.box(126, 226, 514, 404, WHITE, 18)
    for x in (150, 330):
        pillow = [
            *curve((x, 196), (x + 80, 176), (x + 160, 196)),
            *curve((x + 168, 226), (x + 166, 240), (x + 160, 256)),
        ]
        pillow += [*curve((x + 80, 272), (x, 256)), *curve((x - 6, 240), (x - 8, 226), (x, 196))]
        d.shape(pillow, WHITE)
    d.shape([(112, 288), *curve((320, 272), (528, 288)), (538, 398), *curve((320, 412), (102, 398))], BLUE)
    d.shape([(112, 288), *curve((320, 272), (528, 288)), (530, 322), *curve((320, 308), (110, 322))], GLASS)
    d.line(curve((230, 330), (226, 366), (228, 396)), 2)
    d.line(curve((410, 330), (414, 366), (412, 396)), 2)
    for x in (124, 500):
        d.box(x, 398, x + 18, 422, WOOD, 4)
    d.sparkle(86, 140)
    d.sparkle(556, 176, 12)
    return d.done()


def kitchen() -> Image.Image:
    d = Drawing()
    for x in range(60, 600, 65):
        d.line([(x, 70), (x, 222)], 1.5, SOFT)
    for y in (70, 108, 146, 184, 222):
        d.line([(60, y), (580, y)], 1.5, SOFT)
    d.box(52, 238, 588, 424, WHITE, 6)
    for x in (52, 186, 320, 454):
        d.box(x, 268, x + 134, 412, GLASS if x in (52, 454) else WHITE, 4, 3)
        d.line([(x + 106, 300), (x + 106, 336)], 5)
    d.box(40, 232, 600, 262, WOOD, 6)
    d.box(96, 226, 236, 242, SOFT, 5, 3)
    d.line([(166, 228), (166, 168), *curve((166, 138), (206, 132), (208, 162)), (208, 174)], 9)
    d.line([(188, 222), (188, 206)], 7)
    d.box(340, 222, 500, 236, INK, 4)
    for x in (378, 462):
        d.line([(x - 22, 219), (x + 22, 219)], 4, RED)
    d.box(532, 168, 572, 232, GREEN, 10)
    d.line([(540, 190), (564, 190)], 3, WHITE)
    d.sparkle(276, 196, 20)
    d.sparkle(306, 160, 12)
    d.sparkle(520, 120, 14)
    return d.done()


def towels() -> Image.Image:
    d = Drawing()
    d.box(70, 366, 570, 402, WOOD, 10)
    for y, inset, fill in ((322, 0, BLUE), (278, 0, BLUE), (238, 26, GLASS), (198, 26, GLASS), (166, 58, WHITE)):
        d.box(150 + inset, y, 490 - inset, y + (44 if inset < 58 else 34), fill, 20)
        d.line([(176 + inset, y + 24), (450 - inset, y + 24)], 2)
    d.line(curve((320, 166), (318, 130), (332, 96)), 4, GREEN)
    for x, y, way in ((318, 138, -1), (324, 122, 1), (322, 106, -1), (332, 96, 1)):
        d.shape(
            [*curve((x, y), (x + 22 * way, y - 22), (x + 44 * way, y - 10)), *curve((x + 20 * way, y + 6), (x, y))],
            GREEN,
            2,
        )
    d.sparkle(116, 190)
    d.sparkle(536, 240, 12)
    return d.done()


def dial(d: Drawing, x: float, y: float, radius: float, at: float) -> None:
    """A round instrument; its needle stands `at` a part of its scale."""
    d.circle(x, y, radius, WHITE)
    for step in range(9):
        _spoke(d, (x, y), step / 8, (radius * 0.78, radius * 0.9), 4, RED if step == 0 else INK)
    _spoke(d, (x, y), at, (0, radius * 0.7), 6, RED)
    d.circle(x, y, 9, INK)


def _spoke(d: Drawing, centre: Point, at: float, reach: Point, width: float, colour: str) -> None:
    angle = math.radians(210 - 240 * at)
    x, y = centre
    d.line([(x + far * math.cos(angle), y - far * math.sin(angle)) for far in reach], width, colour)


def digits(d: Drawing, x: float, y: float, number: str, size: float) -> None:
    """A number in the segments of a display, each digit half as wide as it is high."""
    for index, digit in enumerate(number):
        left, right = x + index * size * 0.78, x + index * size * 0.78 + size / 2
        ends = {
            "a": [(left, y), (right, y)],
            "b": [(right, y), (right, y + size / 2)],
            "c": [(right, y + size / 2), (right, y + size)],
            "d": [(left, y + size), (right, y + size)],
            "e": [(left, y + size / 2), (left, y + size)],
            "f": [(left, y), (left, y + size / 2)],
            "g": [(left, y + size / 2), (right, y + size / 2)],
        }
        for segment in SEGMENTS[int(digit)]:
            d.line(ends[segment], size / 9)


SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def dashboard() -> Image.Image:
    d = Drawing()
    d.frame()
    d.shape(
        [(70, 380), *curve((70, 180), (110, 96), (320, 96)), *curve((320, 96), (530, 96), (570, 180)), (570, 380)], SOFT
    )
    dial(d, 210, 220, 92, 0.42)
    dial(d, 430, 220, 92, 0.88)
    d.box(410, 244, 426, 272, AMBER, 3, 3)
    d.line([(426, 252), (440, 258), (440, 268)], 3)
    d.box(216, 320, 424, 368, WHITE, 8, 3)
    digits(d, 240, 330, "048213", 28)
    return d.done()


def tyre() -> Image.Image:
    d = Drawing()
    d.frame()
    d.line([(60, 424), (580, 424)], 4, SOFT)
    d.box(150, 60, 490, 424, INK, 60)
    for x in (206, 272, 368, 434):
        d.line([(x, 82), (x, 402)], 12, SOFT)
    for y in range(96, 400, 52):
        for x, way in ((164, 1), (476, -1)):
            d.line([(x, y), (x + 32 * way, y + 16)], 7, SOFT)
        d.line([(288, y + 8), (320, y - 8), (352, y + 8)], 7, SOFT)
    d.circle(272, 236, 54, AMBER)
    d.circle(272, 236, 42, AMBER, 3)
    d.line([(262, 220), (274, 210), (274, 262)], 6)
    d.line([(262, 262), (286, 262)], 6)
    return d.done()


def washroom() -> Image.Image:
    d = Drawing()
    for x in range(60, 600, 65):
        d.line([(x, 60), (x, 300)], 1.5, SOFT)
    for y in range(60, 310, 48):
        d.line([(60, y), (580, y)], 1.5, SOFT)
    d.box(206, 76, 434, 226, GLASS, 14)
    d.line([(240, 190), (330, 100)], 4, WHITE)
    d.line([(280, 194), (370, 104)], 4, WHITE)
    d.line([(320, 300), (320, 258), *curve((320, 238), (366, 234), (366, 262))], 10)
    d.shape(
        [
            (140, 300),
            (500, 300),
            *curve((500, 340), (450, 392), (320, 392)),
            *curve((320, 392), (190, 392), (140, 340)),
        ],
        WHITE,
    )
    d.line([(150, 320), (490, 320)], 3, SOFT)
    d.box(288, 392, 352, 440, SOFT, 6)
    d.box(88, 196, 150, 290, GREEN, 12)
    d.line([(119, 290), (119, 306)], 8)
    d.box(490, 150, 566, 276, WHITE, 8)
    d.shape([(506, 276), (550, 276), (544, 306), (512, 306)], WHITE, 3)
    d.sparkle(176, 130)
    d.sparkle(470, 250, 12)
    d.sparkle(420, 352, 14)
    return d.done()


def meter() -> Image.Image:
    d = Drawing()
    d.frame()
    d.box(130, 60, 510, 420, SOFT, 24)
    d.box(164, 94, 476, 330, WHITE, 14)
    d.box(190, 126, 450, 196, GLASS, 8, 3)
    digits(d, 208, 140, "0271845", 40)
    d.box(196, 224, 444, 248, INK, 4, 2)
    d.line([(300, 236), (332, 236)], 8, RED)
    for x in (212, 226, 232, 248, 262, 268, 284, 292, 308, 322, 328, 344, 352, 368, 376, 392, 406, 412, 428):
        d.line([(x, 274), (x, 306)], 3 if x % 4 else 6)
    for x in (180, 240, 300, 360, 420):
        d.circle(x + 20, 376, 13, AMBER, 3)
    return d.done()


DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "vehicle-front": front,
    "vehicle-drivers-side": drivers_side,
    "vehicle-rear": rear,
    "vehicle-passengers-side": lambda: ImageOps.mirror(drivers_side()),
    "turnover-kitchen": kitchen,
    "turnover-towels": towels,
    "turnover-bed": bed,
    "return-dashboard": dashboard,
    "inspection-tyre": tyre,
    "audit-washroom": washroom,
    "meter-electricity": meter,
}


def save(name: str, image: Image.Image, folder: Path = FOLDER) -> str:
    """Write a picture and its thumbnail; returns the picture's id."""
    large, small = folder / f"{name}.jpg", folder / f"{name}.thumbnail.jpg"
    image.save(large, quality=72, optimize=True)
    image.resize((320, 240), Image.Resampling.LANCZOS).save(small, quality=72, optimize=True)
    return f"pic-{hashlib.sha256(large.read_bytes()).hexdigest()}"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in DRAWINGS.items():
        print(save(name, draw()), name)
