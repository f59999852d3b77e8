"""Night swirls: a sky of eddies over sleeping hills, in thick paint along a flow field."""

import numpy as np

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, ThickPaint, follow, gradient, mix, noise, places
from engine.painters.canvas import finished as at_size

ASPECT = 0.8


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = places(height, width)
    lamps = _lamps(random)
    sky = down < _horizon(random, height, width)
    direction = _flow(random, down, across, lamps, sky)
    colours = _colours(random, down, across, lamps, sky)

    canvas = ThickPaint(colours * 0.8)
    unit = width / 1024
    for brush, strokes in ((34, 1500), (19, 4200), (11, 8500), (6, 7000)):
        for _ in range(strokes):
            start = random.random(2) * (width, height)
            length = brush * random.uniform(0.45, 0.8) * unit
            path = follow(start, direction, steps=8, length=length)
            middle = np.clip(path[4].astype(int), 0, (width - 1, height - 1))
            colour = colours[middle[1], middle[0]] + random.normal(0, 0.05, 3)
            canvas.stroke(path, brush * unit * random.uniform(0.7, 1.1), np.clip(colour, 0, 1), random)
    return at_size(canvas.lit(), size)


def _lamps(random: np.random.Generator) -> list[tuple[float, float, float]]:
    """(down, across, radius) of moon and stars; the first is the moon."""
    stars = [
        (random.uniform(0.08, 0.5), at + random.uniform(-0.05, 0.05), random.uniform(0.02, 0.04))
        for at in np.linspace(0.1, 0.95, 7)
    ]
    return [(0.2, 1.05, 0.075), *stars]


def _horizon(random: np.random.Generator, height: int, width: int) -> Field:
    ridge = noise(random, (2, width), cells=3, octaves=4)[0]
    return np.broadcast_to(0.68 + 0.16 * (ridge - 0.5), (height, width))


def _flow(
    random: np.random.Generator, down: Field, across: Field, lamps: list[tuple[float, float, float]], sky: Field
) -> Field:
    """Angles: a wind from the left, eddies in it, rings round every lamp; along the slope on the hills."""
    east, south = np.full_like(down, 1.0), 0.5 * np.sin(5 * across + 2 * down)
    eddies = [(0.36, 0.42, 0.17, 1), (0.45, 0.78, 0.12, -1), (0.16, 0.3, 0.1, -1)]
    rings = [(*lamp[:2], lamp[2] * 2.2, 1) for lamp in lamps]
    for centre_down, centre_across, radius, turn in eddies + rings:
        from_down, from_across = down - centre_down, across - centre_across
        reach = 3.2 * np.exp(-((from_down**2 + from_across**2) / radius**2))
        norm = np.sqrt(from_down**2 + from_across**2) + 1e-6
        east = east - turn * reach * from_down / norm
        south = south + turn * reach * from_across / norm
    angles = np.arctan2(south, east)
    slope = 0.9 * (noise(random, down.shape, cells=4, octaves=3) - 0.5)
    return np.where(sky, angles, slope)


def _colours(
    random: np.random.Generator, down: Field, across: Field, lamps: list[tuple[float, float, float]], sky: Field
) -> Field:
    swirl = noise(random, down.shape, cells=5, octaves=4)
    night = gradient(
        np.clip(0.25 + 0.75 * swirl - 0.25 * (0.5 - down), 0, 1),
        ["#0d1640", "#16307a", "#1f55a5", "#3f8fc4", "#8cc6d3", "#dbe3b8"],
    )
    for index, (centre_down, centre_across, radius) in enumerate(lamps):
        far = np.sqrt((down - centre_down) ** 2 + (across - centre_across) ** 2) / radius
        halo = gradient(np.clip(far / 3.2, 0, 1), ["#fff3b0", "#ffc93c", "#f2a31b", "#b8b86a", "#4a86b0"])
        night = mix(night, halo, np.clip(1.45 - far / 2.6, 0, 1) * (1.0 if index == 0 else 0.9))
    earth = noise(random, down.shape, cells=9, octaves=3)
    hills = gradient(
        np.clip(earth * 0.9 + (down - 0.75) * 0.6, 0, 1), ["#0a1a24", "#12343b", "#1d5245", "#4b7345", "#8a8a3a"]
    )
    windows = (noise(random, down.shape, cells=34, octaves=1) > 0.93) & (down > 0.72) & (down < 0.9)
    hills = np.where(windows[..., None], np.array([1.0, 0.72, 0.25]), hills)
    return np.where(sky[..., None], night, hills)
