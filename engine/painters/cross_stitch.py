"""Cross stitch: two birds under a tree of flowers on linen, every thread stamped with its twist, sheen and shadow."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, noise, places

CELL: Final = 1 / 64
"""A cross is so many widths of the picture broad."""
LIGHT: Final = -0.9
"""The angle the light comes from; threads that lie across it gleam."""
PALETTES: Final = (
    ("#b3202c", "#e8a020", "#17627a", "#e56a54", "#2f6b3a", "#86a83e", "#f3e3c2", "#1f2f5c"),
    ("#a8245e", "#f0b93a", "#2b4a9b", "#ef8a6a", "#1f6f62", "#8fb04a", "#f7ead2", "#4a1f4f"),
    ("#d1492b", "#f2c14e", "#0f7c86", "#f0a3a0", "#3c6e2f", "#a7b53c", "#fbf0da", "#27305e"),
)
"""Flower, its heart, bird, second flower, leaf, young leaf, white, outline."""
LAYOUTS: Final = (
    ((0.74, 0.11, 0.15), (0.62, 0.27, 0.27), (0.5, 0.31, 0.2), (0.42, 0.19, 0.25)),
    ((0.74, 0.12, 0.16), (0.6, 0.29, 0.13), (0.5, 0.2, 0.13), (0.44, 0.29, 0.21)),
    ((0.72, 0.12, 0.13), (0.6, 0.3, 0.24), (0.46, 0.23, 0.26), (0.5, 0.16, 0.13)),
)
"""Of each pair of boughs: how far down it leaves the trunk, how far it reaches aside, how far its tip rises."""


def paint(seed: int, size: int) -> Pixels:
    """A square picture of that width."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    cloth = Cloth(random, width)
    palette = PALETTES[random.integers(len(PALETTES))]
    colours = [np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]) for colour in palette]
    Sampler(random, cloth, colours).embroider()
    return finished(cloth.colours, size)


class Cloth:
    """Linen, and the threads that lie on it; all lengths are in widths of the picture."""

    def __init__(self, random: np.random.Generator, width: int) -> None:
        self.width = width
        self._random = random
        self.colours = _linen(random, width)

    def stitch(self, start: Field, end: Field, breadth: float, colour: Field) -> None:
        """One stitch: a round twisted thread that dives into the cloth at both ends and shades it beside itself."""
        (across, down), (to_across, to_down) = start * self.width, end * self.width
        length = float(np.hypot(to_across - across, to_down - down))
        half = breadth * self.width / 2
        if length < half:
            return
        rim = half * 2.2
        left, top = int(max(0, min(across, to_across) - rim)), int(max(0, min(down, to_down) - rim))
        right, bottom = int(max(across, to_across) + rim) + 1, int(max(down, to_down) + rim) + 1
        below = self.colours[top:bottom, left:right]
        if not below.size:
            return
        y = np.arange(top, top + below.shape[0], dtype=np.float32)[:, None] - down
        x = np.arange(left, left + below.shape[1], dtype=np.float32)[None] - across
        cos, sin = (to_across - across) / length, (to_down - down) / length
        along = x * cos + y * sin
        aside = (y * cos - x * sin) / half
        past = np.maximum(np.maximum(-along, along - length), 0) / half
        far = np.hypot(aside, past)
        drop = np.hypot(aside - 0.5 * (cos - sin * 0.4), past)
        below *= (1 - 0.5 * np.clip(1.75 - drop, 0, 0.75) / 0.75)[..., None]
        round_ = np.sqrt(np.clip(1 - far * far, 0, 1))
        twist = np.cos(2 * np.pi * (along / (2.1 * half) - 0.45 * aside))
        ends = np.clip(np.minimum(along, length - along) / (2.2 * half), 0, 1)
        sheen = 0.1 + 0.34 * abs(np.sin(np.arctan2(sin, cos) - LIGHT)) ** 2
        tone = (0.5 + 0.52 * round_ + 0.13 * twist - 0.14 * aside) * (0.66 + 0.34 * ends)
        gleam = sheen * np.clip(round_ - 0.45, 0, 1) * (0.7 + 0.5 * twist) * ends
        thread = colour * tone[..., None] * self._random.uniform(0.94, 1.12) + gleam[..., None]
        cover = np.clip((1 - far) * half + 0.5, 0, 1)[..., None]
        below += (thread - below) * cover

    def satin(self, edge: Field, other: Field, breadth: float, colours: Sequence[Field], slant: float = 0.0) -> None:
        """Fill what lies between two edges with stitches from one to the other, side by side, the colours mixed along.

        Stitches that would be too long are split where two rows would meet, at an uneven line.
        """
        spans = np.linalg.norm(np.diff((edge + other) / 2, axis=0), axis=1)
        way = np.concatenate([[0], np.cumsum(spans)])
        wide = max(np.linalg.norm(np.diff(side, axis=0), axis=1).sum() for side in (edge, other))
        count = max(3, round(wide / (breadth * 0.82)))
        for at in np.linspace(0, 1, count):
            place, shifted = at * way[-1], np.clip(at + slant, 0, 1) * way[-1]
            a = np.array([np.interp(place, way, edge[:, axis]) for axis in (0, 1)])
            b = np.array([np.interp(shifted, way, other[:, axis]) for axis in (0, 1)])
            a, b = a + self._random.normal(0, 0.0009, 2), b + self._random.normal(0, 0.0009, 2)
            rows = max(1, round(np.linalg.norm(b - a) / 0.06))
            cuts = np.linspace(0, 1, rows + 1)
            cuts[1:-1] += self._random.uniform(-0.12, 0.12, rows - 1)
            for row in range(rows):
                share = (row + 0.5) / rows if rows > 1 else at
                colour = _between(colours, share + self._random.normal(0, 0.05))
                self.stitch(a + (b - a) * cuts[row], a + (b - a) * cuts[row + 1], breadth, colour)

    def stem(self, path: Field, breadth: float, colour: Field) -> None:
        """A line in stem stitch: short threads that overlap like the strands of a rope."""
        lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
        step = breadth * 1.6
        for place in np.arange(0, lengths[-1], step):
            ends = [
                np.array([np.interp(at, lengths, path[:, axis]) for axis in (0, 1)])
                for at in (place - step * 0.6, place + step * 1.3)
            ]
            along = (ends[1] - ends[0]) / (np.linalg.norm(ends[1] - ends[0]) + 1e-9)
            lean = np.array([-along[1], along[0]]) * breadth * 0.3
            self.stitch(ends[0] + lean, ends[1] - lean, breadth, colour)

    def cross(self, column: int, row: int, colour: Field) -> None:
        """A cross in one cell of the count, the upper thread always the same way."""
        middle = (np.array([column, row]) + 0.5) * CELL + self._random.normal(0, 0.0006, 2)
        arm = 0.47 * CELL
        rising, falling = np.array([arm, -arm]), np.array([arm, arm])
        self.stitch(middle - rising, middle + rising, CELL * 0.34, colour * 0.92)
        self.stitch(middle - falling, middle + falling, CELL * 0.34, colour)

    def knot(self, middle: Field, breadth: float, colour: Field) -> None:
        """A French knot: a small coil."""
        turn = self._random.uniform(0, 2 * np.pi)
        for angle in (turn, turn + 2.1, turn + 4.2):
            arm = breadth * 0.42 * np.array([np.cos(angle), np.sin(angle)])
            side = breadth * 0.2 * np.array([-np.sin(angle), np.cos(angle)])
            self.stitch(middle - arm + side, middle + arm + side, breadth * 0.55, colour)


class Sampler:
    """The design: a frame of crosses, and inside it a tree, its flowers and two birds, all but mirrored."""

    def __init__(self, random: np.random.Generator, cloth: Cloth, colours: Sequence[Field]) -> None:
        self._random, self._cloth = random, cloth
        self.flower, self.heart, self.bird, self.second, self.leaf, self.young, self.white, self.dark = colours

    def embroider(self) -> None:
        """From the back to the front."""
        self._frame()
        self._ground()
        random = self._random
        crown = np.array([0.5, random.uniform(0.25, 0.3)])
        trunk = curve(np.array([(0.5, 0.86), (0.5 + random.uniform(-0.03, 0.03), 0.6), crown]))
        boughs = []
        for low, reach, rise in LAYOUTS[random.integers(len(LAYOUTS))]:
            reach, rise = reach + random.uniform(-0.015, 0.015), rise + random.uniform(-0.02, 0.02)
            sag = 0.06 + random.uniform(-0.02, 0.02)
            for side in (-1, 1):
                knots = np.array([(0, 0), (0.37 * reach, 0.5 * sag - 0.02), (0.75 * reach, sag), (reach, -rise)])
                boughs.append(curve(knots * (side, 1) + (0.5, low)))
        for bough in boughs:
            for at in np.linspace(0.25, 0.85, 4):
                self._leaf(bough, at + random.uniform(-0.05, 0.05), random.choice((-1, 1)))
            self._cloth.stem(bough, 0.0085, self.leaf)
        for step in (-0.006, 0.0, 0.006):
            self._cloth.stem(np.add(trunk, (step, 0)), 0.009, self.leaf * (0.8 if step else 1.1))
        self._hill()
        kinds = random.permutation(4)
        for index, bough in enumerate(boughs):
            radius = 0.047 if index < 2 else 0.08 - 0.016 * (index // 2 % 2)
            self._bloom(bough[-1], radius, int(kinds[index // 2]))
        self._bloom(crown, 0.105, int(kinds[0]))
        for side in (-1, 1):
            self._fowl(np.array([0.5 + side * random.uniform(0.225, 0.25), 0.73]), -side, random.uniform(0.9, 1.05))

    def _frame(self) -> None:
        """Two rows of crosses round a zigzag of them, along all four sides."""
        count = round(1 / CELL)
        period = int(self._random.choice((6, 8, 10)))
        for column in range(count):
            for row in range(count):
                near = min(column, row, count - 1 - column, count - 1 - row)
                along = column if near in (row, count - 1 - row) else row
                wave = abs((along - count // 2) % period - period // 2)
                if near in (0, 7):
                    self._cloth.cross(column, row, self.dark)
                elif near < 7:
                    level = near - 1
                    inner = wave * 5 / (period // 2)
                    if abs(level - inner) < 0.9:
                        self._cloth.cross(column, row, self.flower)
                    elif level > inner:
                        self._cloth.cross(column, row, self.heart if (level - inner) < 2.2 else self.bird)
                    else:
                        self._cloth.cross(column, row, self.white if inner - level < 2.2 else self.young)

    def _ground(self) -> None:
        """Sprigs of five crosses, set far apart on the bare linen."""
        for column in range(12, 54, 5):
            for row in range(12, 54, 5):
                shifted = row + (2 if column % 2 else 0)
                colour = self.second if (column + row) % 3 else self.heart
                for x, y in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
                    self._cloth.cross(column + x, shifted + y, colour if x or y else self.white)

    def _hill(self) -> None:
        """The ground the tree grows from: three bands of satin stitch, and grass on it."""
        across = np.linspace(0.15, 0.85, 60)
        top = 0.83 - 0.05 * np.sin(np.pi * (across - 0.15) / 0.7)
        for band, colours in enumerate(((self.young, self.leaf), (self.leaf, self.bird), (self.bird, self.dark))):
            upper = np.stack([across, top + (0.862 - top) * band / 3], axis=1)
            lower = np.stack([across, top + (0.862 - top) * (band + 1) / 3], axis=1)
            self._cloth.satin(upper, lower, 0.0062, [*colours, *colours, *colours, *colours], slant=0.012)
        for place in range(3, 58, 2):
            foot = np.array([across[place], top[place]])
            blade = foot + self._random.normal(0, 0.01, 2) - (0, self._random.uniform(0.012, 0.035))
            self._cloth.stitch(foot, blade, 0.0055, self.young)

    def _leaf(self, bough: Field, at: float, side: int) -> None:
        """A leaf at that share of the bough: two halves of slanting stitches, a vein between them."""
        index = int(np.clip(at, 0, 0.95) * (len(bough) - 1))
        along = bough[min(index + 4, len(bough) - 1)] - bough[index]
        angle = np.arctan2(along[1], along[0]) + side * self._random.uniform(0.6, 1.0)
        length = self._random.uniform(0.06, 0.085)
        share = np.linspace(0, 1, 14)
        forward, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
        vein = (
            bough[index] + share[:, None] * length * forward + (0.12 * length * np.sin(np.pi * share))[:, None] * aside
        )
        breadth = (0.3 * length * np.sin(np.pi * share**0.8))[:, None] * aside
        self._cloth.satin(vein, vein + breadth, 0.0062, [self.leaf, self.leaf * 1.15], slant=0.12)
        self._cloth.satin(vein, vein - breadth, 0.0062, [self.young, self.young * 0.9], slant=0.12)
        self._cloth.stem(vein, 0.0048, self.dark)

    def _bloom(self, middle: Field, radius: float, kind: int) -> None:
        """A flower in one of four kinds: petals of satin stitch in one or two rings, knots at the heart."""
        outer, inner = ((self.flower, self.second), (self.bird, self.white), (self.second, self.flower))[kind % 3]
        petals = (6, 9, 5, 12)[kind]
        turn = self._random.uniform(0, 2 * np.pi)
        rings = ((1.0, outer, inner), (0.62, inner, self.heart))
        for reach, colour, root in rings:
            for petal in range(petals):
                angle = turn + 2 * np.pi * (petal + (reach < 1) * 0.5) / petals
                half = 0.94 * np.pi / petals
                spread = np.linspace(-half, half, 14)
                lobe = 1 - (0.28, 0.12, 0.4, 0.2)[kind] * (spread / half) ** 2
                lobe = lobe - (0.16 * np.exp(-((spread / half / 0.25) ** 2)) if kind == 2 else 0)
                rays = np.stack([np.cos(angle + spread), np.sin(angle + spread)], axis=1)
                tip = middle + rays * (radius * reach * lobe)[:, None]
                core = middle + rays * radius * 0.2
                self._cloth.satin(core, tip, 0.0062, [root, colour, colour * 0.86])
                self._cloth.stem(tip, 0.0042, self.dark if reach == 1 else colour * 0.7)
        for ring, count in ((0.0, 1), (0.1, 6), (0.2, 12)):
            for angle in turn + np.linspace(0, 2 * np.pi, count, endpoint=False):
                place = middle + ring * radius * np.array([np.cos(angle), np.sin(angle)])
                self._cloth.knot(place, 0.012, self.heart if ring else self.dark)

    def _fowl(self, middle: Field, side: int, scale: float) -> None:
        """A bird that looks to that side: tail, body, wing and head in satin stitch that lies like the plumage."""

        def at(*points: tuple[float, float]) -> Field:
            return middle + scale * 0.19 * curve(np.array(points) * (side, -1), 10)

        for index, spread in enumerate(np.linspace(0.25, -0.3, 5)):
            colour = (self.flower, self.heart, self.bird, self.second, self.flower)[index]
            top = at((-0.3, 0.08), (-0.65, 0.1 + spread), (-0.88, 0.25 + 1.6 * spread))
            low = at((-0.3, -0.02), (-0.65, -0.02 + spread), (-0.84, 0.1 + 1.6 * spread))
            self._cloth.satin(top, low, 0.0066, [colour, colour * 1.1], slant=0.06)
        back = at((0.62, 0.46), (0.4, 0.5), (0.22, 0.3), (-0.1, 0.22), (-0.42, 0.06))
        belly = at((0.62, 0.34), (0.52, 0.1), (0.3, -0.22), (-0.05, -0.25), (-0.42, -0.02))
        self._cloth.satin(back, belly, 0.0064, [self.bird, self.bird * 1.15, self.second, self.white], slant=0.04)
        shoulder = at((0.24, 0.16), (-0.1, 0.2), (-0.55, 0.12))
        for feather in range(3):
            sink = 0.08 * feather
            low = at((0.2, 0.1 - sink), (-0.1, 0.08 - sink), (-0.52 + sink, 0.08 - sink))
            high = (
                shoulder if feather == 0 else at((0.22, 0.18 - sink), (-0.1, 0.16 - sink), (-0.55 + sink, 0.13 - sink))
            )
            colours = ((self.heart, self.flower), (self.white, self.heart), (self.flower, self.dark))[feather]
            self._cloth.satin(high, low, 0.006, colours, slant=0.1)
        for line in (back, belly, shoulder):
            self._cloth.stem(line, 0.0046, self.dark)
        self._cloth.satin(
            at((0.6, 0.44), (0.7, 0.41), (0.78, 0.36)), at((0.6, 0.36), (0.7, 0.36), (0.78, 0.36)), 0.005, [self.heart]
        )
        self._cloth.knot(at((0.48, 0.4), (0.5, 0.4))[0], 0.018, self.white)
        self._cloth.knot(at((0.48, 0.4), (0.5, 0.4))[0], 0.009, self.dark)
        for foot in (0.08, 0.2):
            self._cloth.stem(at((foot, -0.2), (foot + 0.02, -0.42), (foot + 0.1, -0.45)), 0.005, self.heart)


def _between(colours: Sequence[Field], share: float) -> Field:
    place = float(np.clip(share, 0, 1)) * (len(colours) - 1)
    low = min(int(place), len(colours) - 2) if len(colours) > 1 else 0
    high = min(low + 1, len(colours) - 1)
    return colours[low] + (colours[high] - colours[low]) * (place - low)


def _linen(random: np.random.Generator, width: int) -> Field:
    """Plain weave: warp and weft pass over each other in turn, and no two threads are equally thick."""
    down, across = places(width, width)
    count = 2 / CELL
    wander = 0.5 * (noise(random, (width, width), cells=20, octaves=3) - 0.5)
    x = across * count + wander + 0.3 * noise(random, (2, width), cells=count / 3, octaves=2)[0]
    y = down * count + wander + 0.3 * noise(random, (2, width), cells=count / 3, octaves=2)[0][:, None]
    over = np.sin(np.pi * x) * np.sin(np.pi * y) > 0
    warp, weft = np.abs(np.sin(np.pi * x)), np.abs(np.sin(np.pi * y))
    round_ = np.where(over, np.sqrt(warp) * (0.75 + 0.25 * weft), np.sqrt(weft) * (0.75 + 0.25 * warp))
    slubs = noise(random, (width, width), cells=30, octaves=3, stretch=6) - 0.5
    slubs = np.where(over, slubs.T, slubs)
    fibres = noise(random, (width, width), cells=260, octaves=2) - 0.5
    tint = gradient(0.5 + 0.9 * slubs + 0.4 * wander, ["#a08a66", "#cdb98f", "#ead9b2"])
    woven: Field = tint * (0.45 + 0.62 * round_ + 0.16 * fibres)[..., None]
    return woven
