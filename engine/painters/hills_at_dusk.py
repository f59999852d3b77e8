"""Hills at dusk: a photograph that nobody took, of ridges in haze over a lake, for the sample pictures."""

import numpy as np

from engine.images import Pixels
from engine.painters.canvas import Field, blurred, finished, gradient, mix, noise, places

ASPECT = 0.667
HORIZON = 0.62


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, two thirds as high."""
    random = np.random.default_rng(seed)
    width, height = size, round(size * ASPECT)
    down, across = places(height, width)
    land = _ridges(random, _sky(random, down, across), down, across)
    picture = _lake(random, land, down)
    picture = _shore(random, picture, down, across)
    grain = random.normal(0, 0.006, (height, width, 1))
    return finished(picture + grain, size)


def _sky(random: np.random.Generator, down: Field, across: Field) -> Field:
    clouds = noise(random, down.shape, cells=2.5, octaves=6)
    streaks = noise(random, down.shape, cells=1.5, octaves=5)
    sky = gradient(np.clip(down / HORIZON, 0, 1), ["#24345f", "#4a5c94", "#a97c9c", "#ee9a72", "#ffd79a"])
    far = np.sqrt((down - 0.5) ** 2 + (across - 1.02) ** 2)
    sky = mix(sky, np.array([1.0, 0.92, 0.7]), np.exp(-((far / 0.22) ** 2)) * 0.85)
    lit = gradient(np.clip(down / HORIZON, 0, 1), ["#7a7fa8", "#d99a9a", "#ffc58f", "#fff0c4"])
    return mix(sky, lit, np.clip((clouds * 0.6 + streaks * 0.55 - 0.55) * 2.6, 0, 0.85))


def _ridges(random: np.random.Generator, picture: Field, down: Field, across: Field) -> Field:
    """Five ridges, each nearer one darker, lower and rougher; trees stand on the nearest two."""
    for index, haze in enumerate(np.linspace(0, 1, 5)):
        cells = 2.2 + 1.6 * index
        ridge = 0.40 + 0.045 * index + (0.19 - 0.02 * index) * (noise(random, (2, down.shape[1]), cells, 6)[0] - 0.5)
        if index >= 3:
            ridge = ridge - 0.02 * np.abs(noise(random, (2, down.shape[1]), 120, 3)[0] - 0.3)
        depth = np.clip((down - ridge) / 0.2, 0, 1)
        bumps = noise(random, down.shape, cells=14 + 8 * index, octaves=4)
        near = gradient(np.clip(bumps * 0.7 + 0.2 + 0.3 * depth, 0, 1), ["#10202a", "#1f3a38", "#3d5a3e", "#7a7648"])
        haze_colour = gradient(np.clip(across / 1.5, 0, 1), ["#6f6f9f", "#a9869f", "#f0b090"])
        colour = mix(haze_colour, near, 0.12 + 0.8 * haze)
        edge = np.clip((down - ridge) * down.shape[0] / 1.5, 0, 1)
        picture = mix(picture, colour, edge)
    return picture


def _lake(random: np.random.Generator, land: Field, down: Field) -> Field:
    """Below the waterline, what stands above it, mirrored, pulled apart by ripples and darkened."""
    height, width = down.shape
    line = round(HORIZON * height)
    ripples = noise(random, (height, width), cells=3, octaves=2) - 0.5
    rows = np.arange(height)[:, None] - line
    shift = (np.sin(rows * 1.1 + 14 * ripples) * 0.02 * np.clip(rows, 0, None) ** 1.15).astype(int)
    source = np.clip(line - (rows * 0.95).astype(int) + shift, 0, line - 1)
    mirrored = land[source, np.arange(width)[None]] * np.array([0.72, 0.78, 0.86])
    return np.where((rows >= 0)[..., None], mirrored, land)


def _shore(random: np.random.Generator, picture: Field, down: Field, across: Field) -> Field:
    """A dark bank with reeds in the foreground, a leaning tree at the left."""
    bank = 0.93 - 0.1 * np.exp(-((across / 0.5) ** 2)) + 0.04 * (noise(random, (2, down.shape[1]), 4, 5)[0] - 0.5)
    reeds = bank - 0.05 * noise(random, (2, down.shape[1]), 160, 2)[0] ** 3
    ground = gradient(noise(random, down.shape, cells=30, octaves=4), ["#0c1214", "#1c261c", "#3b4026", "#6a5c34"])
    picture = mix(picture, ground, np.clip((down - reeds) * down.shape[0] / 2, 0, 1))
    trunk = np.abs(across - 0.16 - 0.08 * np.clip(0.95 - down, 0, 1) ** 1.5) < 0.006 + 0.012 * np.clip(down - 0.3, 0, 1)
    trunk &= (down > 0.22) & (down < 0.95)
    leaves = noise(random, down.shape, cells=26, octaves=4)
    crown = ((down - 0.24) / 0.19) ** 2 + ((across - 0.22) / 0.2) ** 2 + 2.1 * (leaves - 0.5)
    foliage = gradient(np.clip(leaves * 0.9 + (across - 0.2), 0, 1), ["#0b1512", "#182a1e", "#43502a", "#a5803f"])
    picture = mix(picture, np.array([0.07, 0.07, 0.07]), blurred(trunk.astype(float), 0.8))
    return mix(picture, foliage, np.clip((0.75 - crown) * 6, 0, 1) * (np.hypot(down - 0.24, across - 0.22) < 0.24))
