"""Oil pastel: an orchard on a slope, in thick waxy strokes that catch the tooth of dark paper, with scraped lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from engine.images import Pixels
from engine.painters.canvas import (
    SUPERSAMPLING,
    Field,
    ThickPaint,
    curve,
    finished,
    follow,
    gradient,
    mix,
    noise,
    places,
)

ASPECT: Final = 0.8
PAPER: Final = "#5b2a3c"
SKY: Final = ("#2f6fc4", "#5aa5e0", "#8fd0e8", "#f7e3b0", "#f9b98a")
HILLS: Final = (("#6f86c9", "#8f6fb8", "#4f9fb0"), ("#3f8f8a", "#6fb070", "#4a6fa8"), ("#7fb03f", "#c9c23a", "#3f8a4a"))
GRASS: Final = ("#f2d24a", "#b9cf3a", "#6fae3a", "#2f8a5a", "#1f5f6a")
FLOWERS: Final = ("#f4f0e0", "#f26a8a", "#f7b52a", "#e2402f", "#b48ae0")
TRUNK: Final = ("#3a2a5a", "#7a3a4a", "#d97a4a")
CROWNS: Final = (
    ("#1f4f5f", "#2f8f4f", "#8fc23f", "#f2e05a"),
    ("#5a2a5a", "#d9506a", "#f59ab0", "#fdeadf"),
    ("#7a2f2a", "#e0602a", "#f7a52a", "#fbe46a"),
    ("#2a4a7a", "#3f9f8f", "#a5d98a", "#f4f2b0"),
)
"""Shadow, middle, light and glint of a tree."""
LAYERS: Final = ((34, 800, 0.96), (22, 1500, 0.82), (13, 2800, 0.7), (8, 2200, 0.6))
"""Breadth of the stick, in 1024ths of the width, number of strokes, and the share of the tooth that they cover."""
SUN: Final = ("#fffbe0", "#fff0a0", "#f9d24a", "#f7a54a")
PATH: Final = ("#f7d9a0", "#e8a87a", "#b4708a")
SHADE: Final = ("#2f4f9a", "#3f2f7a")

Colour = Sequence[float] | Field


@dataclass(frozen=True)
class Motif:
    """What is to be drawn: each pixel's colour, and the direction that the hand takes there."""

    colours: Field
    angles: Field

    def over(self, where: Field, colours: Field, angles: Field) -> "Motif":
        """The motif with another one in front of it."""
        return Motif(mix(self.colours, colours, where.astype(float)), np.where(where, angles, self.angles))


@dataclass(frozen=True)
class Tree:
    """Where a tree stands and the radius of its crown, in heights of the picture; its colours, dark to light."""

    across: float
    foot: float
    crown: float
    palette: Sequence[str]


@dataclass(frozen=True)
class Mark:
    """One stroke: its path in pixels, its breadth in pixels, and the colour wished for."""

    path: Field
    breadth: float
    colour: Colour


class WaxyPaper(ThickPaint):
    """Dark paper with a tooth; a light hand colours its hills only, a heavy one its hollows too."""

    def __init__(self, random: np.random.Generator, height: int, width: int) -> None:
        self._tooth = noise(random, (height, width), cells=250, octaves=2)
        mottled = (self._tooth - 0.5 + noise(random, (height, width), cells=4))[..., None]
        super().__init__(_colours([PAPER])[0] * (0.7 + 0.45 * mottled))
        self._random = random
        families = (*CROWNS, *HILLS, SKY, GRASS, FLOWERS, TRUNK, SUN, PATH, SHADE)
        self._sticks = np.concatenate([_colours(family) for family in families])

    def rub(self, marks: Sequence[Mark], cover: float) -> None:
        """Draw the marks with one pressure, so that they cover that share of the paper under them."""
        before, flat = self.colours.copy(), self.relief.copy()
        for mark in marks:
            self._rub(mark)
        # The hand never bears on the same places twice.
        touch = self._tooth + 0.5 * noise(self._random, self._tooth.shape, cells=90, octaves=2)
        low = np.percentile(touch[::4, ::4], 100 * (1 - cover))
        hollow = np.clip(0.5 - (touch - low) / 0.06, 0, 1)
        bare = Image.fromarray((hollow * 255).astype(np.uint8))
        self.colours.paste(before, mask=bare)
        self.relief.paste(flat, mask=bare)

    def scrape(self, path: Field, breadth: float) -> None:
        """Scratch the wax off along the path, down to the paper; it piles up beside the groove."""
        points = [(float(x), float(y)) for x, y in path]
        paper = tuple(int(PAPER[at : at + 2], 16) for at in (1, 3, 5))
        self._press.line(points, fill=190, width=max(1, round(2.2 * breadth)), joint="curve")
        self._press.line(points, fill=40, width=max(1, round(breadth)), joint="curve")
        self._paint.line(points, fill=paper, width=max(1, round(breadth)), joint="curve")

    def crumbled(self) -> Field:
        """The picture in raking light, its edges broken by crumbs of wax."""
        lit = self.lit(1.3)
        reach = 3.6 * self.width / 1024
        pulls = [
            (reach * (noise(self._random, lit.shape[:2], cells=150, octaves=3) - 0.5)).astype(int) for _ in range(2)
        ]
        down = np.clip(np.arange(self.height)[:, None] + pulls[0], 0, self.height - 1)
        across = np.clip(np.arange(self.width) + pulls[1], 0, self.width - 1)
        crumbled: Field = lit[down, across]
        return crumbled

    def _rub(self, mark: Mark) -> None:
        """Streaks side by side from one stick, blunt and uneven at both ends, with a ridge of wax on either edge."""
        random = self._random
        stick = self._sticks[np.argmin(((self._sticks - np.array(mark.colour)) ** 2).sum(axis=1))]
        along = np.gradient(mark.path, axis=0)
        along /= np.linalg.norm(along, axis=1, keepdims=True) + 1e-9
        across = np.stack([-along[:, 1], along[:, 0]], axis=1)
        count = max(2, round(mark.breadth / (2.1 * SUPERSAMPLING)))
        thick = max(1, round(1.5 * mark.breadth / count))
        sides = np.linspace(-0.5, 0.5, count)
        streaks = mark.path + across * (sides * mark.breadth)[:, None, None]
        streaks[:, [0, -1]] += along[[0, -1]] * random.uniform(-0.3, 0.3, (count, 2, 1)) * mark.breadth
        tones = (np.clip(stick + random.normal(0, 0.03, (count, 1)), 0, 1) * 255).astype(int)
        ridges = 110 + 90 * (2 * sides) ** 2 * random.uniform(0.5, 1, count) + random.uniform(0, 30, count)
        kept = random.random(count) > 0.07
        for streak, tone, ridge in zip(streaks[kept], tones[kept].tolist(), ridges[kept], strict=True):
            points = streak.ravel().tolist()
            self._paint.line(points, fill=tuple(tone), width=thick)
            self._press.line(points, fill=int(ridge), width=thick)


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    sketch = max(64, size // 2)
    down, across = places(round(sketch * ASPECT), sketch)
    trees = _orchard(random)
    motif = _land(random, down, across)
    for tree in trees:
        motif = _tree(random, motif, down, across, tree)
    paper = WaxyPaper(random, height, width)
    unit = width / 1024
    for breadth, strokes, cover in LAYERS:
        if breadth * unit >= 2 * SUPERSAMPLING:  # narrower ones would be work that nobody sees
            paper.rub([_mark(random, motif, breadth, width) for _ in range(strokes)], cover)
    paper.rub([mark for tree in trees for mark in _wood(random, tree, height) + _foliage(random, tree, height)], 0.92)
    paper.rub(_flowers(random, height), 0.9)
    for _ in range(110):
        path = _stroke(random, motif, steps=int(random.integers(6, 16)), length=7) * width
        for groove in range(int(random.integers(1, 4))):
            paper.scrape(path + 6 * groove * unit, 2 * unit)
    return finished(paper.crumbled(), size)


def _stroke(random: np.random.Generator, motif: Motif, steps: int, length: float) -> Field:
    """A path, in widths of the picture, in the direction of what is to be seen there; the length in 1024ths of it."""
    height, width = motif.angles.shape
    start = random.uniform(-0.03, 1.0, 2) * (width, height)
    path = follow(start, motif.angles, steps, length * width / 1024)
    turn = random.normal(0, 0.16)
    turned: Field = (
        start + (path - start) @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    ) / width
    return turned


def _mark(random: np.random.Generator, motif: Motif, breadth: float, width: int) -> Mark:
    """A stroke somewhere, nearly in the colour of what is to be seen there; the breadth in 1024ths of the width."""
    path = _stroke(random, motif, steps=5, length=breadth * random.uniform(0.45, 0.95))
    limits = motif.angles.shape[1] - 1, motif.angles.shape[0] - 1
    across, down = np.clip((path[2] * motif.angles.shape[1]).astype(int), 0, limits)
    colour = motif.colours[down, across] + random.normal(0, 0.06) + random.normal(0, 0.05, 3)
    return Mark(path * width, breadth * random.uniform(0.75, 1.15) * width / 1024, colour)


def _orchard(random: np.random.Generator) -> list[Tree]:
    """Trees that grow larger towards the front, the large ones at the sides, so that the eye has a way in."""
    trees = []
    hues = random.permutation(len(CROWNS))
    for index, near in enumerate(np.sort(random.uniform(0.02, 0.45, 7) * np.linspace(0.4, 1, 7))):
        across = (0.12 + 0.16 * index + random.uniform(-0.05, 0.05)) / ASPECT
        trees.append(Tree(across, 0.55 + 0.25 * near, 0.05 + 0.13 * near, CROWNS[hues[index % 4]]))
    side = random.choice((-1, 1))
    for place, near in ((0.36 * side, 0.95), (-0.38 * side, 0.62)):
        across = (0.5 + place + random.uniform(-0.04, 0.04)) / ASPECT
        crown = random.uniform(0.19, 0.23) * (0.4 + 0.6 * near)
        trees.append(Tree(across, 0.6 + 0.3 * near, crown, CROWNS[hues[round(2 * near) % 4]]))
    return sorted(trees, key=lambda tree: tree.foot)


def _land(random: np.random.Generator, down: Field, across: Field) -> Motif:
    """A sky with a low sun, hills of fields, and a meadow with a path."""
    drift = noise(random, down.shape, cells=4, octaves=4, stretch=2)
    sun_down, sun_across = random.uniform(0.2, 0.3), random.uniform(0.4, 0.85)
    from_down, from_across = down - sun_down, across - sun_across
    far = np.hypot(from_down, from_across)
    sky = gradient(np.clip(down / 0.5 + 1.1 * (drift - 0.5), 0, 1), SKY)
    glow = gradient(np.clip(far / 0.14, 0, 1), SUN)
    around = np.arctan2(from_down, from_across) + np.pi / 2
    wind = 2.6 * (drift - 0.5) - 0.25
    near = np.clip((0.13 - far + 0.06 * (drift - 0.5)) / 0.03, 0, 1)
    motif = Motif(mix(sky, glow, near), np.where(far < 0.24, around, wind))
    for index, palette in enumerate(HILLS):
        back = noise(random, (2, down.shape[1]), cells=2.2, octaves=3)[0] - 0.5
        ridge = 0.4 + 0.06 * index + (0.2, 0.14, 0.09)[index] * back
        fields = noise(random, down.shape, cells=6 - index, octaves=2, stretch=2.5)
        patches = np.floor(fields * 8) / 8
        slope = np.arctan(np.gradient(ridge) * down.shape[0])
        colours = gradient(np.clip(patches + 0.5 * (fields - 0.5), 0, 1), palette)
        motif = motif.over(down > ridge, colours, slope + 5 * (patches - 0.5))
    floor = 0.56 + 0.03 * np.sin(2.5 * across + random.uniform(0, 6))
    depth = np.clip((down - floor) / (1 - 0.56), 0, 1)
    light = noise(random, down.shape, cells=6, octaves=4, stretch=3)
    grass = gradient(np.clip(1.6 * (light - 0.5) + 0.2 + 0.6 * depth, 0, 1), GRASS)
    fan = np.arctan2(down - 0.35, across - 0.62) + 2.4 * (light - 0.5)
    motif = motif.over(down > floor, grass, fan)
    bend = random.uniform(0.5, 0.75) + 0.2 * (1 - depth) * np.sin(4.2 * depth + random.uniform(0, 6))
    path = (down > floor) & (np.abs(across - bend) < 0.012 + 0.1 * depth**1.3)
    return motif.over(path, gradient(np.clip(light + 0.3 * (across - bend) / 0.1, 0, 1), PATH), 0.4 * (light - 0.5))


def _tree(random: np.random.Generator, motif: Motif, down: Field, across: Field, tree: Tree) -> Motif:
    """A shadow on the grass, and a crown of clumps, each lit from the upper left."""
    crown, middle = tree.crown, tree.foot - 1.5 * tree.crown
    shadow = ((across - tree.across - 0.45 * crown) / (1.25 * crown)) ** 2 + ((down - tree.foot) / (0.24 * crown)) ** 2
    motif = motif.over(shadow < 1, gradient(np.clip(shadow, 0, 1), SHADE), np.full_like(down, 0.1))
    turns = np.linspace(0, 2 * np.pi, 8)[:-1] + random.uniform(0, 1)
    ring = [(0.62 * np.cos(turn), 0.5 * np.sin(turn), random.uniform(0.36, 0.52)) for turn in turns]
    clumps = [(0.0, 0.0, 0.62), *ring]
    ragged = noise(random, down.shape, cells=26, octaves=3) - 0.5
    for right, below, radius in sorted(clumps, key=lambda clump: clump[1]):
        from_across = (across - tree.across) / crown - right
        from_down = (down - middle) / crown - below
        far = np.hypot(from_across, from_down)
        light = 0.5 - 0.75 * (from_across + 1.2 * from_down) / radius * 0.6 + 0.5 * ragged
        around = np.arctan2(from_down, from_across) + np.pi / 2 + 1.5 * ragged
        motif = motif.over(far < radius * (1 + 0.7 * ragged), gradient(np.clip(light, 0, 1), tree.palette), around)
    return motif


def _wood(random: np.random.Generator, tree: Tree, height: int) -> list[Mark]:
    """A trunk and three boughs, dark strokes first, then lit ones on the side of the sun."""
    foot, crown = np.array([tree.across, tree.foot]), tree.crown
    marks = []
    tones = _colours(TRUNK)
    bends = random.normal(0, 0.06, 4)
    for index in range(26):
        shade = index / 25
        across = crown * (0.13 - 0.26 * shade) + random.normal(0, 0.02) * crown
        bough = int(random.integers(4))
        reach = np.array(
            [(across, 0.02), (0.7 * across + bends[0] * crown, -0.5 * crown), (0.4 * across, -0.9 * crown)]
        )
        top = np.array([(-0.5, -1.45), (-0.1, -1.7), (0.3, -1.6), (0.6, -1.35)][bough]) * crown
        path = curve(foot + np.concatenate([reach, [top + bends[bough] * crown]]), 5)
        marks.append(Mark(path * height, 0.07 * crown * height, tones[int(np.clip(3 * shade, 0, 2))]))
    return marks


def _foliage(random: np.random.Generator, tree: Tree, height: int) -> list[Mark]:
    """Dabs of leaves in every direction, lighter towards the light, and fruit."""
    marks = []
    shades = _colours(tree.palette)
    scale = 0.35 + 3 * tree.crown
    for _ in range(round(2600 * tree.crown)):
        turn, far = random.uniform(0, 2 * np.pi), random.uniform(0, 1.08) ** 0.6
        place = np.array([np.cos(turn), 0.85 * np.sin(turn)]) * far
        lit = 1.5 - 1.3 * (place[0] + place[1]) + random.normal(0, 0.8)
        start = np.array([tree.across, tree.foot - 1.5 * tree.crown]) + place * tree.crown
        angle, long = random.uniform(0, np.pi), 0.017 * scale
        way = np.array([np.cos(angle), np.sin(angle)]) * long
        bow = random.normal(0, 0.25) * np.array([-way[1], way[0]])
        path = curve(np.stack([start - way / 2, start + bow, start + way / 2]), 3) * height
        marks.append(Mark(path, 0.0085 * scale * height, shades[int(np.clip(round(lit), 0, 3))]))
    fruits = _colours(("#e2402f", "#f7b52a", "#f26a8a"))
    for _ in range(round(130 * tree.crown)):
        place = random.normal(0, 0.42, 2) * (1, 0.8) * tree.crown
        start = np.array([tree.across, tree.foot - 1.5 * tree.crown]) + place
        path = np.linspace(start, start + 0.004 * scale, 3) * height
        marks.append(Mark(path, 0.016 * scale * height, fruits[random.integers(3)]))
    return marks


def _flowers(random: np.random.Generator, height: int) -> list[Mark]:
    """Tufts of grass and drifts of flowers, larger towards the front."""
    marks = []
    blades, petals = _colours(GRASS), _colours(FLOWERS)
    for _ in range(60):
        near = random.random() ** 0.7
        middle = np.array([random.uniform(0, 1) / ASPECT, 0.62 + 0.38 * near])
        petal = petals[random.integers(len(petals))]
        scale = 0.35 + 0.75 * near
        for _ in range(14):
            root = middle + random.normal(0, 0.035, 2) * (1, 0.4) * scale
            tip = root + np.array([random.normal(0, 0.012), -random.uniform(0.02, 0.05) * scale])
            marks.append(Mark(np.linspace(root, tip, 3) * height, 0.006 * scale * height, blades[random.integers(5)]))
            if random.random() < 0.6:
                dab = np.linspace(tip, tip + random.normal(0, 0.005, 2) * scale, 3) * height
                marks.append(Mark(dab, random.uniform(0.011, 0.018) * scale * height, petal))
    return marks


def _colours(names: Sequence[str]) -> Field:
    """Shape (names, 3), from `#rrggbb`."""
    return gradient(np.linspace(0, 1, len(names)), names)
