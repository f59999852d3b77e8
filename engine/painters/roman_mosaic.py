"""Roman mosaic: fishes in a sea with a laurel border, laid stone by stone in rows that follow every contour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, mix, noise

ASPECT: Final = 0.8
CARTOON: Final = 800
"""Pixels across the drawing that the stones are laid on: the layout is the same at every size of the picture."""
STONE: Final = 0.0205
"""Side of a stone of the ground, in widths of the picture."""
FINE: Final = 0.0132
"""Side of a stone in the motifs."""
FRAME: Final = 0.115
"""Breadth of the border."""
JOINT: Final = 0.0017
"""Breadth of the mortar between two stones."""
INK: Final = "#2b211f"
LIGHT: Final = "#f0e4c8"
RED: Final = "#96382a"
FISHES: Final = (
    # middle, length, bend, heading, palette from the back to the belly; chosen by eye
    (0.49, 0.325, 0.54, 0.13, 1, ("#22375a", "#4a7ba3", "#f0bd4f", "#e0693f", "#f6e8c9")),
    (0.595, 0.555, 0.37, -0.12, -1, ("#6f231d", "#c24a2b", "#f0a24c", "#f6d68c", "#f7ecd2")),
    (0.265, 0.53, 0.24, 0.12, 1, ("#24493f", "#4f8f62", "#d3cf62", "#f2b04f", "#f7ecd2")),
)
BREADTHS: Final = ((0, 0.03, 0.1, 0.22, 0.38, 0.6, 0.8, 0.92, 1), (0.02, 0.32, 0.62, 0.88, 1, 0.84, 0.46, 0.24, 0.2))
"""How broad a fish is from nose to tail."""


@dataclass(frozen=True)
class Stone:
    """Where a stone lies: middle, half of its length along the row and half of its breadth, in widths; its colour."""

    across: float
    down: float
    angle: float
    halves: tuple[float, float]
    colour: Field


class Cartoon:
    """The drawing under the mosaic: each pixel's part, its colour, and the side of its stones."""

    def __init__(self, ground: Field) -> None:
        height, self.width = ground.shape[:2]
        self._parts = Image.new("I", (self.width, height))
        self._sides = Image.new("F", (self.width, height), STONE)
        self._colours = Image.fromarray((np.clip(ground, 0, 1) * 255).astype(np.uint8))
        self._count = 0

    def part(self, outline: Field, colour: str, side: float = FINE) -> None:
        """Lay a shape, in widths of the picture, over what was there: the rows of stones follow its outline."""
        self._count += 1
        ImageDraw.Draw(self._parts).polygon(self._points(outline), fill=self._count)
        ImageDraw.Draw(self._sides).polygon(self._points(outline), fill=side)
        self.tint(outline, colour)

    def tint(self, outline: Field, colour: str) -> None:
        """Change the colour within a part."""
        ImageDraw.Draw(self._colours).polygon(self._points(outline), fill=colour)

    def drawn(self) -> tuple[Field, Field, Field]:
        """Parts, colours in 0..1 and sides in widths, one for each pixel."""
        return np.asarray(self._parts), np.asarray(self._colours) / 255, np.asarray(self._sides)

    def _points(self, outline: Field) -> list[tuple[float, float]]:
        return [(float(across) * self.width, float(down) * self.width) for across, down in outline]


class Fish:
    """A bent body with its own coordinates: `along` is 0 at the nose and 1 at the tail, `out` -1 on the back."""

    def __init__(self, middle: Field, length: float, bend: float, heading: float) -> None:
        self.middle, self.length, self.bend, self.heading = middle, length, bend, heading

    def at(self, along: Field | float, out: Field | float) -> Field:
        """Places in widths of the picture; `out` in halves of the greatest breadth."""
        along, out = np.broadcast_arrays(np.asarray(along, dtype=float), np.asarray(out, dtype=float))
        breadth = out * 0.175 * self.length
        lean = -self.heading * self.bend * (4 - 8 * along)
        across = self.heading * (0.5 - along) * self.length + breadth * lean
        down = breadth - self.bend * self.length * (4 * along * (1 - along) - 0.6)
        places: Field = self.middle + np.stack([across, down], axis=-1)
        return places

    def shape(self, *points: tuple[float, float]) -> Field:
        """A smooth outline through points of (along, out)."""
        return self.at(*curve(np.array(points), steps=8).T)

    def stripe(self, start: float, end: float, low: float, high: float) -> Field:
        """The outline of a part of the body; `low` and `high` in halves of its breadth there."""
        along = np.linspace(start, end, 40)
        breadth = np.interp(along, *BREADTHS)
        return np.concatenate([self.at(along, low * breadth), self.at(along, high * breadth)[::-1]])


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    stones = _lay(random, _cartoon(random))
    return finished(_in_mortar(random, stones, size * SUPERSAMPLING), size)


def _cartoon(random: np.random.Generator) -> Cartoon:
    shape = (round(CARTOON * ASPECT), CARTOON)
    down = np.linspace(0, 1, shape[0])[:, None]
    swell = noise(random, shape, cells=2.5, octaves=3, stretch=2)
    wave = np.sin(38 * down + 11 * swell)
    sea = gradient(
        np.clip(0.05 + 0.7 * down + 0.22 * wave, 0, 1), ["#d5e3cf", "#93c4ba", "#4f9ba5", "#2c6f8a", "#1c4a6b"]
    )
    cartoon = Cartoon(mix(sea, np.array([0.93, 0.9, 0.78]), 0.85 * (wave > 0.93)))
    side = float(random.choice((-1, 1)))
    _weeds(random, cartoon, side)
    dresses = random.permutation(len(FISHES))
    for (across, at, length, bend, heading, _), dress in zip(FISHES, dresses, strict=True):
        middle = np.array([0.5 + side * (across - 0.5), at]) + random.normal(0, 0.012, 2)
        _fish(random, cartoon, Fish(middle, length, bend * random.uniform(0.4, 1.4), side * heading), FISHES[dress][5])
    _border(random, cartoon)
    return cartoon


def _fish(random: np.random.Generator, cartoon: Cartoon, fish: Fish, palette: Sequence[str]) -> None:
    """Fins, the body in stripes from back to belly, scales, the head with its gill, and the eye."""
    back, upper, middle, fin, belly = palette
    tail = (
        (0.9, -0.2),
        (1.0, -0.6),
        (1.15, -1.15),
        (1.12, -0.4),
        (1.07, 0),
        (1.12, 0.4),
        (1.15, 1.15),
        (1, 0.6),
        (0.9, 0.2),
    )
    cartoon.part(fish.shape(*tail), fin)
    for ray in (-0.85, -0.45, 0.0, 0.45, 0.85):
        tip = 1.05 + 0.06 * abs(ray)
        cartoon.tint(
            fish.at(np.array([0.93, tip, tip]), np.array([0.2 * ray, 0.9 * ray - 0.09, 0.9 * ray + 0.09])), back
        )
    cartoon.part(fish.shape((0.24, -0.7), (0.34, -1.35), (0.5, -1.5), (0.64, -1.2), (0.78, -0.8), (0.78, -0.2)), fin)
    for ray in np.linspace(0.3, 0.7, 6):
        cartoon.tint(fish.at(np.array([ray, ray + 0.05, ray + 0.08]), np.array([-0.6, -1.2, -1.2])), back)
    cartoon.part(fish.shape((0.36, 0.7), (0.5, 1.5), (0.58, 1.4), (0.56, 0.5)), fin)
    cartoon.part(fish.shape((0.68, 0.5), (0.78, 0.95), (0.85, 0.8), (0.82, 0.2)), fin)
    cartoon.part(fish.stripe(0, 0.98, -1.08, 1.08), INK)
    for low, tone in ((-0.9, back), (-0.52, upper), (-0.14, middle), (0.16, fin), (0.4, belly)):
        cartoon.tint(fish.stripe(0.02, 0.96, low, 0.88), tone)
    for row, out in enumerate((-0.66, -0.3, 0.06, 0.34)):
        for along in np.arange(0.31 + 0.025 * (row % 2), 0.9, 0.05):
            breadth = float(np.interp(along, *BREADTHS))
            tone = (upper, back, fin, middle)[row] if random.random() < 0.8 else LIGHT
            hook = np.array([along, along + 0.03, along, along + 0.012])
            cartoon.tint(fish.at(hook, breadth * (out + np.array([-0.2, 0, 0.2, 0]))), tone)
    cartoon.part(fish.shape((0.235, -0.9), (0.27, -0.3), (0.27, 0.3), (0.2, 0.85), (0.19, 0.3), (0.2, -0.3)), RED)
    cartoon.part(fish.stripe(0.005, 0.215, -0.9, 0.9), upper)
    cartoon.tint(fish.stripe(0.01, 0.21, 0.1, 0.9), middle)
    cartoon.tint(fish.at(np.array([0, 0.09, 0.09, 0]), np.array([0.1, 0.2, 0.34, 0.3])), INK)
    cartoon.part(fish.shape((0.3, 0.1), (0.42, 0.2), (0.5, 0.6), (0.38, 0.55), (0.3, 0.1)), fin)
    turn = np.linspace(0, 2 * np.pi, 24)
    for radius, colour in ((0.042, INK), (0.034, LIGHT), (0.018, INK)):
        ring = radius * fish.length * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        cartoon.part(fish.at(0.12, -0.22) + ring, colour, max(FINE * 0.7, 0.02 * fish.length))


def _weeds(random: np.random.Generator, cartoon: Cartoon, side: float) -> None:
    """Corals and weeds that sway up from the floor of the sea."""
    for across, tall, colour, tip in (
        (0.14, 0.24, "#a8402b", "#e58a55"),
        (0.40, 0.16, "#2f6b45", "#9cb75a"),
        (0.87, 0.42, "#2f6b45", "#9cb75a"),
        (0.79, 0.17, "#c07a2c", "#f2cf7a"),
    ):
        rise = np.linspace(0, 1, 30)
        sway = random.uniform(0.012, 0.03) * np.sin(7 * rise + random.uniform(0, 6))
        stem = np.stack([0.5 + side * (across - 0.5) + sway, ASPECT - FRAME + 0.02 - tall * rise], axis=1)
        half = np.stack([0.015 * (1.15 - rise), np.zeros(30)], axis=1)
        for index in range(4, 29, 4):
            out = np.array([random.uniform(0.03, 0.055) * (-1 if index % 8 else 1), -random.uniform(0.03, 0.05)])
            bow = np.array([out[0] * 0.2, -out[0] * np.sign(out[0]) * -0.25])
            leaf = stem[index] + np.stack([0 * out, 0.5 * out + bow, out, 0.5 * out - bow, 0 * out])
            cartoon.part(curve(leaf, steps=8), tip if index % 3 else colour)
        cartoon.part(np.concatenate([stem - half, (stem + half)[::-1]]), colour)


def _border(random: np.random.Generator, cartoon: Cartoon) -> None:
    """Bands round the sea; on the dark one, leaves in pairs run from the foot up both sides, with berries."""
    edges = ((0.0, RED, STONE), (0.17, LIGHT, FINE), (0.29, "#2b2a33", FINE), (0.88, LIGHT, FINE))
    corners = np.array([(0, 0), (1, 0), (1, ASPECT), (0, ASPECT)])
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    for (start, colour, side), end in zip(edges, (0.17, 0.29, 0.88, 1.0), strict=True):
        for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):
            outer, inner = corners + inward * start * FRAME, corners + inward * end * FRAME
            cartoon.part(np.stack([outer[a], outer[b], inner[b], inner[a]]), colour, side)
    middle = 0.585 * FRAME
    left = np.array([(0.5, ASPECT - middle), (middle, ASPECT - middle), (middle, middle), (0.5, middle)])
    for mirrored in (False, True):
        for start, end in pairwise(left):
            way = end - start
            length = float(np.hypot(*way))
            ahead = way / length
            out = np.array([-ahead[1], ahead[0]])
            for step in np.arange(0.035, length - 0.06, 0.066):
                root = start + ahead * step
                for hand in (-1.0, 1.0):
                    _leaf(random, cartoon, root, 0.072 * ahead + 0.029 * hand * out, mirrored)
    for across, down in (*corners + inward * middle, (0.5, middle), (0.5, ASPECT - middle)):
        turn = np.linspace(0, 2 * np.pi, 24)
        for radius, colour in ((0.03, LIGHT), (0.021, RED), (0.009, "#f0b84d")):
            ring = radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            cartoon.part(np.array([across, down]) + ring, colour)


def _leaf(random: np.random.Generator, cartoon: Cartoon, root: Field, reach: Field, mirrored: bool) -> None:
    """Two halves, one in the light, and often a berry in the axil."""
    side = np.array([-reach[1], reach[0]]) * 0.24
    flip = np.array([-1.0, 1.0]) if mirrored else np.array([1.0, 1.0])
    shift = np.array([1.0, 0.0]) if mirrored else np.array([0.0, 0.0])
    for hand, colour in ((1, random.choice(("#a9c25a", "#c9cf6a", "#e6d27a"))), (-1, "#3d7f4b")):
        half = root + np.stack([0 * reach, 0.35 * reach + hand * side, 0.7 * reach + 0.8 * hand * side, reach])
        cartoon.part(shift + flip * curve(half, steps=6), str(colour))
    if random.random() < 0.4:
        turn = np.linspace(0, 2 * np.pi, 12)
        berry = root + 0.012 * reach / np.hypot(*reach) + 0.0075 * np.stack([np.cos(turn), np.sin(turn)], axis=1)
        cartoon.part(shift + flip * berry, "#d8502f")


def _edge_distances(parts: Field) -> Field:
    """Pixels from each pixel to the nearest one beyond the edge of its part (exact, one column after the other)."""
    edges = np.zeros(parts.shape, dtype=bool)
    edges[:, 1:] |= parts[:, 1:] != parts[:, :-1]
    edges[1:] |= parts[1:] != parts[:-1]
    rows = np.arange(len(parts))[:, None]
    above = np.maximum.accumulate(np.where(edges, rows, -(10**6)), axis=0)
    below = np.minimum.accumulate(np.where(edges, rows, 10**6)[::-1], axis=0)[::-1]
    vertical = np.minimum(rows - above, below - rows).astype(float) ** 2
    nearest = vertical.copy()
    for shift in range(1, parts.shape[1]):
        if shift**2 > nearest.max():
            break
        nearest[:, shift:] = np.minimum(nearest[:, shift:], vertical[:, :-shift] + shift**2)
        nearest[:, :-shift] = np.minimum(nearest[:, :-shift], vertical[:, shift:] + shift**2)
    distances: Field = np.sqrt(nearest)
    return distances


class Floor:
    """The cartoon while stones are laid on it: each may cover only free ground of one part."""

    def __init__(self, random: np.random.Generator, cartoon: Cartoon) -> None:
        self.parts, self.colours, sides = cartoon.drawn()
        self.unit = cartoon.width
        self.sides = sides * self.unit
        self.distances = _smooth(_edge_distances(self.parts), 1.0)
        south, east = np.gradient(_smooth(self.distances, 1.5))
        self.inward = np.stack([east, south], axis=-1) / (np.hypot(east, south) + 1e-6)[..., None]
        self.taken: Field = np.zeros(self.parts.shape, dtype=bool)
        self.stones: list[Stone] = []
        self._random = random
        self._probes = _grid(5, 0.85)
        self._cover = _grid(20, 1.0)

    def is_free(self, across: float, down: float) -> bool:
        """Whether this pixel is on the floor and not under a stone yet."""
        height, width = self.taken.shape
        return 0 <= across < width and 0 <= down < height and not self.taken[int(down), int(across)]

    def lay(self, across: float, down: float, scale: float, covered: float) -> float:
        """Lay a stone along the contour if at most that share of it would lie on others; its length, or 0."""
        here = int(down), int(across)
        side = self.sides[here] * scale
        length = side * self._random.uniform(0.8, 1.25)
        normal = self.inward[here]
        along = np.array([-normal[1], normal[0]])
        axes = np.array([along * length, normal * side]) / 2
        y, x = self._pixels(across, down, self._probes @ axes)
        blocked = self.taken[y, x] | (self.parts[y, x] != self.parts[here])
        if np.count_nonzero(blocked) > covered * len(self._probes):
            return 0.0
        self.taken[self._pixels(across, down, self._cover @ axes)] = True
        angle = float(np.arctan2(along[1], along[0])) + self._random.normal(0, 0.03)
        halves = length / 2 / self.unit, side / 2 / self.unit
        self.stones.append(Stone(across / self.unit, down / self.unit, angle, halves, self.colours[here]))
        return float(length)

    def _pixels(self, across: float, down: float, offsets: Field) -> tuple[Field, Field]:
        height, width = self.taken.shape
        x = np.minimum(np.maximum((across + offsets[:, 0]).astype(int), 0), width - 1)
        return np.minimum(np.maximum((down + offsets[:, 1]).astype(int), 0), height - 1), x

    def row(self, across: float, down: float, turn: int) -> None:
        """Go on along the contour, at the same distance from it, until something is in the way."""
        side = self.sides[int(down), int(across)]
        row = (np.floor(self.distances[int(down), int(across)] / side) + 0.5) * side
        length = side
        while length:
            normal = self.inward[int(down), int(across)]
            across, down = across - turn * normal[1] * length, down + turn * normal[0] * length
            if not self.is_free(across, down):
                return
            here = int(down), int(across)
            off = np.clip(row - self.distances[here], -0.5 * side, 0.5 * side)
            across, down = across + off * self.inward[here][0], down + off * self.inward[here][1]
            if not self.is_free(across, down):
                return
            length = self.lay(across, down, 1.0, covered=0.2)


def _grid(steps: int, reach: float) -> Field:
    """Points of a square from -reach to reach, one a row."""
    ticks = np.linspace(-reach, reach, steps)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def _smooth(values: Field, radius: float) -> Field:
    """Gaussian blur of numbers that Pillow's filter does not take."""
    reach = int(np.ceil(2.5 * radius))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / radius) ** 2)
    for _ in range(2):
        height = values.shape[0]
        padded = np.pad(values, ((reach, reach), (0, 0)), mode="edge")
        rows = [weight * padded[at : at + height] for at, weight in enumerate(weights / weights.sum())]
        values = np.sum(rows, axis=0).T
    return values


def _lay(random: np.random.Generator, cartoon: Cartoon) -> list[Stone]:
    """Rows from the contours inwards, then smaller stones in the gaps."""
    floor = Floor(random, cartoon)
    rows = floor.distances / floor.sides
    down, across = np.nonzero(np.abs(rows % 1 - 0.5) < 0.06)
    order = np.argsort(np.floor(rows[down, across]) + random.random(len(down)))
    for x, y in zip(across[order].tolist(), down[order].tolist(), strict=True):
        if floor.is_free(x, y) and floor.lay(x, y, 1.0, covered=0.12):
            floor.row(x, y, 1)
            floor.row(x, y, -1)
    for scale, covered in ((0.8, 0.2), (0.55, 0.25), (0.4, 0.35)):
        room = _edge_distances(np.where(floor.taken, -1, floor.parts))
        down, across = np.nonzero(~floor.taken & (room > 0.3 * scale * floor.sides))
        order = random.permutation(len(down))
        for x, y in zip(across[order].tolist(), down[order].tolist(), strict=True):
            if floor.is_free(x, y):
                floor.lay(x, y, scale, covered)
    return floor.stones


def _in_mortar(random: np.random.Generator, stones: Sequence[Stone], width: int) -> Field:
    """The stones cut to fit their neighbours, each of its own tone and tilt, with light from the upper left."""
    shape = (round(width * ASPECT), width)
    nearest, second = np.full(shape, 1e3, dtype=np.float32), np.full(shape, 1e3, dtype=np.float32)
    faces = np.zeros((*shape, 3), dtype=np.float32)
    for stone in stones:
        reach = 1.4 * max(stone.halves) * width + 1
        x, y = stone.across * width, stone.down * width
        left, top = max(0, int(x - reach)), max(0, int(y - reach))
        right, bottom = min(shape[1], int(x + reach) + 2), min(shape[0], int(y + reach) + 2)
        east = np.arange(left, right, dtype=np.float32)[None] + 0.5 - x
        south = np.arange(top, bottom, dtype=np.float32)[:, None] + 0.5 - y
        cosine, sine = np.cos(stone.angle), np.sin(stone.angle)
        along, out = east * cosine + south * sine, south * cosine - east * sine
        far = np.maximum(np.abs(along) - stone.halves[0] * width, np.abs(out) - stone.halves[1] * width)
        window = np.s_[top:bottom, left:right]
        is_nearest = far < nearest[window]
        second[window] = np.where(is_nearest, nearest[window], np.minimum(second[window], far))
        nearest[window] = np.where(is_nearest, far, nearest[window])
        tilt = random.normal(0, 0.06, 2) / reach
        tone = stone.colour * random.normal(1, 0.13) + random.normal(0, 0.025, 3)
        face = tone * (1 + tilt[0] * east + tilt[1] * south)[..., None]
        faces[window] = np.where(is_nearest[..., None], face, faces[window])
    rough = noise(random, shape, cells=110, octaves=3)
    veins = noise(random, shape, cells=45, octaves=4)
    inside = np.minimum(second - nearest, 2.5 * JOINT * width - 2 * nearest) / (JOINT * width) + 1.3 * (rough - 0.5)
    height = np.clip(inside - 0.7, 0, 1.6) / 1.6
    relief = Image.fromarray((height * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(width / 1500))
    downhill, sideways = np.gradient(np.asarray(relief) / 255)
    light = np.clip(-(downhill + 0.8 * sideways) * width / 2048 * 2.2, -0.3, 0.3)
    stone_colours = faces * (1 + 0.24 * (rough - 0.5) + 0.2 * (veins - 0.5) + light)[..., None]
    mortar = gradient(0.7 * rough + 0.3 * veins, ["#352e2a", "#5b5146", "#857a69"])
    return mix(mortar, stone_colours, np.clip(height * 2.2, 0, 1))
