"""Stained glass: a firebird before the sun, a tree and a river, cut from streaked glass and held by lead."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, mix, noise, places

ASPECT: Final = 0.8
"""Width over height: all lengths are in heights of the window."""
FRAME: Final = 0.062
"""Breadth of the border."""
LEAD: Final = 0.0068
"""Breadth of a usual lead line."""
SKY: Final = (
    # Radius of a ring round the sun, its panes, and the glass that they are cut from.
    (0.085, 1, ("#fff6cc",)),
    (0.165, 11, ("#fff0a8", "#ffe88a", "#fff6cc")),
    (0.24, 14, ("#ffd84a", "#ffe06a", "#ffc62e")),
    (0.32, 17, ("#ff9f1f", "#ffb53a", "#f07a2a")),
    (0.41, 19, ("#e0433f", "#d8486a", "#c02f63")),
    (0.52, 20, ("#7d2f8f", "#5f3aa0", "#a32f7d")),
    (0.68, 21, ("#2a4fb0", "#2f6fcf", "#2440a0")),
    (1.2, 23, ("#16307f", "#1d3f9a", "#122560")),
)
HILLS: Final = (
    # Middle height of the ridge, how far it rises and falls, and its glass.
    (0.60, 0.05, ("#4f4a9a", "#6a4fa8")),
    (0.645, 0.04, ("#2f6a8a", "#3f8a8f")),
    (0.69, 0.03, ("#2f7a4a", "#6a9f3a")),
)
FOLIAGE: Final = ("#2f8a3f", "#57a83a", "#8fc23a", "#1f6a4a", "#c9cf3f", "#e0962a")
BARK: Final = ("#6a3a1c", "#8a5226", "#4f2a1a", "#a86a30")
RIVER: Final = ("#1f6fa8", "#2f93c0", "#174f8f", "#4fb8cf", "#1b7f8f")
FIRE: Final = ("#d81f2a", "#f04a24", "#b01430", "#ff7a24")


class Window:
    """Panes and the lead between them; a pane that is set later lies over those before."""

    def __init__(self, random: np.random.Generator, height: int) -> None:
        self.height, self.width = height, round(height * ASPECT)
        self.panes = Image.new("I", (self.width, self.height))
        self.lead = Image.new("L", (self.width, self.height))
        self.glass = [np.array([0.1, 0.15, 0.4])]
        self._random = random

    def pane(self, outline: Field, glass: Sequence[str], lead: float = LEAD) -> None:
        """Cut a pane from one of these glasses and lead it in."""
        tone = np.array(ImageColor.getrgb(self._random.choice(glass))) / 255
        self.glass.append(np.clip(tone * self._random.normal(1, 0.08) + self._random.normal(0, 0.02, 3), 0.02, 1))
        points = [(float(x) * self.height, float(y) * self.height) for x, y in outline]
        ImageDraw.Draw(self.panes).polygon(points, fill=len(self.glass) - 1)
        ImageDraw.Draw(self.lead).polygon(points, fill=0)
        self.came(np.concatenate([outline, outline[:1]]), lead)

    def came(self, path: Field, breadth: float = LEAD) -> None:
        """A strip of lead, pressed here and there a little broader, with solder on its bends and ends."""
        draw = ImageDraw.Draw(self.lead)
        points = path * self.height
        length = np.cumsum(np.hypot(*np.diff(path, axis=0, prepend=path[:1]).T))
        phase = self._random.uniform(0, 6, 2)
        press = 1 + 0.2 * np.sin(90 * length + phase[0]) + 0.12 * np.sin(37 * length + phase[1])
        ways = np.diff(points, axis=0)
        angles = np.arctan2(ways[:, 1], ways[:, 0])
        turns = np.abs((np.diff(angles, prepend=angles[-1:]) + np.pi) % (2 * np.pi) - np.pi)
        for index, ((x, y), (to_x, to_y)) in enumerate(pairwise(points.tolist())):
            half = breadth * press[index] * self.height / 2
            draw.line((x, y, to_x, to_y), fill=255, width=max(1, round(2 * half)))
            knob = half * (1.55 if turns[index] > 0.6 else 1.0)
            draw.ellipse((x - knob, y - knob, x + knob, y + knob), fill=255)


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    window = Window(random, size * SUPERSAMPLING)
    side = float(random.choice((-1, 1)))
    sun = np.array([0.4 + side * random.uniform(0.08, 0.12), random.uniform(0.34, 0.41)])
    _sky(random, window, sun)
    _land(random, window, sun)
    _tree(random, window, 0.4 - side * random.uniform(0.19, 0.24), side)
    _bird(random, window, sun + np.array([0.02 * side, 0.035]), side)
    _frame(random, window)
    return finished(_against_the_light(random, window, sun), size)


def _sky(random: np.random.Generator, window: Window, sun: Field) -> None:
    """Rings of panes round the sun, the outer ones first."""
    radii = [0.0, *(ring[0] for ring in SKY)]
    for index in reversed(range(len(SKY))):
        outer, count, glass = SKY[index]
        inner = radii[index]
        twist = random.uniform(-0.09, 0.09)
        cuts = (np.arange(count) + random.uniform(-0.22, 0.22, count)) * 2 * np.pi / count + random.uniform(0, 6)
        for start, end in zip(cuts, [*cuts[1:], cuts[0] + 2 * np.pi], strict=True):
            turn = np.linspace(start, end, 14)
            outside = sun + outer * np.stack([np.cos(turn + twist), np.sin(turn + twist)], axis=1)
            inside = sun + inner * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            window.pane(np.concatenate([outside, inside[::-1]]) if inner else outside, glass)


def _land(random: np.random.Generator, window: Window, sun: Field) -> None:
    """Hills, and below them a river whose bands carry the sun's colours under the sun."""
    across = np.linspace(-0.02, ASPECT + 0.02, 90)
    for level, rise, glass in HILLS:
        top = level - rise * np.sin(across * random.uniform(7, 11) + random.uniform(0, 6))
        _band(random, window, np.stack([across, top], axis=1), 0.85, glass, count=7)
    for index in range(8):
        level = 0.725 + 0.032 * index + 0.0016 * index**2
        wave = level - (0.006 + 0.0016 * index) * np.sin(across * (34 - 2.2 * index) + random.uniform(0, 6))
        wave = wave + 0.006 * np.sin(5 * across + index)
        _band(random, window, np.stack([across, wave], axis=1), 1.05, RIVER, count=8, glow=float(sun[0]))


def _band(
    random: np.random.Generator,
    window: Window,
    top: Field,
    bottom: float,
    glass: Sequence[str],
    count: int,
    glow: float = -9,
) -> None:
    """Panes side by side between a line and the bottom; those near `glow` across mirror the sun."""
    last = len(top) - 1
    cuts = np.linspace(0, last, count + 1) + random.uniform(-4, 4, count + 1)
    cuts = np.array([0, *cuts[1:-1].astype(int), last])
    for start, end in pairwise(cuts):
        edge = top[start : end + 1]
        lean = random.uniform(-0.02, 0.02, 2)
        foot = np.array([(edge[-1, 0] + lean[0], bottom), (edge[0, 0] + lean[1], bottom)])
        near = abs(float(edge[:, 0].mean()) - glow) < 0.07
        window.pane(np.concatenate([edge, foot]), ("#ffb53a", "#f0703a", "#ffd84a") if near else glass)


def _tapered(path: Field, start: float, end: float) -> Field:
    """The outline of a limb along a path, from one breadth to another."""
    way = np.gradient(path, axis=0)
    out = np.stack([-way[:, 1], way[:, 0]], axis=1) / (np.hypot(*way.T)[:, None] + 1e-9)
    half = np.linspace(start, end, len(path))[:, None] / 2
    return np.concatenate([path + out * half, (path - out * half)[::-1]])


def _leaf(root: Field, tip: Field, breadth: float, bend: float = 0.0) -> tuple[Field, Field]:
    """Both halves of a pointed leaf or feather."""
    way = tip - root
    out = np.array([-way[1], way[0]])
    t = np.linspace(0, 1, 12)[:, None]
    rib = root + way * t + out * bend * np.sin(np.pi * t)
    half = out * breadth * np.sin(np.pi * t**0.8)
    return np.concatenate([rib, (rib + half)[::-1]]), np.concatenate([rib, (rib - half)[::-1]])


def _tree(random: np.random.Generator, window: Window, foot: float, side: float) -> None:
    """A bent trunk and boughs first, then leaves in two glasses each, so that none is cut by a bough."""
    leaves: list[tuple[Field, Field]] = []

    def grow(root: Field, angle: float, length: float, breadth: float, forks: int) -> None:
        t = np.linspace(0, 1, 22)
        bend = 0.3 * side if forks == 2 else random.uniform(0.2, 0.5) * random.choice((-1, 1))
        angles = angle + bend * np.sin(2.6 * t)
        steps = np.stack([np.cos(angles), np.sin(angles)], axis=1) * length / len(t)
        path = root + np.cumsum(steps, axis=0)
        if forks:
            for turn, at in ((-0.75, 12), (0.75, 15), (-0.35, 19), (0.4, 21)) if forks > 1 else ((-0.6, 10), (0.6, 16)):
                turned = angles[at] + turn + random.uniform(-0.15, 0.15)
                grow(path[at], turned, length * random.uniform(0.42, 0.6), breadth * 0.5, forks - 1)
        for start in range(0, 21, 7):
            low, high = (breadth * (1 - 0.5 * at / 21) for at in (start, start + 7))
            window.pane(_tapered(path[start : start + 8], low, high), BARK, LEAD * 0.85)
        for at in () if forks == 2 else range(7, 22, 5):
            hand = 1 if at % 2 else -1
            reach = angles[at] + hand * random.uniform(0.5, 1.1)
            tip = path[at] + random.uniform(0.055, 0.085) * np.array([np.cos(reach), np.sin(reach)])
            leaves.append((path[at], tip))

    grow(np.array([foot, 0.97]), -np.pi / 2 - 0.12 * side, 0.55, 0.078, 2)
    for index in random.permutation(len(leaves)):
        for half in _leaf(
            leaves[index][0], leaves[index][1], breadth=random.uniform(0.24, 0.32), bend=random.uniform(-0.15, 0.15)
        ):
            window.pane(half, FOLIAGE, LEAD * 0.75)


def _bird(random: np.random.Generator, window: Window, heart: Field, side: float) -> None:
    """In flight, its wings raised: feathers in rows, a body of three panes, and a long tail."""

    def at(across: float, down: float) -> Field:
        place: Field = heart + np.array([side * across, down])
        return place

    def feather(root: Field, angle: float, length: float, glass: Sequence[str], breadth: float = 0.17) -> None:
        tip = root + length * np.array([side * np.cos(angle), np.sin(angle)])
        for half in _leaf(root, tip, breadth, bend=0.12 * side):
            window.pane(half, glass, LEAD * 0.8)

    for angle, length in ((2.55, 0.2), (2.85, 0.25), (2.25, 0.16)):
        feather(at(-0.05, 0.035), angle + random.uniform(-0.05, 0.05), length, FIRE, 0.1)
    # The far wing, turned to the front, and the near one over it; each with coverts on its flight feathers.
    for wing, first, spread, length in ((at(0.025, -0.01), -1.15, 0.2, 0.19), (at(-0.015, 0.005), -2.0, 0.22, 0.235)):
        for index in range(5):
            feather(wing, first - spread * index, length * (1 - 0.07 * index), FIRE, 0.2)
        for index in range(3):
            feather(wing, first - 0.1 - 1.4 * spread * index, 0.48 * length, ("#ffc62e", "#ffe37a", "#7fd0c0"), 0.26)
    body = curve(
        np.array([(0.1, -0.03), (0.06, 0.03), (0.0, 0.05), (-0.075, 0.04), (-0.03, 0.0), (0.03, -0.03), (0.1, -0.03)])
    )
    window.pane(np.array([at(x, y) for x, y in body]), FIRE)
    breast = curve(np.array([(0.09, -0.01), (0.05, 0.032), (-0.01, 0.046), (-0.02, 0.03), (0.04, 0.01), (0.09, -0.01)]))
    window.pane(np.array([at(x, y) for x, y in breast]), ("#ffc62e", "#ffe37a"), LEAD * 0.8)
    window.pane(np.stack([at(0.125, -0.045), at(0.17, -0.03), at(0.122, -0.02)]), ("#ffe37a",), LEAD * 0.8)
    turn = np.linspace(0, 2 * np.pi, 30, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    window.pane(at(0.1, -0.035) + 0.03 * ring, ("#f04a24", "#d81f2a"))
    window.pane(at(0.108, -0.04) + 0.007 * ring, ("#ffffff",), LEAD * 0.7)


def _frame(random: np.random.Generator, window: Window) -> None:
    """Spandrels that leave a round arch, then a border of small panes with bosses in its corners."""
    middle, rise, radius = ASPECT / 2, 0.40, ASPECT / 2 - FRAME
    cuts = np.linspace(0, np.pi / 2, 5) + np.array([0, -0.05, 0, 0.05, 0])
    for hand in (-1, 1):
        for low, high in pairwise(cuts):
            turn = np.linspace(low, high, 12)
            inner = np.array([middle, rise]) + radius * np.stack([hand * np.cos(turn), -np.sin(turn)], axis=1)
            # The same turn on a square round the arch.
            square = (inner - (middle, rise)) / np.maximum(np.cos(turn), np.sin(turn))[:, None]
            outer = np.array([middle, rise]) + 1.04 * square[::-1]
            window.pane(np.concatenate([inner, outer]), ("#3f2a7f", "#1f6a5a", "#7a2a6a", "#2a4f9a"), LEAD * 1.2)
    glass = ("#b01430", "#d8962a", "#1f4f9a", "#2f7a4a", "#7a2a6a")
    for along_x, length, other in ((True, ASPECT, 1.0), (False, 1.0, ASPECT)):
        ticks = np.linspace(0, length, round(length / 0.0667) + 1)
        for low, high in ((0.0, FRAME), (other - FRAME, other)):
            for start, end in pairwise(ticks):
                box = np.array([(start, low), (end, low), (end, high), (start, high)])
                window.pane(box if along_x else box[:, ::-1], glass)
    turn = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    for across in (FRAME / 2, ASPECT - FRAME / 2):
        for down in (FRAME / 2, 0.5, 1 - FRAME / 2):
            window.pane(np.array([across, down]) + 0.042 * ring, ("#b01430",), LEAD * 1.3)
            window.pane(np.array([across, down]) + 0.021 * ring, ("#ffd84a",))


def _against_the_light(random: np.random.Generator, window: Window, sun: Field) -> Field:
    """Light through glass of uneven thickness, with streaks and bubbles, and a little of it on the lead."""
    shape = (window.height, window.width)
    panes = np.asarray(window.panes)
    glass = np.array(window.glass)[panes]
    streaks = np.stack(
        [noise(random, shape, cells, 4, stretch) for cells, stretch in ((5, 11.0), (50, 0.09), (8, 1.6))]
    )
    kind = random.integers(0, len(streaks), len(window.glass))[panes]
    thickness = 0.15 + 1.8 * np.take_along_axis(streaks, kind[None], axis=0)[0]
    seeds = noise(random, shape, cells=120, octaves=2) - 0.5
    down, across = places(*shape)
    far = np.hypot(down - sun[1], across - sun[0])
    unit = window.height / 1024
    lead = np.asarray(window.lead.filter(ImageFilter.GaussianBlur(1.0 * unit)), dtype=np.float64) / 255
    halo = np.asarray(window.lead.filter(ImageFilter.GaussianBlur(7 * unit)), dtype=np.float64) / 255
    light = (1.3 - 0.55 * far) * (1.1 - 0.6 * halo) * (1 + 0.12 * seeds) * _bubbles(random, window)
    glowing = glass ** thickness[..., None] * light[..., None]
    glowing = mix(glowing, np.array([1.0, 0.97, 0.85]), 0.3 * np.clip(1 - thickness, 0, 1) * np.clip(1.2 - far, 0, 1))
    relief = np.asarray(window.lead.filter(ImageFilter.GaussianBlur(1.8 * unit)), dtype=np.float64) / 255
    south, east = np.gradient(relief)
    shine = np.clip(0.34 - (south + 0.7 * east) * 4.5 * unit + 0.6 * seeds, 0, 1)
    metal = gradient(shine, ["#08080b", "#19191e", "#3c3c44", "#85858c"])
    return mix(glowing, metal, np.clip(lead * 1.5 - 0.25, 0, 1))


def _bubbles(random: np.random.Generator, window: Window) -> Field:
    """How much more or less light a bubble in the glass lets through: a dark rim and a bright core."""
    bubbles = Image.new("L", (window.width, window.height), 128)
    draw = ImageDraw.Draw(bubbles)
    for x, y in random.random((800, 2)) * (window.width, window.height):
        radius = random.uniform(0.8, 2.8) * window.height / 1024
        long = radius * random.uniform(1, 1.8)
        draw.ellipse((x - radius, y - long, x + radius, y + long), fill=100)
        draw.ellipse((x - 0.6 * radius, y - 0.6 * long, x + 0.6 * radius, y + 0.6 * long), fill=160)
    return np.asarray(bubbles, dtype=np.float64) / 128
