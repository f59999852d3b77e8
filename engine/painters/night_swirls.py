"""Night swirls: a sky of eddies over a sleeping village and a cypress, in thick paint along a flow field."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, ThickPaint, follow, gradient, mix, noise, places
from engine.painters.canvas import finished as at_size

ASPECT: Final = 0.8
BRUSHES: Final = ((34, 1700), (19, 4600), (11, 9500), (6, 9000))
"""Breadth, in 1024ths of the width, and how many strokes: the coarse ones first, the fine ones over them."""

Lamp = tuple[float, float, float]
"""Down, across and radius of the moon or a star, in heights of the picture."""


@dataclass(frozen=True)
class Motif:
    """What is to be painted: each pixel's colour, and the angle that the brush takes there."""

    colours: Field
    angles: Field


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = places(height, width)
    lamps = _lamps(random)
    motif = Motif(_night(random, down, across, lamps), _wind(down, across, lamps))
    motif = _hills(random, motif, down, across)
    motif = _village(random, motif, down, across)
    motif = _cypress(random, motif, down, across, middle=0.16)

    canvas = ThickPaint(motif.colours * 0.8)
    unit = width / 1024
    for brush, strokes in BRUSHES:
        if brush * unit < 2 * SUPERSAMPLING:
            continue  # narrower than two pixels in the end: it would be work that nobody sees
        for _ in range(strokes):
            start = random.uniform(-0.04, 1.02, 2) * (width, height)
            path = follow(start, motif.angles, steps=8, length=brush * random.uniform(0.45, 0.8) * unit)
            across_at, down_at = np.clip(path[4].astype(int), 0, (width - 1, height - 1))
            colour = motif.colours[down_at, across_at] + random.normal(0, 0.05, 3)
            canvas.stroke(path, brush * unit * random.uniform(0.7, 1.1), np.clip(colour, 0, 1), random)
    return at_size(canvas.lit(), size)


def _lamps(random: np.random.Generator) -> list[Lamp]:
    """The moon first, then the stars, far enough from it."""
    stars = [
        (random.uniform(0.07, 0.5), at + random.uniform(-0.04, 0.04), random.uniform(0.018, 0.036))
        for at in (0.05, 0.33, 0.43, 0.54, 0.65, 0.76)
    ]
    return [(0.19, 1.05, 0.07), *stars, (0.48, 1.12, 0.03)]


def _wind(down: Field, across: Field, lamps: list[Lamp]) -> Field:
    """Angles of a wind from the left, of eddies in it, and of rings round every lamp."""
    east, south = np.full_like(down, 1.0), 0.5 * np.sin(5 * across + 2 * down)
    eddies = [(0.33, 0.47, 0.17, 1), (0.43, 0.80, 0.13, -1), (0.14, 0.27, 0.1, -1)]
    rings = [(*lamp[:2], lamp[2] * 2.2, 1) for lamp in lamps]
    for centre_down, centre_across, radius, turn in eddies + rings:
        from_down, from_across = down - centre_down, across - centre_across
        reach = 3.2 * np.exp(-((from_down**2 + from_across**2) / radius**2))
        norm = np.sqrt(from_down**2 + from_across**2) + 1e-6
        east = east - turn * reach * from_down / norm
        south = south + turn * reach * from_across / norm
    angles: Field = np.arctan2(south, east)
    return angles


def _night(random: np.random.Generator, down: Field, across: Field, lamps: list[Lamp]) -> Field:
    swirl = noise(random, down.shape, cells=5, octaves=4)
    night = gradient(
        np.clip(0.25 + 0.75 * swirl - 0.25 * (0.5 - down), 0, 1),
        ["#0d1640", "#16307a", "#1f55a5", "#3f8fc4", "#8cc6d3", "#dbe3b8"],
    )
    for index, (centre_down, centre_across, radius) in enumerate(lamps):
        far = np.hypot(down - centre_down, across - centre_across) / radius
        halo = gradient(np.clip(far / 3.2, 0, 1), ["#fff3b0", "#ffc93c", "#f2a31b", "#b8b86a", "#4a86b0"])
        night = mix(night, halo, np.clip(1.45 - far / 2.6, 0, 1) * (1.0 if index == 0 else 0.9))
    return night


def _over(below: Motif, where: Field, colours: Field, angles: Field) -> Motif:
    return Motif(np.where(where[..., None], colours, below.colours), np.where(where, angles, below.angles))


def _hills(random: np.random.Generator, motif: Motif, down: Field, across: Field) -> Motif:
    """Four hills, one before the other, each light along its back; the brush follows the back."""
    palettes = (
        ["#5f93b8", "#2c5a96", "#1b3a78"],
        ["#5d9a94", "#276a7a", "#153f5c"],
        ["#9fae4e", "#3f7f54", "#12443f"],
        ["#c2b04a", "#5f8a3e", "#17423a"],
    )
    for index, palette in enumerate(palettes):
        back = noise(random, (2, down.shape[1]), cells=2.5, octaves=2)[0]
        ridge = 0.66 + 0.08 * index + (0.15, 0.1, 0.08, 0.08)[index] * (back - 0.5)
        depth = np.clip((down - ridge) / 0.17, 0, 1)
        earth = noise(random, down.shape, cells=12, octaves=3) - 0.5
        edge = np.exp(-(((down - ridge) / 0.006) ** 2))
        colours = mix(gradient(np.clip(depth + 0.7 * earth, 0, 1), palette), np.array([0.04, 0.09, 0.2]), edge)
        slope = np.broadcast_to(np.arctan(np.gradient(ridge) * down.shape[0]), down.shape)
        motif = _over(motif, down > ridge, colours, slope + 0.5 * earth)
    return motif


def _village(random: np.random.Generator, motif: Motif, down: Field, across: Field) -> Motif:
    """Houses with lit windows at the foot of the hills, and a church among them."""
    angles = np.zeros_like(down)
    for at in np.sort(random.uniform(0.36, 1.2, 13)):
        foot, wide, tall = random.uniform(0.79, 0.86), random.uniform(0.022, 0.036), random.uniform(0.024, 0.036)
        wall = (np.abs(across - at) < wide) & (down < foot) & (down > foot - tall)
        roof = (down > foot - 2 * tall) & (down <= foot - tall)
        roof &= np.abs(across - at) < wide * 1.2 * (down - foot + 2.1 * tall) / tall
        window = (np.abs(np.abs(across - at) - 0.45 * wide) < 0.006) & (np.abs(down - foot + 0.5 * tall) < 0.008)
        motif = _over(motif, wall, np.array([0.36, 0.47, 0.62]) * random.uniform(0.7, 1.15), angles)
        motif = _over(motif, roof, np.array([0.16, 0.17, 0.33]) * random.uniform(0.8, 1.3), angles + np.pi / 4)
        motif = _over(motif, window, np.array([1.0, 0.8, 0.3]), angles)
    tower = (np.abs(across - 0.7) < 0.015) & (down > 0.74) & (down < 0.84)
    spire = (down > 0.6) & (down <= 0.74) & (np.abs(across - 0.7) < 0.018 * (down - 0.6) / 0.14)
    motif = _over(motif, tower, np.array([0.32, 0.42, 0.58]), angles + np.pi / 2)
    return _over(motif, spire, np.array([0.1, 0.13, 0.28]), angles + np.pi / 2)


def _cypress(random: np.random.Generator, motif: Motif, down: Field, across: Field, middle: float) -> Motif:
    """A dark flame at the left, taller than the hills; its strokes lick upwards."""
    licks = noise(random, down.shape, cells=10, octaves=3)
    height = np.clip((down - 0.1) / 0.95, 0, 1)
    sway = middle + 0.018 * np.sin(11 * down)
    flame = np.abs(across - sway) < 0.095 * height**0.9 * (0.7 + 0.6 * licks) - 0.004
    colours = gradient(licks, ["#0a1418", "#14281f", "#2b3f24", "#5a5526", "#2a2433"])
    return _over(motif, flame, colours, -np.pi / 2 + 1.1 * (licks - 0.5) + 0.35 * np.sin(14 * down + 30 * across))
