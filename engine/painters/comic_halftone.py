"""Comic halftone: a rocket bursts out of a blast over a city, in bold ink, flat inks and dots of three screens."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, noise

ASPECT: Final = 0.8
"""Height over width: all lengths are in widths of the panel."""
GUTTER: Final = 0.022
INK: Final = "#120f14"
PAPER: Final = "#f7f0dc"
RED: Final = "#e3262f"
MAROON: Final = "#7a0f2a"
ORANGE: Final = "#ff8a1f"
YELLOW: Final = "#ffd91c"
PINK: Final = "#f08fa8"
CYAN: Final = "#2fb4e6"
NAVY: Final = "#1b2f8f"
LIGHT: Final = np.array([-0.6, -0.8])
"""Where the light comes from; lines are thick on the other side."""

BLAST: Final = (
    # Radius, depth and number of the spikes, colour, colour of the dots, how fast they fade, breadth of the contour.
    (0.375, 0.30, 19, RED, MAROON, 1.6, 0.011),
    (0.30, 0.33, 17, ORANGE, RED, 2.2, 0.007),
    (0.235, 0.34, 15, YELLOW, ORANGE, 2.6, 0.006),
    (0.135, 0.40, 12, PAPER, YELLOW, 2.0, 0.004),
)
BREADTHS: Final = ((0, 0.15, 0.35, 0.55, 0.75, 0.88, 0.96, 1), (0.62, 0.86, 1, 0.98, 0.78, 0.48, 0.2, 0))
"""How broad the rocket is from tail to nose."""
FLAME: Final = ((-0.1, -0.75), (-0.34, -0.8), (-0.24, -0.4), (-0.58, -0.1), (-0.27, 0.25), (-0.4, 0.75), (-0.1, 0.75))
"""The rim of a rocket's flame, in lengths and half breadths of the rocket."""

Shade = Callable[[Field, Field], Field]
"""How much of the paper the dots cover, 0..1, from places across and down."""


@dataclass(frozen=True)
class Dots:
    """A screen of dots: its ink, the distance between two of them, its angle, and how dark it is where."""

    ink: str
    pitch: float
    angle: float
    shade: Shade


class Panel:
    """A page in the making; what is inked later lies over what was there."""

    def __init__(self, random: np.random.Generator, width: int) -> None:
        self.width, self.height = width, round(width * ASPECT)
        self.page = Image.new("RGB", (self.width, self.height), PAPER)
        self.random = random

    def fill(self, outline: Field, colour: str, *screens: Dots) -> None:
        """A flat shape, and dots on it."""
        points = [(float(x) * self.width, float(y) * self.width) for x, y in outline]
        low = np.clip(np.floor(np.min(points, axis=0)), 0, (self.width, self.height)).astype(int)
        high = np.clip(np.ceil(np.max(points, axis=0)) + 1, 0, (self.width, self.height)).astype(int)
        if np.any(high <= low):
            return
        across, down = np.meshgrid(*(np.arange(a, b) / self.width for a, b in zip(low, high, strict=True)))
        mask = Image.new("L", (across.shape[1], across.shape[0]))
        ImageDraw.Draw(mask).polygon([(x - low[0], y - low[1]) for x, y in points], fill=255)
        colours = np.empty((*across.shape, 3), dtype=np.uint8)
        colours[:] = ImageColor.getrgb(colour)
        for dots in screens:
            cosine, sine = np.cos(dots.angle), np.sin(dots.angle)
            along = (across * cosine + down * sine) / dots.pitch
            out = (down * cosine - across * sine) / dots.pitch
            far = np.hypot(along - np.round(along), out - np.round(out))
            colours[far < np.sqrt(np.clip(dots.shade(across, down), 0, 1) / np.pi) * 1.08] = ImageColor.getrgb(dots.ink)
        self.page.paste(Image.fromarray(colours), tuple(low.tolist()), mask)

    def line(self, path: Field, breadth: float, colour: str = INK, is_closed: bool = False) -> None:
        """A brush line: tapered at open ends, thick where a closed one turns away from the light."""
        if is_closed:
            path = np.concatenate([path, path[:1]])
        way = np.gradient(path, axis=0)
        out = np.stack([way[:, 1], -way[:, 0]], axis=1) / (np.hypot(*way.T)[:, None] + 1e-9)
        if is_closed:
            turn = np.sign(np.sum(path[:-1, 0] * path[1:, 1] - path[1:, 0] * path[:-1, 1]))
            press = 0.75 - 0.6 * np.clip(turn * out @ LIGHT, -1, 0.5)
        else:
            press = 0.15 + 0.85 * np.sin(np.linspace(0.1, np.pi - 0.05, len(path)))
        draw = ImageDraw.Draw(self.page)
        halves = np.maximum(0.5, press * breadth * self.width / 2)
        for (start, end), half in zip(pairwise(path * self.width), halves.tolist(), strict=False):
            draw.line((*start, *end), fill=colour, width=max(1, round(2 * half)))
            draw.ellipse((start[0] - half, start[1] - half, start[0] + half, start[1] + half), fill=colour)

    def shape(self, outline: Field, colour: str, *screens: Dots, ink: float = 0.006) -> None:
        """A filled shape with its contour."""
        self.fill(outline, colour, *screens)
        self.line(outline, ink, is_closed=True)


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    panel = Panel(random, size * SUPERSAMPLING)
    side = float(random.choice((-1, 1)))
    blast = np.array([0.5 - side * random.uniform(0.06, 0.12), random.uniform(0.36, 0.42)])
    _sky(panel, blast, side)
    _burst(panel, blast)
    heading = -np.pi / 2 + side * random.uniform(0.6, 0.8)
    _smoke(panel, blast, side)
    _city(panel, side)
    _rocket(panel, blast - 0.01 * np.array([np.cos(heading), np.sin(heading)]), heading)
    _sparks(panel, blast)
    _gutter(panel)
    return finished(_printed(random, np.asarray(panel.page) / 255), size)


def _ring(middle: Field, radius: float | Field, count: int = 64, start: float = 0.0) -> Field:
    """Points round a middle, one radius for all or one for each."""
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False) + start
    ring: Field = middle + np.broadcast_to(radius, (count,))[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    return ring


def _sky(panel: Panel, blast: Field, side: float) -> None:
    """Dots that thin out towards the blast, a moon, and speed lines that point to it."""
    random = panel.random
    box = np.array([(0, 0), (1, 0), (1, ASPECT), (0, ASPECT)])

    def far(across: Field, down: Field) -> Field:
        covered: Field = 1.25 * np.hypot(across - blast[0], down - blast[1]) - 0.12 + 0.25 * (0.4 - down)
        return covered

    panel.fill(box, CYAN, Dots(NAVY, 0.0165, 0.5, far))
    moon = np.array([0.5 - side * 0.34, 0.17])

    def dark(across: Field, down: Field) -> Field:
        covered: Field = 0.5 + 5.5 * ((across - moon[0]) * 0.6 + (down - moon[1]) * 0.8)
        return covered

    panel.shape(_ring(moon, 0.105), PAPER, Dots(ORANGE, 0.0115, 0.26, dark), ink=0.008)
    for across, down, radius in (
        (-0.04, -0.03, 0.022),
        (0.035, 0.02, 0.03),
        (-0.03, 0.05, 0.014),
        (0.03, -0.06, 0.012),
    ):
        panel.shape(_ring(moon + np.array([across, down]), radius, 30), YELLOW, ink=0.004)
    count = 110
    for turn in np.arange(count) * 2 * np.pi / count + random.uniform(-0.02, 0.02, count):
        ahead = np.array([np.cos(turn), np.sin(turn)])
        out = np.array([-ahead[1], ahead[0]])
        near, half = random.uniform(0.34, 0.6), random.uniform(0.002, 0.017)
        wedge = blast + np.stack([ahead * near, ahead * 1.1 + out * half, ahead * 1.1 - out * half])
        panel.fill(wedge, INK if random.random() < 0.72 else PAPER)


def _burst(panel: Panel, blast: Field) -> None:
    """Four stars of spikes, one in the other, from ink and red to white."""
    random = panel.random
    for radius, depth, spikes, colour, screen, steep, ink in BLAST:
        radii = np.where(np.arange(2 * spikes) % 2, 1 - depth, 1) * radius * random.uniform(0.86, 1.16, 2 * spikes)
        corners = _ring(blast, radii, 2 * spikes, random.uniform(0, 6))
        # Each edge bows inwards, as flames do.
        edges = [
            a + (b - a) * t + (blast - (a + b) / 2) * 0.28 * np.sin(np.pi * t)
            for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)
            for t in np.linspace(0, 1, 7)[:-1]
        ]

        def cooler(across: Field, down: Field, radius: float = radius, steep: float = steep) -> Field:
            covered: Field = 0.75 - steep * (1 - np.hypot(across - blast[0], down - blast[1]) / radius)
            return covered

        panel.shape(np.array(edges), colour, Dots(screen, 0.0135, 0.8, cooler), ink=ink)


def _puffs(panel: Panel, discs: Sequence[tuple[float, float, float]], colour: str, ink: str) -> None:
    """Round puffs with one contour round them all, shaded with dots below, and with a few curls of ink."""
    for x, y, radius in discs:
        panel.fill(_ring(np.array([x + 0.0015, y + 0.003]), radius + 0.0052, 40), INK)
    for x, y, radius in discs:
        middle = np.array([x, y])

        def below(across: Field, down: Field, x: float = x, y: float = y, radius: float = radius) -> Field:
            return 0.1 + 0.55 * ((across - x) * 0.6 + (down - y) * 0.9) / radius

        panel.fill(_ring(middle, radius, 40), colour, Dots(ink, 0.0135, 0.26, below))
        if panel.random.random() < 0.55:
            start = panel.random.uniform(-0.3, 0.9)
            turn = np.linspace(start, start + panel.random.uniform(1.0, 1.9), 20)
            panel.line(middle + 0.86 * radius * np.stack([np.cos(turn), np.sin(turn)], axis=1), 0.0055)


def _smoke(panel: Panel, blast: Field, side: float) -> None:
    """The trail of the rocket, from the blast down to the streets, and a bank of smoke on the ground."""
    random = panel.random
    trail = curve(
        np.array([blast, *(blast + np.array([-side * x, y]) for x, y in ((0.06, 0.13), (0.19, 0.24), (0.42, 0.32)))]),
        12,
    )
    for part in np.array_split(np.arange(4, len(trail)), 5):
        for colour, ink, lift in (("#aebfdd", NAVY, 0.012), (PAPER, "#7fa6d8", -0.012)):
            discs = []
            for index in np.repeat(part, 2):
                grown = 0.018 + 0.052 * index / len(trail)
                x, y = trail[index] + random.normal(0, 0.62 * grown, 2) + np.array([0, lift])
                discs.append((x, y, grown * random.uniform(0.55, 1.05)))
            _puffs(panel, sorted(discs, key=lambda disc: disc[1]), colour, ink)


def _city(panel: Panel, side: float) -> None:
    """Two rows of towers: the far ones flat and dotted, the near ones with lit windows and a black side."""
    random = panel.random
    for row, (faces, ink, low, high) in enumerate(
        (((PINK, "#b48fd0", CYAN), NAVY, 0.14, 0.27), ((RED, "#3b56c4", YELLOW, "#2f9f8f"), INK, 0.06, 0.2))
    ):
        left = -0.03
        while left < 1:
            wide, tall = random.uniform(0.06, 0.115), random.uniform(low, high)
            # Lower in the middle, so that the blast has room.
            tall *= 0.55 + 0.9 * min(1.0, abs(left + wide / 2 - 0.5) * 2.2)
            top, lean = ASPECT - GUTTER - tall, 0.16 * (left + wide / 2 - 0.5) * tall
            _tower(panel, left, top, wide, lean, str(random.choice(faces)), ink, is_near=row == 1, side=side)
            left += wide + random.uniform(-0.012, 0.012)


def _tower(
    panel: Panel, left: float, top: float, wide: float, lean: float, face: str, ink: str, is_near: bool, side: float
) -> None:
    random = panel.random
    deep = 0.3 * wide

    def at(across: float, down: float) -> Field:
        """Across 0..1 over the front, down 0..1 from the roof to the street."""
        return np.array([left + across * wide - lean * (1 - down), top + down * (ASPECT - top)])

    def front(low_across: float, low_down: float, high_across: float, high_down: float) -> Field:
        corners = ((low_across, low_down), (high_across, low_down), (high_across, high_down), (low_across, high_down))
        return np.stack([at(*corner) for corner in corners])

    def haze(across: Field, down: Field) -> Field:
        return 0.1 + 1.3 * (down - top)

    split = deep / wide
    near, dark = (
        (front(split, 0, 1, 1), front(0, 0, split, 1))
        if side > 0
        else (front(0, 0, 1 - split, 1), front(1 - split, 0, 1, 1))
    )
    panel.shape(near, face, Dots(ink, 0.0125, 0.8, haze), ink=0.0055)
    panel.fill(dark, INK if is_near else NAVY)
    roof = random.random()
    if roof < 0.35:
        panel.shape(front(0.3, -0.09, 0.7, 0), face, ink=0.005)
    elif roof < 0.7:
        mast = np.stack([at(0.5, 0.1), at(0.5, 0), at(0.5, -0.2)])
        panel.line(curve(mast), 0.0045)
    lit = YELLOW if face != YELLOW else PAPER
    columns, rows = 3, max(2, round((ASPECT - top) / 0.042))
    start = split if side > 0 else 0.0
    for column in range(columns):
        for row in range(rows):
            across = start + (1 - split) * (column + 0.22) / columns
            window = front(across, (row + 0.3) / rows, across + (1 - split) * 0.52 / columns, (row + 0.78) / rows)
            panel.shape(window, lit if random.random() < 0.6 else INK, ink=0.0028)


def _rocket(panel: Panel, tail: Field, heading: float) -> None:
    """Flame, fins, a body with a black side that feathers into it, a nose, bands, rivets and a round window."""
    ahead = np.array([np.cos(heading), np.sin(heading)])
    out = np.array([-ahead[1], ahead[0]]) * (1 if ahead[0] > 0 else -1)
    length, half = 0.37, 0.066

    def at(along: Field | float, across: Field | float) -> Field:
        """Along 0..1 from tail to nose; across -1 (lit) to 1 (dark) at the broadest."""
        place: Field = tail + np.multiply.outer(along, ahead) * length + np.multiply.outer(across, out) * half
        return place

    def shape(*points: tuple[float, float]) -> Field:
        """A smooth outline through points of (along, across)."""
        return at(*curve(np.array(points), 8).T)

    def hull(low: float, high: float, left: float = -1, right: float = 1) -> Field:
        """A piece of the body, from one share of its breadth to another."""
        along = np.linspace(low, high, 30)
        breadth = np.interp(along, *BREADTHS)
        return np.concatenate([at(along, left * breadth), at(along, right * breadth)[::-1]])

    def shaded(across: Field, down: Field) -> Field:
        lateral = ((across - tail[0]) * out[0] + (down - tail[1]) * out[1]) / half
        covered: Field = 0.12 + 0.55 * lateral
        return covered

    for scale, colour in ((1.0, RED), (0.66, YELLOW), (0.36, PAPER)):
        points = [(along * scale - 0.02, across * (0.35 + 0.65 * scale)) for along, across in FLAME]
        panel.shape(shape((0.04, -0.5 * scale), *points, (0.04, 0.5 * scale)), colour, ink=0.005)
    for hand in (-1, 1):
        fin = shape(
            (0.3, 0.85 * hand),
            (0.16, 1.5 * hand),
            (-0.1, 2.1 * hand),
            (-0.16, 2.0 * hand),
            (0.0, 1.15 * hand),
            (0.02, 0.6 * hand),
        )
        panel.shape(fin, RED, Dots(MAROON, 0.0115, 0.8, shaded), ink=0.008)
    panel.shape(hull(0, 1), PAPER, Dots(CYAN, 0.0125, 0.26, shaded), ink=0.01)
    panel.fill(hull(0, 0.72, 0.62, 1), INK)
    for along in np.linspace(0.03, 0.7, 19):
        reach = panel.random.uniform(0.05, 0.42)
        breadth = float(np.interp(along, *BREADTHS))
        feather = np.array([0.66, 0.66, 0.62 - reach]) * breadth
        panel.fill(at(along + np.array([-0.014, 0.014, 0]), feather), INK)
    panel.shape(hull(0.72, 1), RED, Dots(MAROON, 0.0115, 0.8, shaded), ink=0.009)
    panel.shape(hull(0.0, 0.09), YELLOW, Dots(ORANGE, 0.0115, 0.8, shaded), ink=0.006)
    panel.shape(hull(0.63, 0.68), YELLOW, ink=0.005)
    window = at(0.46, -0.1)
    panel.shape(_ring(window, 0.036), YELLOW, ink=0.007)
    panel.shape(_ring(window, 0.025), CYAN, Dots(NAVY, 0.0095, 0.8, shaded), ink=0.005)
    panel.fill(_ring(window + np.array([-0.008, -0.009]), 0.008, 20), PAPER)
    panel.fill(hull(0.76, 0.93, -0.72, -0.5), PAPER)
    panel.fill(hull(0.14, 0.3, -0.8, -0.66), CYAN)
    panel.line(shape((0.28, 0.1), (0.05, 0.08), (-0.14, 0.05)), 0.02)


def _sparks(panel: Panel, blast: Field) -> None:
    """Splinters and drops that fly off."""
    random = panel.random
    for _ in range(46):
        turn, far = random.uniform(0, 2 * np.pi), random.uniform(0.27, 0.58)
        place = blast + far * np.array([np.cos(turn), np.sin(turn)])
        if place[1] > 0.6:
            continue
        reach = random.uniform(0.006, 0.02)
        shard = _ring(place, reach * random.uniform(0.4, 1.3, 5), 5, random.uniform(0, 6))
        panel.shape(shard, str(random.choice((YELLOW, PAPER, RED, ORANGE))), ink=0.0042)


def _gutter(panel: Panel) -> None:
    """Bare paper round the panel, and its frame, drawn by hand."""
    low, right, bottom = GUTTER, 1 - GUTTER, ASPECT - GUTTER
    outer = np.array([(0, 0), (1, 0), (1, ASPECT), (0, ASPECT), (0, 0)])
    inner = np.array([(low, low), (right, low), (right, bottom), (low, bottom), (low, low)])
    panel.fill(np.concatenate([outer, inner[::-1]]), PAPER)
    for start, end in pairwise(inner):
        t = np.linspace(-0.004, 1.004, 40)[:, None]
        wobble = panel.random.normal(0, 0.0004, (40, 2))
        panel.line(start + (end - start) * t + wobble, 0.0085)


def _printed(random: np.random.Generator, colours: Field) -> Field:
    """Ink on pulp paper: the grain takes it unevenly, and the paper yellows it."""
    shape = colours.shape[:2]
    grain = noise(random, shape, cells=260, octaves=2) - 0.5
    blots = noise(random, shape, cells=14, octaves=4) - 0.5
    printed: Field = (
        np.clip(colours + 0.04, 0, 1) * (1 + 0.13 * grain + 0.07 * blots)[..., None] * np.array([1.0, 0.985, 0.95])
    )
    return printed
