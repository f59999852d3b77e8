"""Woodblock waves: a great breaker and its smaller ones in flat colours with carved outlines, on grained paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, noise, places

Colour = tuple[int, int, int]
Disc = tuple[float, float, float]
"""Across, down, radius, in pixels."""

ASPECT: Final = 0.8
INK: Final = (24, 34, 62)
FOAM: Final = (241, 235, 216)
SHADE: Final = (176, 201, 205)
"""Of foam that lies in the shade."""
SEA: Final = ((132, 168, 178), (92, 138, 162), (58, 106, 148), (38, 78, 126), (28, 56, 102))
"""From the horizon to the front."""

# A breaker that falls to the right, in units of its height: chosen by eye.
BACK: Final = (
    (-2.1, -0.25),
    (-1.5, -0.02),
    (-1.0, 0.3),
    (-0.58, 0.68),
    (-0.16, 0.95),
    (0.26, 1.02),
    (0.6, 0.86),
    (0.78, 0.58),
)
FACE: Final = (
    (1.7, -0.25),
    (1.2, -0.08),
    (0.7, 0.02),
    (0.3, 0.16),
    (0.12, 0.4),
    (0.2, 0.62),
    (0.45, 0.72),
    (0.78, 0.58),
)


@dataclass(frozen=True)
class Breaker:
    """Where one wave stands: its foot in pixels, its height, and +1 if it falls to the right, else -1."""

    across: float
    down: float
    height: float
    falls: int

    def place(self, points: Field) -> Field:
        """Points in units of the height, upwards, as (across, down) pixels."""
        return np.stack(
            [self.across + self.falls * self.height * points[:, 0], self.down - self.height * points[:, 1]], axis=1
        )


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    canvas = Image.fromarray((_sky(random, height, width) * 255).astype(np.uint8))
    print_ = Block(canvas, random)
    print_.sun(0.66, 0.29, 0.085)
    print_.clouds(6)
    print_.mountain(0.69, 0.55, 0.24)
    print_.swell(0.545, 0.014, SEA[0])
    print_.breaker(Breaker(0.93 * width, 0.64 * height, 0.17 * width, -1), SEA[0:4])
    print_.swell(0.63, 0.02, SEA[1])
    print_.breaker(Breaker(0.31 * width, 0.84 * height, 0.50 * width, 1), SEA[1:5])
    print_.swell(0.76, 0.03, SEA[2])
    print_.breaker(Breaker(0.80 * width, 0.93 * height, 0.21 * width, -1), SEA[1:5])
    print_.swell(0.87, 0.035, SEA[3])
    print_.swell(0.95, 0.03, SEA[4])
    return finished(_printed(random, np.asarray(canvas, dtype=np.float64) / 255), size)


def _sky(random: np.random.Generator, height: int, width: int) -> Field:
    """Hand-wiped ink: darker at the top, bare paper towards the sea."""
    down = places(height, width)[0] + 0.05 * (noise(random, (height, width), cells=2, octaves=3) - 0.5)
    return gradient(np.clip(down / 0.6, 0, 1), ["#4a7088", "#a9bcae", "#e6d9b8", "#f0e0bb", "#e8c9a2"])


def _printed(random: np.random.Generator, colours: Field) -> Field:
    """Flat colours as a block leaves them: mottled by the paper, streaked along the grain of the wood."""
    height, width = colours.shape[:2]
    mottle = noise(random, (height, width), cells=90, octaves=3) - 0.5
    grain = noise(random, (height, width), cells=5, octaves=3, stretch=24) - 0.5
    return colours * (1 + 0.09 * mottle + 0.11 * grain)[..., None]


class Block:
    """A print in the making; what is cut later lies over what was cut before."""

    def __init__(self, canvas: Image.Image, random: np.random.Generator) -> None:
        self.width, self.height = canvas.size
        self.unit = canvas.width / 1024
        self._draw = ImageDraw.Draw(canvas)
        self._random = random

    def sun(self, across: float, down: float, radius: float) -> None:
        """A red disc, without an outline."""
        x, y, r = across * self.width, down * self.height, radius * self.width
        self._draw.ellipse((x - r, y - r, x + r, y + r), fill=(205, 74, 50))

    def clouds(self, count: int) -> None:
        """Banks of bars with round ends, each bank with one outline."""
        for _ in range(count):
            across, down = self._random.uniform(-0.1, 0.95) * self.width, self._random.uniform(0.05, 0.40) * self.height
            bars = []
            for bar in range(3):
                left = across + self._random.uniform(-70, 70) * self.unit
                top = down + bar * 17 * self.unit
                bars.append((left, top, left + self._random.uniform(120, 330) * self.unit, top + 20 * self.unit))
            rim = 2.2 * self.unit
            for left, top, right, bottom in bars:
                box = (left - rim, top - rim, right + rim, bottom + rim)
                self._draw.rounded_rectangle(box, radius=10 * self.unit + rim, fill=INK)
            for box in bars:
                self._draw.rounded_rectangle(box, radius=10 * self.unit, fill=(243, 232, 205))

    def mountain(self, across: float, foot: float, half: float) -> None:
        """Far away, with snow that runs down in tongues."""
        x, y, reach = across * self.width, foot * self.height, half * self.width
        peak = y - 0.56 * reach
        slope = np.array(
            [(-1, 0.0), (-0.55, 0.2), (-0.25, 0.58), (-0.06, 1), (0.06, 1), (0.25, 0.58), (0.55, 0.2), (1, 0)]
        )
        line = curve(np.stack([x + reach * slope[:, 0], y - (y - peak) * slope[:, 1]], axis=1))
        self._shape(line, (96, 116, 142), 2.4)
        snow = line[np.abs(line[:, 0] - x) < 0.3 * reach]
        tongues = np.linspace(snow[-1, 0], snow[0, 0], 17)[1:-1]
        deep = (0.12 + 0.4 * (np.arange(15) % 2)) * self._random.uniform(0.6, 1, 15)
        ends = np.interp(tongues, line[:, 0], line[:, 1]) + deep * (y - peak) * (
            1 - np.abs(tongues - x) / (0.3 * reach)
        )
        self._shape(np.concatenate([snow, np.stack([tongues, ends], axis=1)]), FOAM, 2)

    def swell(self, down: float, rise: float, blue: Colour) -> None:
        """The sea from edge to edge: pointed crests, long hollows, and carved lines that follow them."""
        random, unit = self._random, self.unit
        at = np.linspace(-0.15 * self.width, 1.15 * self.width, 700)
        length = self.width * (4.5 * rise + 0.09)
        turn = 2 * np.pi * at / length + random.uniform(0, 2 * np.pi)
        uneven = 1 + 0.4 * np.sin(0.37 * turn + random.uniform(0, 6))
        # A trochoid: each point of the surface runs on a circle.
        x = at - 0.13 * length * np.sin(turn)
        y = down * self.height - rise * self.height * uneven * np.cos(turn)
        line = np.stack([x, y], axis=1)
        floor = np.array([(1.2 * self.width, 1.1 * self.height), (-0.2 * self.width, 1.1 * self.height)])
        self._shape(np.concatenate([line, floor]), blue, 3)
        darker = tuple(round(channel * 0.72) for channel in blue)
        for depth in range(1, 9):
            sunk = line + np.array([4.0, 1.0 * (5 + 180 * rise)]) * depth * unit
            ends = np.flatnonzero(random.random(len(sunk)) < 0.03)
            for stretch in np.split(sunk, ends)[depth % 2 :: 2]:
                self._thread(stretch, FOAM if depth in (1, 4) else darker, (1.6 + 30 * rise) * unit)

    def breaker(self, wave: Breaker, blues: Sequence[Colour]) -> None:
        """A wave about to fall: bands that run up into the lip, foam that claws over it, and spray."""
        back, face = wave.place(curve(np.array(BACK))), wave.place(curve(np.array(FACE)))
        self._shape(np.concatenate([back, face[::-1]]), blues[2], 4)
        bands = np.linspace(0, 1, 19)
        for index, (low, high) in enumerate(pairwise(bands)):
            colour = (blues[3], blues[2], blues[3], SHADE, blues[3], blues[1], blues[2])[index % 7]
            ends = low + (high - low) * (0.75 if colour == SHADE else 1.0)
            inner, outer = back + (face - back) * low, back + (face - back) * ends
            self._draw.polygon(_points(np.concatenate([inner, outer[::-1]])), fill=colour)
            self._thread(outer, INK, 1.6 * self.unit)
        self._thread(back, INK, 4 * self.unit)
        self._thread(face, INK, 4 * self.unit)
        self._foam(wave, back, face)

    def _foam(self, wave: Breaker, back: Field, face: Field) -> None:
        """Three layers, the far one first: scallops along the lip, and claws that reach out and curl under."""
        random = self._random
        count = len(back)
        lip = np.concatenate([back[round(count * 0.5) :], face[round(count * 0.78) : -1][::-1]])
        middle = wave.place(np.array([[0.36, 0.72]]))[0]
        for layer, colour in enumerate((SHADE, FOAM, SHADE, FOAM)):
            discs: list[Disc] = []
            for index in np.linspace(0, len(lip) - 2, 64 - 8 * layer).astype(int):
                root = lip[index] + (middle - lip[index]) * (0.04 + 0.09 * layer) * random.uniform(0.7, 1.3)
                # The foam grows from nothing on the back to its full breadth where the wave falls.
                radius = wave.height * random.uniform(0.02, 0.034) * min(1.0, 0.45 + index / len(lip))
                discs.append((root[0], root[1], radius))
                if random.random() < 0.6:
                    outward, along = root - middle, lip[index + 1] - lip[index]
                    outward, along = outward / np.hypot(*outward), along / np.hypot(*along)
                    across, down = outward * random.uniform(0.4, 1.0) + along * random.uniform(0.2, 0.9)
                    discs += self._claw(root, np.arctan2(down, across), radius * 0.8, wave.falls, forks=2)
            self._union(discs, colour, max(1.3 * self.unit, wave.height * 0.0045))
        for _ in range(round(90 * wave.height / self.width) + 14):
            root = lip[random.integers(len(lip))]
            away = (root - middle) * random.uniform(0.25, 0.9) + random.normal(0, 0.06 * wave.height, 2)
            self._union([(*(root + away), random.uniform(1.6, 4.6) * self.unit)], FOAM, 1.2 * self.unit)

    def _claw(self, root: Field, angle: float, radius: float, turn: int, forks: int) -> list[Disc]:
        """A finger of foam that thins, bends down on its way, and sends out smaller ones."""
        random = self._random
        discs: list[Disc] = []
        place = root.copy()
        steps = int(random.integers(9, 15))
        for step in range(steps):
            reach = radius * (1 - 0.85 * step / steps)
            discs.append((place[0], place[1], reach))
            if forks and step in (steps // 3, 2 * steps // 3):
                side = random.choice((-1.0, 0.7))
                discs += self._claw(place, angle + side * turn * random.uniform(0.5, 0.9), reach * 0.8, turn, forks - 1)
            angle += turn * random.uniform(0.05, 0.3)
            place = place + reach * 0.85 * np.array([np.cos(angle), np.sin(angle)])
        return discs

    def _union(self, discs: Sequence[Disc], colour: Colour, rim: float) -> None:
        """One shape with one outline: all discs in ink first, then all a little smaller in colour."""
        for reach, fill in ((rim, INK), (0.0, colour)):
            for x, y, radius in discs:
                size = radius + reach
                self._draw.ellipse((x - size, y - size, x + size, y + size), fill=fill)

    def _shape(self, outline: Field, colour: Colour, line: float) -> None:
        self._draw.polygon(_points(outline), fill=colour)
        self._thread(outline, INK, line * self.unit)

    def _thread(self, path: Field, colour: tuple[int, ...], thickness: float) -> None:
        """A carved line: thin where the knife goes in and out."""
        if len(path) < 3:
            return
        points = _points(path)
        widths = thickness * (0.35 + 0.65 * np.sin(np.linspace(0, np.pi, len(points) - 1)))
        for (start, end), width in zip(pairwise(points), widths, strict=True):
            self._draw.line([start, end], fill=colour, width=max(1, round(width)))


def _points(path: Field) -> list[tuple[float, float]]:
    return [(float(across), float(down)) for across, down in path]
