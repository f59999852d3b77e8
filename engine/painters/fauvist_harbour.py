"""Fauvist harbour: boats before a hill village in pure unmixed colours, laid as short broad blocks on bare canvas.

What is to be painted is a map of things, each with a few colours of its own and the way the brush takes there. Every
block of paint keeps its distance from its neighbours, so that the canvas shows between them.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, ThickPaint, curve, finished, gradient, noise, places

ASPECT: Final = 0.8
CANVAS: Final = ("#d8c69c", "#eadcb8", "#f4e9cd")
BLOCKS: Final = (
    (40, 14, 6000, (False,)),
    (27, 10.5, 12000, (False,)),
    (17, 7.5, 22000, (False, True)),
    (11, 5.5, 16000, (True,)),
)
"""Length and breadth in 1024ths of the width, how many are tried, and whether for coarse things, fine ones or both."""
HAIRS: Final = 4
"""Strokes side by side make one block."""

VERMILION, ORANGE, YELLOW, PINK = "#e0341a", "#f57c14", "#f9c42c", "#f08fb0"
VIRIDIAN, LEAF, COBALT, SKY = "#0f7f68", "#6fb63a", "#1c48b8", "#58aade"
VIOLET, CRIMSON, ULTRAMARINE, CREAM = "#7b48a6", "#b0163e", "#1a2470", "#fdf3d6"

Tubes = tuple[str, ...]
"""Colours as they come from the tube, the one used most first."""
Corners = list[tuple[float, float]]
"""Across and down, in widths of the picture."""

WALLS: Final[tuple[Tubes, ...]] = (
    (PINK, CREAM, ORANGE),
    (YELLOW, CREAM, ORANGE),
    (CREAM, PINK, SKY),
    (ORANGE, YELLOW, VERMILION),
    (SKY, CREAM, VIOLET),
)
ROOFS: Final[tuple[Tubes, ...]] = (
    (VERMILION, ORANGE, CRIMSON),
    (ORANGE, VERMILION, PINK),
    (CRIMSON, VERMILION, VIOLET),
)
SHADES: Final[Tubes] = (VIOLET, COBALT, CRIMSON)


@dataclass(frozen=True)
class Contour:
    """A path in pixels, a colour, a breadth in 1024ths of the width, and the last of the things that it lies above."""

    path: Field
    colour: str
    breadth: float
    above: int


class Motif:
    """A map of what is where, and the contours that are drawn over it."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.map = Image.new("L", (width, height))
        self.tubes: list[Tubes] = []
        self.angles: list[float] = []
        self.fine: list[bool] = []
        self.contours: list[Contour] = []
        self._draw = ImageDraw.Draw(self.map)

    def lay(self, corners: Corners, tubes: Tubes, angle: float, *, fine: bool = False, contour: str = "") -> None:
        """One more thing, over what is there, in fine blocks or not, and its contour in that colour."""
        points = [(across * self.width, down * self.width) for across, down in corners]
        self._draw.polygon(points, fill=len(self.tubes))
        self.tubes.append(tubes)
        self.angles.append(angle)
        self.fine.append(fine)
        if contour:
            self.line([*corners, corners[0]], contour, 3.6)

    def line(self, corners: Corners, colour: str, breadth: float) -> None:
        """A line over all that is there; what comes later hides it."""
        self.contours.append(Contour(np.array(corners) * self.width, colour, breadth, len(self.tubes) - 1))


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    motif = Motif(width, height)
    sun = random.uniform(0.15, 0.85)
    shore = random.uniform(0.44, 0.49)
    _sky(motif, sun)
    _hills(random, motif, shore)
    _water(random, motif, shore, sun)
    _village(random, motif, shore)
    _boats(random, motif, shore)

    canvas = ThickPaint(_bare(random, height, width))
    taken = np.zeros((height, width), dtype=bool)
    for length, breadth, tries, fineness in BLOCKS:
        if breadth * width / 1024 < SUPERSAMPLING:
            continue  # less than a pixel in the end: it would be work that nobody sees
        _blocks(random, canvas, motif, taken, (length * width / 1024, breadth * width / 1024), tries, fineness)
    for contour in motif.contours:
        _draw(random, canvas, contour, np.asarray(motif.map))
    return finished(canvas.lit(1.3), size)


def _bare(random: np.random.Generator, height: int, width: int) -> Field:
    """Primed linen, its threads and its stains."""
    down, across = places(height, width)
    weave = 0.5 + 0.25 * np.sin(across * 1000) + 0.25 * np.sin(down * 1000)
    stains = noise(random, (height, width), cells=6, octaves=6)
    return gradient(np.clip(0.35 * weave + 0.75 * stains - 0.05, 0, 1), CANVAS)


def _blocks(
    random: np.random.Generator,
    canvas: ThickPaint,
    motif: Motif,
    taken: Field,
    sides: tuple[float, float],
    tries: int,
    fineness: tuple[bool, ...],
) -> None:
    """Blocks of one size, wherever there is room between those that are there and none would leave its thing."""
    height, width = taken.shape
    length, breadth = sides
    kinds = np.asarray(motif.map)
    patches = noise(random, (height, width), cells=9, octaves=3)
    turns = noise(random, (height, width), cells=5, octaves=2) - 0.5
    along, aside = (np.arange(-0.5, 0.5, 2 / side) * side for side in (0.98 * length, 0.98 * breadth))
    foot = np.stack(np.meshgrid(along, aside), axis=-1).reshape(-1, 2)
    for across, down in random.uniform(0, 1, (tries, 2)) * (width, height):
        thing = kinds[int(down), int(across)]
        if motif.fine[thing] not in fineness:
            continue
        angle = motif.angles[thing] + 0.9 * turns[int(down), int(across)] + random.normal(0, 0.10)
        ahead = np.array([np.cos(angle), np.sin(angle)])
        beside = np.array([-ahead[1], ahead[0]])
        places_x, places_y = (foot[:, :1] * ahead + foot[:, 1:] * beside + (across, down)).astype(int).T
        places_x, places_y = np.clip(places_x, 0, width - 1), np.clip(places_y, 0, height - 1)
        if taken[places_y, places_x].any() or np.mean(kinds[places_y, places_x] != thing) > 0.12:
            continue
        taken[places_y, places_x] = True
        tubes = motif.tubes[thing]
        share = 1.5 * patches[int(down), int(across)] - 0.42 + random.normal(0, 0.13)
        colour = gradient(np.zeros(1), [tubes[int(np.clip(share * len(tubes), 0, len(tubes) - 1))]])[0]
        bend = random.normal(0, 0.06) * length * beside
        for place in np.linspace(-0.4, 0.4, HAIRS):
            start, end = np.array([-0.5, 0.5]) * length * random.uniform(0.88, 1.04, 2)
            middle = np.array([across, down]) + place * breadth * beside
            path = curve(np.stack([middle + start * ahead, middle + bend, middle + end * ahead]), 4)
            tone = np.clip(colour * random.normal(1, 0.04), 0, 1)
            canvas.stroke(path, 1.5 * breadth / HAIRS, tone, random)


def _draw(random: np.random.Generator, canvas: ThickPaint, contour: Contour, things: Field) -> None:
    """The line with a loaded brush, set down anew at every corner and lifted here and there; not over what hides it."""
    unit = canvas.width / 1024
    colour = gradient(np.zeros(1), [contour.colour])[0]
    breadth = contour.breadth * unit
    for start, end in pairwise(contour.path):
        stops = np.linspace(start, end, max(1, round(np.hypot(*(end - start)) / (45 * unit))) + 1)
        for here, there in pairwise(stops):
            across, down = np.clip((here + there) / 2, 0, (canvas.width - 1, canvas.height - 1)).astype(int)
            if things[down, across] > contour.above or random.random() < 0.08:
                continue
            beyond = 0.14 * (there - here)
            shaken = np.stack([here - beyond, (here + there) / 2, there + beyond])
            shaken += random.normal(0, 0.2 * breadth, (3, 2))
            canvas.stroke(curve(shaken, 6), breadth * random.uniform(0.8, 1.3), colour, random)


def _sky(motif: Motif, sun: float) -> None:
    """Evening: pink and gold round the sun, blue above."""
    motif.lay([(0, 0), (1, 0), (1, 1), (0, 1)], (SKY, SKY, CREAM, COBALT), -0.12)
    for reach, tubes in ((0.34, (PINK, SKY, CREAM)), (0.22, (YELLOW, PINK, ORANGE)), (0.12, (YELLOW, CREAM))):
        motif.lay(_round(sun, 0.17, reach, 0.62 * reach), tubes, 0.08)
    motif.lay(_round(sun, 0.17, 0.055, 0.055), (VERMILION, ORANGE), 0.4, fine=True)


def _round(across: float, down: float, wide: float, tall: float) -> Corners:
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    return list(zip((across + wide * np.cos(turn)).tolist(), (down + tall * np.sin(turn)).tolist(), strict=True))


def _hills(random: np.random.Generator, motif: Motif, shore: float) -> None:
    """Three, each nearer one warmer."""
    across = np.linspace(0, 1, 60)
    for rise, swing, tubes, angle in (
        (0.23, 0.13, (COBALT, VIOLET, ULTRAMARINE), 0.35),
        (0.15, 0.11, (VIOLET, PINK, CRIMSON), -0.4),
        (0.09, 0.10, (LEAF, VIRIDIAN, YELLOW, ORANGE), 0.25),
    ):
        ridge = shore - rise - swing * (noise(random, (2, 60), 2.5, 3)[0] - 0.5)
        line = list(zip(across.tolist(), ridge.tolist(), strict=True))
        motif.lay([*line, (1, 1), (0, 1)], tubes, angle)
        motif.line(line[::6], ULTRAMARINE, 4.5)


def _village(random: np.random.Generator, motif: Motif, shore: float) -> None:
    """Houses up the slope and along the quay, trees among them, a church, and all of it again in the water."""
    church = random.uniform(0.25, 0.75)
    for foot, scale, count in ((shore - 0.075, 0.75, 8), (shore - 0.012, 1.0, 7)):
        spots = (np.arange(count) + random.uniform(0.25, 0.75, count)) / count
        for at in spots:
            if random.random() < 0.25:
                tall = random.uniform(0.05, 0.09) * scale
                trees = _round(at, foot - 0.6 * tall, 0.45 * tall, 0.75 * tall)
                motif.lay(trees, (VIRIDIAN, LEAF, ULTRAMARINE), -1.1, fine=True)
            else:
                _house(random, motif, at, foot + random.uniform(-0.012, 0.0), scale)
        if scale < 1:
            _church(motif, church, foot)
    motif.lay(
        [(0, shore - 0.014), (1, shore - 0.014), (1, shore + 0.012), (0, shore + 0.012)], (ORANGE, PINK, CREAM), 0.0
    )
    motif.line([(0, shore + 0.012), (1, shore + 0.012)], CRIMSON, 5)


def _house(random: np.random.Generator, motif: Motif, at: float, foot: float, scale: float) -> None:
    wide, tall = random.uniform(0.07, 0.11) * scale, random.uniform(0.065, 0.12) * scale
    left, right, eaves = at - wide / 2, at + wide / 2, foot - tall
    corner = left + 0.32 * wide
    pitch = random.uniform(0.025, 0.045) * scale
    walls = WALLS[random.integers(len(WALLS))]
    motif.lay([(left, foot), (left, eaves), (corner, eaves), (corner, foot)], SHADES, 1.5, fine=True)
    motif.lay(
        [(corner, foot), (corner, eaves), (right, eaves), (right, foot)], walls, 1.4, fine=True, contour=ULTRAMARINE
    )
    roof = [
        (left - 0.006, eaves),
        (left + 0.2 * wide, eaves - pitch),
        (right - 0.1 * wide, eaves - pitch),
        (right + 0.006, eaves),
    ]
    motif.lay(roof, ROOFS[random.integers(len(ROOFS))], 0.15, fine=True, contour=CRIMSON)
    for storey in np.arange(eaves + 0.016 * scale, foot - 0.03 * scale, 0.034 * scale):
        for column in (0.5, 0.8):
            middle = left + column * wide
            motif.line(
                [(middle, storey), (middle, storey + 0.018 * scale)], (COBALT, VIRIDIAN)[column > 0.6], 8 * scale
            )


def _church(motif: Motif, at: float, foot: float) -> None:
    """A tower in the light, with a cap of vermilion."""
    motif.lay(
        [(at - 0.028, foot), (at - 0.028, foot - 0.17), (at, foot - 0.17), (at, foot)], (VIOLET, PINK), 1.5, fine=True
    )
    lit = [(at, foot), (at, foot - 0.17), (at + 0.03, foot - 0.17), (at + 0.03, foot)]
    motif.lay(lit, (YELLOW, CREAM, ORANGE), 1.5, fine=True, contour=ULTRAMARINE)
    cap = [(at - 0.034, foot - 0.17), (at, foot - 0.225), (at + 0.036, foot - 0.17)]
    motif.lay(cap, (VERMILION, CRIMSON), 1.0, fine=True, contour=CRIMSON)
    motif.line([(at + 0.012, foot - 0.14), (at + 0.012, foot - 0.11)], ULTRAMARINE, 11)


def _water(random: np.random.Generator, motif: Motif, shore: float, sun: float) -> None:
    """The sea in long dashes, the village's colours upside down in it, and the sun's path."""
    motif.lay([(0, shore), (1, shore), (1, 1), (0, 1)], (COBALT, VIRIDIAN, SKY, CREAM), 0.0)
    for at in (np.arange(11) + random.uniform(0.2, 0.8, 11)) / 11:
        wide, deep = random.uniform(0.03, 0.05), random.uniform(0.06, 0.15)
        column = [
            (at - wide, shore),
            (at + wide, shore),
            (at + 0.8 * wide, shore + deep),
            (at - 0.8 * wide, shore + deep),
        ]
        motif.lay(
            column, ((PINK, ORANGE, SKY), (VERMILION, PINK, COBALT), (YELLOW, LEAF, SKY))[random.integers(3)], 0.0
        )
    for down in np.arange(shore + 0.02, ASPECT, 0.028):
        wide = 0.03 + 0.35 * (down - shore) * random.uniform(0.5, 1.0)
        middle = sun + random.normal(0, 0.015)
        motif.lay(_round(middle, down, wide, 0.011), (YELLOW, ORANGE, CREAM), 0.0)


def _boats(random: np.random.Generator, motif: Motif, shore: float) -> None:
    """Two far ones at the quay, and two near ones with sails, one on either side."""
    side = random.choice((-1.0, 1.0))
    for at in random.uniform(0.1, 0.9, 2):
        _boat(random, motif, at, shore + 0.05, 0.07, random.choice((-1.0, 1.0)))
    _boat(random, motif, 0.5 - side * random.uniform(0.20, 0.28), shore + random.uniform(0.10, 0.13), 0.13, side)
    _boat(random, motif, 0.5 + side * random.uniform(0.14, 0.24), ASPECT - random.uniform(0.06, 0.09), 0.24, -side)


def _boat(random: np.random.Generator, motif: Motif, at: float, line: float, reach: float, faces: float) -> None:
    """A hull with a stripe, its reflection, a mast and a lateen sail."""

    def place(*points: tuple[float, float]) -> Corners:
        return [(at + faces * reach * x, line - reach * y) for x, y in points]

    hull, stripe, sail = ((COBALT, VERMILION, ORANGE), (CRIMSON, YELLOW, YELLOW), (VIRIDIAN, PINK, VERMILION))[
        random.integers(3)
    ]
    motif.lay(place((-0.85, -0.02), (0.85, -0.02), (0.5, -0.5), (-0.6, -0.45)), (hull, ULTRAMARINE, sail), 0.0)
    motif.lay(
        place((-0.7, 0.55), (0.55, 2.3), (0.75, 0.6), (0.1, 0.45)), (sail, ORANGE, CREAM), -1.1 * faces, contour=CRIMSON
    )
    body = place((-1.05, 0.36), (-0.5, 0.22), (0.4, 0.22), (1.15, 0.5), (0.85, 0.0), (-0.85, 0.0))
    motif.lay(body, (hull, ULTRAMARINE), 0.12 * faces, contour=ULTRAMARINE)
    motif.line(place((-1.0, 0.26), (-0.5, 0.15), (0.4, 0.15), (1.05, 0.38)), stripe, 60 * reach)
    motif.line(place((-0.1, 0.2), (-0.05, 1.0), (0.0, 1.75)), ULTRAMARINE, 28 * reach)
    motif.line(place((-0.75, 0.5), (0.0, 1.6), (0.6, 2.4)), CRIMSON, 20 * reach)
