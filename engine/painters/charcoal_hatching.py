"""Charcoal hatching: an old lane with gables and lamps, in smudges and hatching, with white chalk on buff paper."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT: Final = 0.8
EYE: Final = 0.6
"""How far down the horizon lies, in heights of the picture."""
BUFF: Final = 0.68
"""The tone of bare paper: what is darker takes charcoal, what is much lighter takes chalk."""
CHARCOAL: Final = np.array([0.085, 0.08, 0.085])
CHALK: Final = np.array([0.975, 0.96, 0.92])
HATCHINGS: Final = (
    (13, 190, 3, 0.4, 0.5),
    (5.2, 330, 6, 0.75, 0.0),
    (3.2, 850, 7, 0.93, 0.0),
    (2.4, 420, 8, 0.97, 1.1),
)
"""Breadth and number of the groups, strokes in each, share of the paper's tooth reached, and turn of the hand."""

Point = tuple[float, float]


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    lane = Lane(random, max(80, size))
    lane.build()
    return finished(_drawn(random, lane, height, round(height * ASPECT)), size)


class Lane:
    """The motif: tones and directions of the hand, from far to near, and the contours; lengths in heights."""

    def __init__(self, random: np.random.Generator, height: int) -> None:
        self.contours: list[tuple[Field, float]] = []
        self.lights: list[Point] = []
        self.glints: list[Field] = []
        self._random = random
        self._height = height
        shape = (height, round(height * ASPECT))
        down = places(*shape)[0]
        clouds = noise(random, shape, cells=3, octaves=4, stretch=1.6)
        self._tones = Image.fromarray((0.6 + 0.22 * down + 0.75 * (clouds - 0.5)).astype(np.float32))
        self._angles = Image.fromarray((-0.75 + 0.5 * (clouds - 0.5)).astype(np.float32))
        self._end = ASPECT * random.uniform(0.42, 0.58)
        self._lit = random.choice((-1, 1))

    def build(self) -> None:
        """All of it, the farthest first."""
        random = self._random
        self._tower()
        foot = [self._at(side * 0.36, 0.34, depth) for side, depth in ((-1, 9), (1, 9), (1, 0.6), (-1, 0.6))]
        self._fill(foot, 0.66, 0.08, contour=0)
        shade = [
            self._at(-self._lit * across, 0.34, depth)
            for across, depth in ((0.36, 9), (0.0, 9), (0.1, 0.6), (0.36, 0.6))
        ]
        self._fill(shade, 0.54, 0.2, contour=0)
        for side in (-1, 1):
            ends = np.cumsum([0.62, *random.uniform(0.32, 0.62, 3), *random.uniform(0.6, 1.3, 5)])
            for near, far in zip(ends[-2::-1], ends[:0:-1], strict=True):
                self._house(side, near, far)
        self._cobbles()
        for side, depth in ((-1, random.uniform(1.5, 1.9)), (1, random.uniform(1.0, 1.25)), (-1, 3.2)):
            self._lamp(side * 0.27, depth)
        for index, depth in enumerate((4.2, 2.9, 2.0, 1.5)):
            self._passer_by((-1) ** index * self._lit * random.uniform(0.02, 0.16), depth * random.uniform(0.85, 1.15))

    def tones(self) -> Field:
        """0 for the deepest dark to 1 for light; a lamp lights what is near it."""
        tones = np.asarray(self._tones)
        down, across = places(*tones.shape)
        for lamp_across, lamp_down in self.lights:
            tones = tones + 0.3 * np.exp(-(((across - lamp_across) ** 2 + (down - lamp_down) ** 2) / 0.004))
        return tones

    def angles(self) -> Field:
        """Where the hand moves, in radians."""
        return np.asarray(self._angles)

    def _at(self, across: float, below: float, depth: float) -> Point:
        """Where a point so far right of the middle and below the eye is seen at that depth."""
        return self._end + across / depth, EYE + below / depth

    def _fill(self, outline: Sequence[Point], tone: float, angle: float, contour: float = 2.4) -> None:
        """A shape in one tone, hatched at one angle, with a contour of that breadth."""
        points = [(x * self._height, y * self._height) for x, y in outline]
        ImageDraw.Draw(self._tones).polygon(points, fill=tone)
        ImageDraw.Draw(self._angles).polygon(points, fill=angle)
        if contour:
            self.contours.append((np.array([*outline, outline[0]]), contour))

    def _tower(self) -> None:
        across, base = self._end + self._random.uniform(-0.03, 0.03), EYE + 0.04
        top, half = self._random.uniform(0.33, 0.38), self._random.uniform(0.032, 0.042)
        for side, tone in ((-1, 0.62), (1, 0.42)):
            tone = tone if self._lit < 0 else 1.04 - tone
            wall = [(across, top), (across + side * half, top), (across + side * half, base), (across, base)]
            self._fill(wall, tone, 1.45, contour=1.6)
            spire = [(across, top - 0.17), (across + side * half * 1.15, top), (across, top)]
            self._fill(spire, tone - 0.25, -1.2 * side, contour=1.6)
        for row in (0.03, 0.1):
            arch = [(across - 0.009, top + row), (across, top + row - 0.012), (across + 0.009, top + row)]
            self._fill([*arch, (across + 0.009, top + row + 0.03), (across - 0.009, top + row + 0.03)], 0.08, 1.5, 1.2)

    def _house(self, side: int, near: float, far: float) -> None:
        """A gabled front along the lane, with rows of windows and a door."""
        random = self._random
        tall = random.uniform(0.3, 0.52)
        gable = random.uniform(0.12, 0.22)
        bright = (0.86 if side == self._lit else 0.54) + random.uniform(-0.1, 0.1)
        wall = side * 0.36

        def on(along: float, up: float) -> Point:
            # Spread evenly over what is seen of it, not over the depth: the eye reads the rows the same.
            depth = 1 / ((1 - along) / near + along / far)
            return self._at(wall, 0.34 - up, depth)

        chimney = [on(0.62, up) for up in (0.34 + tall, 0.34 + tall + gable)] + [
            on(0.75, 0.34 + tall + gable),
            on(0.75, 0.34 + tall),
        ]
        self._fill(chimney, bright - 0.25, 1.5)
        front = [on(0, 0), on(0, 0.34 + tall), on(0.5, 0.34 + tall + gable), on(1, 0.34 + tall), on(1, 0)]
        self._fill(front, bright, random.choice((0.8, 1.1, -0.9)), contour=3)
        for start, end in ((0, 0.5), (1, 0.5)):
            eave, ridge = on(start, 0.34 + tall), on(end, 0.34 + tall + gable)
            lower = on(start + 0.14 * (0.5 - start), 0.3 + tall), on(end, 0.29 + tall + gable)
            self._fill([eave, ridge, lower[1], lower[0]], 0.14, -0.5 if start else 0.8, contour=3)
        self.glints += [np.array(front[1:3]), np.array(front[2:4])]
        columns = int(np.clip(round(8 * (1 / near - 1 / far)), 2, 4))
        rows = 3 if tall > 0.4 else 2
        for row in range(rows):
            base, rise = 0.36 + tall * row / rows, 0.6 * tall / rows
            beam = [on(0, base - 0.03), on(1, base - 0.03), on(1, base - 0.045), on(0, base - 0.045)]
            self._fill(beam, bright - 0.3, 0.1, contour=0)
            for column in range(columns):
                left, wide = (column + 0.25) / columns, 0.5 / columns
                frame = [on(left, base), on(left, base + rise), on(left + wide, base + rise), on(left + wide, base)]
                self._fill(frame, 1.0 if random.random() < 0.3 else 0.22, random.choice((0.9, -0.9)), contour=2)
                middle = np.array([on(left + wide / 2, base), on(left + wide / 2, base + rise)])
                bar = np.array([on(left, base + 0.6 * rise), on(left + wide, base + 0.6 * rise)])
                self.contours += [(middle, 1.6), (bar, 1.6)]
        peak = [on(0.42, 0.36 + tall), on(0.42, 0.41 + tall), on(0.58, 0.41 + tall), on(0.58, 0.36 + tall)]
        self._fill(peak, 0.08, 1.5)
        left = random.uniform(0.15, 0.6)
        self._fill([on(left, 0), on(left, 0.22), on(left + 0.2, 0.22), on(left + 0.2, 0)], 0.1, 1.5)

    def _cobbles(self) -> None:
        """Rows of stones, each an arc of charcoal with a light back."""
        random = self._random
        depth = 0.72
        while depth < 5:
            for across in np.arange(-0.33, 0.33, 0.045) + random.uniform(0, 0.045):
                if random.random() < 0.7:
                    sweep = np.linspace(np.pi, 2 * np.pi, 7)
                    sag = 0.34 + 0.012 * np.sin(across * 9)
                    arc = [self._at(across + 0.02 * np.cos(turn), sag + 0.012 * np.sin(turn), depth) for turn in sweep]
                    self.contours.append((np.array(arc), random.uniform(1.6, 3.4) / depth**0.6))
                    if random.random() < 0.22:
                        self._fill([*arc[1:-1], self._at(across, sag + 0.004, depth)], 0.97, 0.1, contour=0)
            depth *= 1.055

    def _lamp(self, across: float, depth: float) -> None:
        """A post with a lantern that is lit."""
        half = 0.006
        post = [
            self._at(across + side * half, up, depth) for side, up in ((-1, 0.34), (-1, -0.18), (1, -0.18), (1, 0.34))
        ]
        self._fill(post, 0.05, 1.5)
        cup = ((-0.016, -0.18), (-0.028, -0.25), (0.028, -0.25), (0.016, -0.18))
        self._fill([self._at(across + x, y, depth) for x, y in cup], 1.2, 1.5, contour=3)
        hat = ((-0.036, -0.25), (0, -0.285), (0.036, -0.25))
        self._fill([self._at(across + x, y, depth) for x, y in hat], 0.05, 0.2)
        self.lights.append(self._at(across, -0.215, depth))

    def _passer_by(self, across: float, depth: float) -> None:
        """A coat, a head, perhaps an umbrella, and a shadow on the stones."""
        lean = self._random.uniform(-0.012, 0.012)
        shadow = ((0, 0.345), (-self._lit * 0.2, 0.36), (-self._lit * 0.2, 0.335))
        coat = ((-0.034, 0.25), (-0.036, 0.18), (-0.024, 0.09), (0.024, 0.09), (0.036, 0.18), (0.036, 0.25))
        stride = self._random.uniform(0.008, 0.026)
        legs = [((0.02 * s, 0.24), (0.006 * s, 0.24), (stride * s, 0.34), (stride * s + 0.012, 0.34)) for s in (-1, 1)]
        head = [(lean + 0.016 * np.cos(turn), 0.068 + 0.02 * np.sin(turn)) for turn in np.linspace(0, 2 * np.pi, 10)]
        parts = [(shadow, 0.2), (legs[0], 0.08), (legs[1], 0.08), (coat, 0.1), (head, 0.2)]
        if self._random.random() < 0.35:
            dome = [
                (lean + 0.085 * np.cos(turn), 0.04 + 0.06 * np.sin(turn)) for turn in np.linspace(np.pi, 2 * np.pi, 9)
            ]
            parts.append((dome, 0.06))
        for part, tone in parts:
            self._fill([self._at(across + x, y, depth) for x, y in part], tone, 1.3, contour=2)
        back = [(self._lit * 0.028, 0.1), (self._lit * 0.038, 0.18), (self._lit * 0.036, 0.25)]
        self.glints.append(np.array([self._at(across + x, y, depth) for x, y in back]))


def _drawn(random: np.random.Generator, lane: Lane, height: int, width: int) -> Field:
    """The motif drawn: smudges, hatching of several weights, contours, chalk."""
    tones, angles = lane.tones(), lane.angles()
    tooth = noise(random, (height, width), cells=290, octaves=2)
    rubbed = noise(random, (height, width), cells=6, octaves=5)
    bare = 0.55 * np.clip(BUFF + 0.06 - _enlarged(tones, height, width, blur=7), 0, 1) / BUFF * (0.65 + 0.7 * rubbed)
    bare = 1 - bare * (0.75 + 0.5 * tooth)
    for breadth, groups, strokes, reach, turn in HATCHINGS:
        hatched = _hatched(random, tones, angles + turn, (height, width), breadth, groups, strokes, dark=True)
        bare *= 1 - _caught(hatched, tooth, reach)
    bare *= 1 - _caught(_contours(random, lane.contours, height, width), tooth, 0.9)
    sheet = gradient(np.clip(0.5 + 0.7 * (rubbed - 0.5) + 0.5 * (tooth - 0.5), 0, 1), ["#a8977c", "#cbbb9e"])
    colours = mix(np.broadcast_to(CHARCOAL, sheet.shape), sheet, bare)
    for breadth, groups, strokes in ((8, 200, 3), (2.8, 1300, 6)):
        chalk = _hatched(random, tones, angles, (height, width), breadth, groups, strokes, dark=False)
        colours = mix(colours, CHALK, 0.95 * _caught(chalk, tooth, 0.72))
    edges = _contours(random, [(glint, 2.6) for glint in lane.glints], height, width)
    return mix(colours, CHALK, 0.9 * _caught(edges, tooth, 0.7))


def _hatched(
    random: np.random.Generator,
    tones: Field,
    angles: Field,
    shape: tuple[int, int],
    breadth: float,
    groups: int,
    strokes: int,
    *,
    dark: bool,
) -> Image.Image:
    """Groups of parallel strokes, more and blacker where the motif is dark (or light), each within its own shape."""
    height, width = shape
    unit = height / 1024
    layer = Image.new("L", (width, height))
    pen = ImageDraw.Draw(layer)
    scale = tones.shape[0] / height
    limits = np.array(tones.shape[::-1]) - 1
    tries = random.uniform(0, 1, (groups * 6, 2)) * (width, height)
    found = tones[tuple(np.minimum((tries * scale).astype(int), limits).T[::-1])]
    wish = np.clip(0.1 + (BUFF - found) / BUFF, 0, 1) if dark else np.clip((found - BUFF - 0.1) / 0.25, 0, 1)
    chosen = np.flatnonzero(random.random(len(tries)) < wish**1.6)[:groups]
    for middle, strength in zip(tries[chosen], wish[chosen], strict=True):
        at = tuple(np.minimum((middle * scale).astype(int), limits)[::-1])
        angle, tone = angles[at] + random.normal(0, 0.1), tones[at]
        hand = np.array([np.cos(angle), np.sin(angle)])
        side = np.array([-hand[1], hand[0]])
        long, gap = random.uniform(18, 44) + breadth, 1.6 * breadth + random.uniform(3, 6)
        for row in np.arange(strokes) - (strokes - 1) / 2:
            way = np.linspace(-1, 1, 13)[:, None]
            bow = 0.05 * long * way**2
            path = middle + unit * (hand * (way * long + random.normal(0, 2)) + side * (row * gap + bow))
            seen = tones[tuple(np.clip((path * scale).astype(int), 0, limits).T[::-1])]
            outside = np.flatnonzero(np.abs(seen - tone) > 0.17)
            before, after = outside[outside < 6], outside[outside >= 6]
            kept = path[(before[-1] + 1 if len(before) else 0) : (after[0] if len(after) else 13)]
            if len(kept) > 2:
                black = round(255 * np.clip(0.5 + 0.5 * strength + random.normal(0, 0.12), 0.2, 1))
                _line(pen, kept, breadth * unit, black)
    return layer


def _contours(
    random: np.random.Generator, lines: Sequence[tuple[Field, float]], height: int, width: int
) -> Image.Image:
    """The outlines, drawn twice by a hand that does not hit the same place."""
    layer = Image.new("L", (width, height))
    pen = ImageDraw.Draw(layer)
    for path, breadth in lines:
        for weight in (1.0, 0.6):
            astray = path + random.normal(0, 0.0011, path.shape)
            for start, end in pairwise(astray):
                beyond = (end - start) * random.uniform(0, 0.04)
                way = np.linspace(0, 1, 5)[:, None]
                bow = np.array([start[1] - end[1], end[0] - start[0]]) * random.normal(0, 0.008)
                line = start - beyond + (end - start + 2 * beyond) * way + bow * np.sin(np.pi * way)
                _line(pen, line * height, breadth * weight * height / 1024, int(random.integers(150, 256)))
    return layer


def _line(pen: ImageDraw.ImageDraw, path: Field, breadth: float, tone: int) -> None:
    """A stroke that swells and thins again."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
    half = across * breadth * (0.3 + 0.25 * np.sin(np.linspace(0.3, np.pi - 0.1, len(path))))[:, None]
    outline = np.concatenate([path + half, (path - half)[::-1]])
    pen.polygon([(float(x), float(y)) for x, y in outline], fill=tone)


def _caught(layer: Image.Image, tooth: Field, reach: float) -> Field:
    """What of the strokes the paper's tooth takes: broad soft ones touch its hills only."""
    low = np.percentile(tooth[::4, ::4], 100 * (1 - reach))
    caught: Field = np.asarray(layer, dtype=np.float32) / 255 * np.clip(0.5 + (tooth - low) / 0.12, 0.08, 1)
    return caught


def _enlarged(values: Field, height: int, width: int, blur: float) -> Field:
    """The motif at the size of the drawing, smudged with a finger so many 1024ths broad."""
    small = (max(2, round(1024 * ASPECT / blur)), max(2, round(1024 / blur)))
    image = Image.fromarray(values.astype(np.float32)).resize(small, Image.Resampling.BOX)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))
