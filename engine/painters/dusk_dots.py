"""Dusk dots: a low sun over a bay, set down point by point in unmixed colours."""

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT = 0.8


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    scene = _scene(random, *places(height, width))
    canvas = Image.fromarray((gradient(places(height, width)[0], ["#d9a26b", "#b97a5e"]) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    unit = width / 1024
    for radius, dots in ((9.0, 9000), (6.0, 22000), (4.0, 42000), (2.6, 30000)):
        across, down = random.random(dots) * width, random.random(dots) * height
        colours = scene[down.astype(int), across.astype(int)]
        colours = _unmixed(random, colours)
        reach = radius * unit * random.uniform(0.7, 1.15, dots)
        for x, y, r, colour in zip(across, down, reach, (colours * 255).astype(int), strict=True):
            draw.ellipse((x - r, y - r * 0.92, x + r, y + r * 0.92), fill=tuple(colour))
    return finished(np.asarray(canvas, dtype=np.float64) / 255, size)


def _unmixed(random: np.random.Generator, colours: Field) -> Field:
    """Each dot purer than the scene, now and then its complement: the eye does the mixing."""
    grey = colours.mean(axis=1, keepdims=True)
    pure = grey + (colours - grey) * random.uniform(1.2, 1.9, (len(colours), 1))
    pure += random.normal(0, 0.07, pure.shape)
    other = 2 * grey - pure[:, ::-1] * 0.9 + 0.1
    is_other = random.random((len(colours), 1)) < 0.09
    chosen: Field = np.clip(np.where(is_other, other, pure), 0, 1)
    return chosen


def _scene(random: np.random.Generator, down: Field, across: Field) -> Field:
    """Sky, sun, far hills, water with the sun's path, and a dark shore with trees."""
    sun_down, sun_across = 0.42, 0.78
    clouds = noise(random, down.shape, cells=4, octaves=5)
    sky = gradient(
        np.clip(down / 0.55 + 0.25 * (clouds - 0.5), 0, 1), ["#2e3f87", "#6a5aa8", "#c86f9a", "#f08a5d", "#ffd27a"]
    )
    far = np.sqrt((down - sun_down) ** 2 + (across - sun_across) ** 2)
    sky = mix(sky, gradient(np.clip(far / 0.3, 0, 1), ["#fff6cf", "#ffd874", "#ff9e5e"]), np.exp(-((far / 0.16) ** 2)))
    ripples = noise(random, down.shape, cells=3, octaves=2) * 0.5 + 0.5 * np.sin(220 * down + 9 * np.sin(7 * across))
    water = gradient(np.clip((down - 0.52) / 0.48 + 0.18 * ripples, 0, 1), ["#f0a06a", "#9a6fa8", "#3f5f9f", "#1f3f6f"])
    path = np.exp(-(((across - sun_across) / (0.05 + 0.25 * (down - 0.5))) ** 2)) * np.clip(0.6 + 0.6 * ripples, 0, 1)
    water = mix(water, np.array([1.0, 0.84, 0.45]), path * (down > 0.52))
    picture = np.where((down < 0.52)[..., None], sky, water)
    ridge = 0.46 + 0.07 * noise(random, (2, down.shape[1]), cells=3, octaves=4)[0]
    hills = (down > ridge) & (down < 0.52)
    picture = np.where(hills[..., None], gradient(across / across.max(), ["#4a4f8f", "#8f6a9a", "#b0707f"]), picture)
    shore = (
        0.86 - 0.16 * np.exp(-((across / 0.45) ** 2)) + 0.05 * noise(random, (2, down.shape[1]), cells=5, octaves=4)[0]
    )
    grass = gradient(noise(random, down.shape, cells=18, octaves=3), ["#16324a", "#1f5a4a", "#5a8a3f", "#c0b04a"])
    picture = np.where((down > shore)[..., None], grass, picture)
    for trunk, top, reach in ((0.1, 0.3, 0.17), (0.27, 0.42, 0.11)):
        leaves = noise(random, down.shape, cells=22, octaves=3)
        crown = ((down - top) / (reach * 1.2)) ** 2 + ((across - trunk) / reach) ** 2 + 0.9 * (leaves - 0.5) < 1
        stem = (np.abs(across - trunk - 0.02 * np.sin(9 * down)) < 0.012) & (down > top) & (down < shore + 0.02)
        picture = np.where(stem[..., None], np.array([0.2, 0.13, 0.2]), picture)
        crowns = gradient(np.clip(leaves + (across - trunk) * 1.5, 0, 1), ["#12304f", "#1f5f55", "#6f9a3f", "#f0b04a"])
        picture = np.where(crown[..., None], crowns, picture)
    return picture
