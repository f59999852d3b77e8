"""Ink wash: steep peaks in mist, a pine on a rock and a boat, in wet washes and dry brush on fibrous paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, noise, places, soften

ASPECT: Final = 0.8
INK: Final = np.array([1.12, 1.0, 0.88])
"""How much of red, green and blue one layer of ink takes away: thin ink looks blue."""
SEAL: Final = np.array([0.12, 1.75, 1.9])
"""The same of vermilion paste."""
RANGES: Final = ((0.47, 0.30, 0.5, 5), (0.56, 0.40, 0.9, 4), (0.635, 0.22, 1.35, 5))
"""Foot, greatest height, ink and number of peaks, from the far mountains to the near ones."""

Point = tuple[float, float]


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    sheet = Sheet(random, height, round(height * ASPECT))
    bank = random.choice((-1, 1))
    sheet.sky()
    for foot, tall, ink, peaks in RANGES:
        sheet.mountains(foot, tall, ink, peaks, lean=bank)
    sheet.water()
    sheet.boat(0.5 + bank * random.uniform(0.02, 0.2), random.uniform(0.74, 0.79), random.uniform(0.85, 1.1))
    sheet.pine(bank)
    sheet.rocks(bank)
    sheet.geese(0.5 + bank * random.uniform(-0.02, 0.1), random.uniform(0.07, 0.13))
    sheet.splatter(130)
    colours = sheet.paper() * np.exp(-sheet.ink[..., None] * INK)
    seal = sheet.seal(0.5 - 0.41 * bank, random.uniform(0.93, 0.945))
    return finished(colours * np.exp(-seal[..., None] * SEAL), size)


@dataclass(frozen=True)
class Fibres:
    """How paper leads wet ink: down and across, -0.5..0.5 of the reach, and how far it creeps, 0..1."""

    pull: Field
    creep: Field


class Strokes:
    """Brush marks that are still wet: as yet only how much ink lies where."""

    def __init__(self, random: np.random.Generator, fibres: Fibres) -> None:
        height, width = fibres.creep.shape
        self.unit = height / 1024
        self._random = random
        self._fibres = fibres
        self._layer = Image.new("L", (width, height))
        self._draw = ImageDraw.Draw(self._layer)

    def brush(self, path: Field, width: float, ink: float, dryness: float) -> None:
        """A stroke of many hairs; the drier the brush and the longer its way, the more of them run out of ink."""
        random, count = self._random, len(path)
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
        way = np.linspace(0, 1, count)
        press = np.minimum(1, np.minimum(way * 6 + 0.35, (1 - way) * 4 + 0.15))[:, None]
        hairs = max(2, round(width / 2.2))
        knots = max(3, count // 3)
        for place in np.linspace(-0.5, 0.5, hairs):
            load = random.uniform(0.55, 1.1) * ink * (1.05 - 0.12 * np.cos(2 * np.pi * place))
            wet = np.interp(way, np.linspace(0, 1, knots), random.random(knots)) + 0.35 * random.random()
            hair = (path + across * (place * width * self.unit) * press)[wet > dryness * (0.25 + way)]
            # Where the hair left the paper there is a gap: its points are further apart than the path's own.
            gaps = np.flatnonzero(np.hypot(*np.diff(hair, axis=0).T) > 1.8 * np.hypot(*along.T).max()) + 1
            for run in np.split(hair, gaps):
                if len(run) > 1:
                    self._draw.line(_points(run), fill=_tone(load), width=max(1, round(2.4 * self.unit)), joint="curve")

    def line(self, path: Field, widths: Sequence[float] | Field, ink: float) -> None:
        """A solid stroke through the path, as broad as the widths say, spread evenly along it."""
        along = np.gradient(path, axis=0)
        across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
        half = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)[:, None]
        edge = across * half * self.unit / 2
        self.shape(np.concatenate([path + edge, (path - edge)[::-1]]), ink)

    def shape(self, outline: Field, ink: float) -> None:
        """A shape filled in."""
        self._draw.polygon(_points(outline), fill=_tone(ink))

    def dried(self, reach: float, bleeding: float = 0) -> Field:
        """The ink, its edges ragged by the fibres so many units far, and the share of it that crept further."""
        ink = np.asarray(self._layer, dtype=np.float32) / 255
        height, width = ink.shape
        pulls = (self._fibres.pull * (2 * reach * self.unit)).astype(np.int32)
        down = np.clip(np.arange(height, dtype=np.int32)[:, None] + pulls[0], 0, height - 1)
        across = np.clip(np.arange(width, dtype=np.int32) + pulls[1], 0, width - 1)
        ragged: Field = ink[down, across]
        if bleeding:
            crept = soften(ragged, 11 * self.unit) * (0.3 + 1.4 * self._fibres.creep)
            ragged = np.maximum(ragged * (1 - 0.3 * bleeding), bleeding * crept)
        return ragged


class Sheet:
    """A sheet of paper and the ink on it; every method adds one motif."""

    def __init__(self, random: np.random.Generator, height: int, width: int) -> None:
        self.size = np.array([width, height])
        self.unit = height / 1024
        self.down, self.across = places(height, width)
        self._random = random
        self._tooth = noise(random, (height, width), cells=210, octaves=2)
        self._damp = noise(random, (height, width), cells=4, octaves=4)
        self._pools = noise(random, (height, width), cells=16, octaves=5)
        pull = np.stack([noise(random, (height, width), cells=110, octaves=3) - 0.5 for _ in range(2)])
        self._fibres = Fibres(pull.astype(np.float32), noise(random, (height, width), cells=24, octaves=4))
        self.ink = np.zeros((height, width))

    def sky(self) -> None:
        """A pale wash, darker where it was laid on, round a moon of bare paper."""
        moon = np.hypot(self.down - 0.17, self.across - ASPECT * self._random.uniform(0.35, 0.65)) - 0.062
        bare = np.clip(0.5 + moon / 0.004, 0, 1) * (0.8 + 0.5 * np.exp(-((moon / 0.11) ** 2)))
        self.ink += bare * np.clip(0.3 - 0.5 * self.down + 0.75 * (self._damp - 0.5), 0, 1) * (0.6 + 0.8 * self._pools)
        strokes = self._strokes()
        for _ in range(7):
            left, top = self._random.uniform(-0.2, 0.7), self._random.uniform(0.02, 0.42)
            strokes.brush(self._path((left, top), (left + 0.25, top - 0.02), (left + 0.5, top + 0.01)), 60, 0.16, 1.05)
        self.ink += strokes.dried(3) * bare * (0.4 + self._tooth)

    def mountains(self, foot: float, tall: float, ink: float, peaks: int, lean: int) -> None:
        """One range of peaks whose feet stand in mist: wash, folds, then texture strokes down their flanks."""
        random = self._random
        centres = (np.arange(peaks) + random.uniform(0.1, 0.9, peaks)) / peaks * ASPECT
        heights = tall * random.uniform(0.35, 1.0, peaks) * (0.8 - 0.5 * lean * (centres / ASPECT - 0.5))
        breadths = 0.04 + 0.15 * heights * random.uniform(0.6, 1.4, peaks)
        at = self.across[0]
        rough = noise(random, (2, len(at)), cells=13, octaves=5)[0] - 0.5
        reach = np.abs((at + 0.05 * rough)[:, None] - centres) / breadths
        ridge = foot - (heights * np.exp(-(reach**2.2))).max(axis=1) * (1 + 0.35 * rough)
        depth = self.down - ridge + 0.012 * (self._pools - 0.5)
        # Where the paper was damp the edge runs, elsewhere it stands sharp and dries with a dark rim.
        soft = 0.0015 + 0.05 * np.clip(self._damp - 0.5, 0, 1) ** 1.5
        inside = np.clip(0.5 + depth / soft, 0, 1)
        mist = np.clip((foot + 0.02 + 0.07 * (self._damp - 0.5) - self.down) / 0.14, 0, 1)
        folds = np.abs(noise(random, self.down.shape, cells=9, octaves=5, stretch=0.5) - 0.5) * 2
        body = 0.2 + 0.5 * np.exp(-np.clip(depth, 0, 1) / 0.03) + 0.65 * np.exp(-((folds / 0.13) ** 2)) * self._pools
        rim = 0.5 * np.exp(-((depth / 0.004) ** 2)) * (soft < 0.006)
        self.ink = self.ink * (1 - inside * (0.25 + 0.65 * mist)) + inside * mist * ink * (body + rim)
        strokes = self._strokes()
        for _ in range(round(190 * peaks * tall / 0.4)):
            peak = random.integers(peaks)
            side = random.normal(0, 0.75)
            start = centres[peak] + side * breadths[peak]
            top = foot - heights[peak] * np.exp(-(abs(side) ** 2.2)) + heights[peak] * random.exponential(0.2)
            long = heights[peak] * random.uniform(0.1, 0.3)
            fall = side * breadths[peak] * random.uniform(0.1, 0.5)
            path = self._path((start, top), (start + 0.35 * fall, top + 0.5 * long), (start + fall, top + long))
            strokes.brush(path, random.choice((4, 7, 12, 30)), random.uniform(0.25, 0.9), random.uniform(0.6, 1.1))
        self.ink += strokes.dried(2.5) * inside * mist * ink * (0.35 + 1.1 * self._tooth)

    def water(self) -> None:
        """Bare paper with a few level strokes, broader towards the front."""
        random = self._random
        strokes = self._strokes()
        for _ in range(70):
            near = random.random() ** 0.8
            left, top, long = random.uniform(-0.2, 0.8), 0.645 + 0.36 * near, random.uniform(0.05, 0.3)
            path = self._path((left, top), (left + long / 2, top + random.normal(0, 0.004)), (left + long, top))
            strokes.brush(path, 3 + 20 * near * random.random(), random.uniform(0.08, 0.34), random.uniform(0.6, 1.1))
        wash = np.clip((self.down - 0.64) / 0.3, 0, 1) * (0.1 + 0.4 * np.clip(self._damp - 0.35, 0, 1))
        self.ink += strokes.dried(3) * (0.3 + self._tooth) + wash * (0.6 + 0.6 * self._pools)

    def boat(self, across: float, down: float, scale: float) -> None:
        """A hull, a mat roof, and a fisherman with a hat and a pole, over their broken reflection."""
        middle = np.array([across * ASPECT, down])

        def at(*points: Point) -> Field:
            placed: Field = (middle + np.array(points) * 0.01 * scale) * self.size[1]
            return placed

        strokes = self._strokes()
        for level in np.arange(1.6, 5, 0.55):
            shift = self._random.normal(0, 0.9)
            reflection = at((shift - 6 + level, level), (shift, level + 0.15), (shift + 6 - level, level))
            strokes.brush(curve(reflection, 10), 5, 0.5 - 0.07 * level, 0.7)
        strokes.shape(
            curve(at((-10, -1.4), (-6, 0.5), (0, 1.1), (6, 0.4), (10.5, -2), (6, -0.8), (0, -0.3), (-6, -0.7))), 0.9
        )
        strokes.shape(curve(at((-5, -0.5), (-4.2, -3), (-1, -3.9), (2, -3), (2.6, -0.3))), 0.42)
        for rib in np.linspace(-4, 1.6, 7):
            strokes.line(at((rib, -0.5), (rib + 0.4, -2), (rib + 1, -3.2)), [2.2, 1.4], 0.85)
        strokes.shape(curve(at((5, -0.6), (4.9, -3), (5.6, -4.4), (6.4, -3), (6.8, -0.8))), 0.75)
        strokes.shape(at((4.1, -4.1), (5.7, -5.6), (7.2, -4.0), (5.7, -4.3)), 1)
        strokes.line(at((6, -3.2), (8, -3.4)), [3, 2], 0.8)
        strokes.line(at((8.6, -8), (8, -3.4), (7.2, 2.4)), [1.2, 1.9, 1.4], 0.95)
        self.ink = np.maximum(self.ink, 2.6 * strokes.dried(1.2))

    def rocks(self, bank: int) -> None:
        """The bank in a lower corner: dark washes, side strokes of a dry brush, dots of moss and reeds."""
        random = self._random
        at = (self.across[0] / ASPECT - 0.5) * bank  # -0.5 at the far edge, 0.5 at the bank's
        rough = noise(random, (2, len(at)), cells=9, octaves=5)[0] - 0.5
        ridge = 1.03 - 0.23 * np.clip((at + 0.02) / 0.5, 0, 1) ** 0.6 - 0.05 * rough
        depth = self.down - ridge + 0.012 * (self._pools - 0.5)
        inside = np.clip(0.5 + depth / 0.002, 0, 1)
        folds = np.abs(noise(random, self.down.shape, cells=8, octaves=5) - 0.5) * 2
        body = (
            0.08
            + 0.9 * np.exp(-np.clip(depth, 0, 1) / 0.012) * self._pools
            + 2.6 * np.exp(-((folds / 0.1) ** 2)) * self._tooth
        )
        self.ink = self.ink * (1 - inside) + inside * body
        strokes = self._strokes()
        for _ in range(150):
            start = random.uniform(0.0, 0.5)
            column = int(np.clip((0.5 + bank * start), 0, 0.999) * len(at))
            across, top = column / len(at) * ASPECT, ridge[column] + random.exponential(0.05)
            long, drop = random.uniform(0.02, 0.09), random.uniform(0.0, 0.07)
            path = self._path(
                (across, top), (across - bank * long / 2, top + 0.3 * drop), (across - bank * long, top + drop)
            )
            strokes.brush(path, random.choice((6, 12, 34)), random.uniform(0.3, 1), random.uniform(0.75, 1.15))
        self.ink += 2.2 * strokes.dried(2.5) * inside * (0.2 + 1.1 * self._tooth)
        reeds = self._strokes()
        for _ in range(46):
            root = random.normal(0.03, 0.1)
            column = int(np.clip(0.5 + bank * root, 0, 0.999) * len(at))
            foot = np.array([column / len(at) * ASPECT, min(ridge[column] + 0.01, 0.99)])
            tip = foot + np.array([random.normal(-0.02 * bank, 0.03), -random.uniform(0.04, 0.12)])
            bend = (foot + tip) / 2 + (random.normal(0, 0.008), -0.01)
            reeds.line(self._path(tuple(foot), tuple(bend), tuple(tip)), [2.4, 3.2, 1.6, 0.4], random.uniform(0.4, 1))
        self.ink = np.maximum(self.ink, 2.4 * reeds.dried(1, bleeding=0.3))

    def pine(self, bank: int) -> None:
        """A pine that leans out over the water: washes under its pads, a scaly trunk, fans of needles."""
        random = self._random
        turns = np.array([0.34, 0.33, 0.37, 0.3, 0.31, 0.21, 0.17, 0.08]) + random.normal(0, 0.022, 8)
        downs = (
            0.97
            - random.uniform(0.85, 1.05) * np.array([0, 0.17, 0.3, 0.4, 0.51, 0.61, 0.72, 0.77])
            + random.normal(0, 0.015, 8)
        )
        trunk = curve(np.stack([(0.5 + bank * turns) * ASPECT, downs], axis=1), 14)
        limbs = []
        for index, share in enumerate(np.array([0.34, 0.46, 0.58, 0.7, 0.8, 0.9, 0.99]) + random.normal(0, 0.015, 7)):
            root = trunk[min(int(share * len(trunk)), len(trunk) - 1)]
            side = bank * (1 if index % 2 else -1)
            long = random.uniform(0.16, 0.27) * (1.25 - 0.6 * share) * (1.0 if index % 2 else 1.35)
            steps = np.array([(0, 0), (0.3, 0.05), (0.62, -0.09), (1, 0.03)]) + random.normal(0, 0.03, (4, 2))
            limbs.append(curve(root + steps * (side * long, long), 10))
        washes, wood, bark, needles = (self._strokes() for _ in range(4))
        for limb in limbs:
            wood.line(limb * self.size[1], [15, 9, 6, 3], 0.75)
            for pad in (0.5, 0.78, 1.0):
                middle = limb[int(pad * (len(limb) - 1))] + (random.normal(0, 0.01), random.normal(-0.014, 0.008))
                self._needles(washes, needles, middle, random.uniform(0.04, 0.08))
        wood.line(trunk * self.size[1], [78, 50, 42, 36, 30, 22, 15, 8, 3], 0.22)
        wood.brush(trunk[:70] * self.size[1], 44, 0.6, 0.95)
        wood.brush(trunk[:90] * self.size[1] + (9 * bank * self.unit, 0), 22, 0.9, 0.8)
        for _ in range(120):
            place = int(random.uniform(0, 0.9) * len(trunk))
            reach = 0.02 * (1 - 0.75 * place / len(trunk))
            middle = trunk[place] + random.uniform(-reach, reach, 2) * (1, 0.4)
            sweep = np.linspace(0, random.uniform(2, 4), 9) + random.uniform(0, 6)
            ring = middle + 0.42 * reach * np.stack([np.cos(sweep), 1.3 * np.sin(sweep)], axis=1)
            bark.line(ring * self.size[1], [1, 3.2, 1.2], random.uniform(0.7, 1))
        for side, width in ((-1, 5), (1, 10)):
            edge = np.interp(np.linspace(0, 1, len(trunk)), [0, 0.12, 0.5, 1], [0.036, 0.023, 0.017, 0.001])
            bark.brush((trunk + np.stack([side * bank * edge, 0 * edge], axis=1)) * self.size[1], width, 1, 0.6)
        self.ink = self.ink * (1 - 0.75 * soften(washes.dried(6), 6 * self.unit)) + 0.75 * washes.dried(9, bleeding=0.8)
        self.ink = np.maximum(self.ink, 2.0 * wood.dried(2) * (0.65 + 0.5 * self._tooth))
        self.ink = np.maximum(self.ink, 2.9 * bark.dried(1))
        self.ink = np.maximum(self.ink, 2.9 * needles.dried(0.7, bleeding=0.25))

    def _needles(self, washes: Strokes, needles: Strokes, middle: Field, reach: float) -> None:
        """One pad of foliage: fans side by side, the pale ones behind."""
        random = self._random
        sweep = np.linspace(0, 2 * np.pi, 14)
        oval = middle + reach * np.stack([np.cos(sweep), 0.42 * np.sin(sweep)], axis=1) * random.uniform(
            0.8, 1.15, (14, 1)
        )
        washes.shape(oval * self.size[1], random.uniform(0.35, 0.7))
        for ink in np.sort(random.uniform(0.2, 1, random.integers(5, 13))):
            root = middle + reach * random.uniform(-0.85, 0.85, 2) * (1, 0.35) + (0, 0.2 * reach)
            spread = random.uniform(0.017, 0.031)
            for angle in np.linspace(-np.pi * 1.04, 0.04 * np.pi, 19) + random.normal(0, 0.06, 19):
                long = spread * random.uniform(0.8, 1.25)
                tip = root + long * np.array([np.cos(angle), 0.85 * np.sin(angle)])
                needles.line(np.stack([root, (root + tip) / 2, tip]) * self.size[1], [1.2, 2.3, 0.5], ink)

    def geese(self, across: float, down: float) -> None:
        """A skein in the sky, two strokes each."""
        strokes = self._strokes()
        for rank in range(7):
            middle = np.array(
                [across * ASPECT + 0.03 * rank * self._random.uniform(0.8, 1.2), down + 0.014 * abs(rank - 2)]
            )
            for side in (-1, 1):
                wing = middle + 0.011 * np.array([(0, 0), (0.45 * side, -0.7), (side, -0.35)])
                strokes.line(curve(wing, 5) * self.size[1], [3.4, 2.6, 0.6], 0.8)
        self.ink = np.maximum(self.ink, 1.9 * strokes.dried(0.8))

    def splatter(self, drops: int) -> None:
        """Drops that fell from the brush."""
        strokes = self._strokes()
        sweep = np.linspace(0, 2 * np.pi, 13)
        ring = np.stack([np.cos(sweep), np.sin(sweep)], axis=1)
        for _ in range(drops):
            radius = 0.0008 + 0.0045 * self._random.random() ** 7
            strokes.shape(
                (self._random.random(2) * (ASPECT, 1) + radius * ring) * self.size[1], self._random.uniform(0.15, 0.8)
            )
        self.ink = np.maximum(self.ink, 1.7 * strokes.dried(1.5, bleeding=0.3))

    def seal(self, across: float, down: float) -> Field:
        """A square of paste with a peak over two waves cut out of it: the painter's own sign."""
        strokes = self._strokes()
        middle = np.array([across * ASPECT, down])

        def at(*points: Point) -> Field:
            placed: Field = (middle + np.array(points) * 0.019) * self.size[1]
            return placed

        strokes.shape(at((-1, -1), (1, -0.96), (0.97, 1), (-0.98, 0.97)), 1)
        strokes.line(at((-0.7, 0.1), (-0.05, -0.72), (0.7, 0.1)), [4.2, 4.2], 0)
        strokes.line(at((0, -0.3), (0, 0.12)), [4, 3.4], 0)
        for level in (0.38, 0.7):
            wave = ((-0.72, level), (-0.36, level - 0.12), (0, level), (0.36, level + 0.12), (0.72, level))
            strokes.line(curve(at(*wave), 6), [3.4, 4.2, 3.4], 0)
        pressed: Field = strokes.dried(1.5) * np.clip(0.45 + 1.6 * self._tooth, 0, 1)
        return pressed

    def paper(self) -> Field:
        """Warm paper with long fibres, some lighter and some darker than it."""
        random = self._random
        height = self.size[1]
        sheet = gradient(
            np.clip(0.5 + 0.8 * (self._damp - 0.5) + 0.5 * (self._tooth - 0.5), 0, 1), ["#efe4ca", "#fbf4e3"]
        )
        for tone in (-0.09, 0.06):
            fibres = self._strokes()
            for _ in range(420):
                start, angle = random.random(2) * (ASPECT, 1), random.uniform(0, 2 * np.pi)
                turns = angle + np.cumsum(random.normal(0, 0.5, 4))
                steps = random.uniform(0.008, 0.024) * np.stack([np.cos(turns), np.sin(turns)], axis=1)
                fibres.line(
                    curve(start + np.cumsum(steps, axis=0), 6) * height, [0.7, 1.3, 0.7], random.uniform(0.3, 1)
                )
            sheet = sheet * (1 + tone * fibres.dried(0.5)[..., None])
        return sheet

    def _strokes(self) -> Strokes:
        return Strokes(self._random, self._fibres)

    def _path(self, *points: Point) -> Field:
        """A smooth line through points given in heights of the picture, in pixels."""
        smooth: Field = curve(np.array(points), 12) * self.size[1]
        return smooth


def _tone(ink: float) -> int:
    return round(255 * min(max(ink, 0.0), 1.0))


def _points(path: Field) -> list[Point]:
    return [(float(across), float(down)) for across, down in path]
