"""Hills at dusk: a photograph that nobody took, of ridges in haze over a lake, for the sample pictures."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT: Final = 0.667
HORIZON: Final = 0.60
SUN: Final = (0.44, 1.02)
"""Down and across, in heights: just behind the far ridge."""


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, two thirds as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = places(height, width)
    picture = _ridges(random, _sky(random, down, across), down, across)
    picture = _lake(random, picture, down, across)
    glow = np.exp(-(((down - SUN[0]) / 0.5) ** 2) - (((across - SUN[1]) / 0.6) ** 2))
    picture = mix(picture, np.array([1.0, 0.72, 0.46]), 0.22 * glow)
    picture = _foreground(random, picture)
    vignette = 1 - 0.35 * ((down - 0.5) ** 2 + (across / across.max() - 0.5) ** 2)
    return finished(picture * vignette[..., None] + random.normal(0, 0.012, (height, width, 1)), size)


def _sky(random: np.random.Generator, down: Field, across: Field) -> Field:
    """Blue above, gold at the horizon, and long clouds that are lit from below."""
    clouds = noise(random, down.shape, cells=2.2, octaves=7, stretch=3.5)
    beneath = np.roll(clouds, -down.shape[0] // 50, axis=0)
    height = np.clip(down / HORIZON, 0, 1)
    sky = gradient(height, ["#31507f", "#5d7fae", "#a3abc0", "#eec19b", "#ffd693"])
    far = np.hypot(down - SUN[0], across - SUN[1])
    sky = mix(sky, np.array([1.0, 0.93, 0.74]), 0.95 * np.exp(-((far / 0.16) ** 2)))
    dark = gradient(height, ["#5b6788", "#7d7590", "#b58a8c", "#d99b78"])
    lit = gradient(height, ["#e9b9a4", "#ffb183", "#ffc27c", "#ffe2a0"])
    cloud = mix(dark, lit, np.clip(0.35 + 4.5 * (clouds - beneath) + 0.35 * np.exp(-far), 0, 1))
    return mix(sky, cloud, np.clip((clouds - 0.47) * 4.5, 0, 0.9))


def _ridges(random: np.random.Generator, picture: Field, down: Field, across: Field) -> Field:
    """Six ridges, each nearer one darker, lower and rougher, with mist in the valleys; woods on the nearest."""
    for index, nearness in enumerate(np.linspace(0, 1, 6)):
        outline = noise(random, (2, down.shape[1]), 2.4 + 1.2 * index, 7)[0] - 0.5
        ridge = 0.41 + 0.033 * index + (0.20 - 0.022 * index) * outline
        if index >= 3:
            # The tops of firs: narrow teeth, uneven in height.
            ridge = ridge - (0.004 + 0.009 * nearness) * noise(random, (2, down.shape[1]), 190 - 22 * index, 3)[0]
        below = np.clip((down - ridge) / 0.13, 0, 1)
        folds = noise(random, down.shape, cells=9 + 5 * index, octaves=6)
        lit = np.clip(0.5 + 3.0 * (folds - np.roll(folds, down.shape[1] // 130, axis=1)), 0, 1)
        woods = gradient(0.65 * lit + 0.35 * folds, ["#0f1b22", "#1d3230", "#3a4d38", "#77683f"])
        haze = gradient(np.clip(across / 1.5, 0, 1), ["#7482a6", "#a08fa4", "#e5a888"])
        colour = mix(haze, woods, 0.10 + 0.82 * nearness**1.2)
        colour = mix(colour, haze * 1.08, 0.75 * below**2 * (1 - 0.75 * nearness))
        picture = mix(picture, colour, (down - ridge) * down.shape[0] / 2)
    return picture


def _lake(random: np.random.Generator, land: Field, down: Field, across: Field) -> Field:
    """Still water: what stands above it upside down, pulled apart by ripples that grow towards us."""
    height, width = down.shape
    line = round(HORIZON * height)
    depth = np.clip((down - HORIZON) / (1 - HORIZON), 0, 1)
    near = np.log1p(12 * depth)
    drift = noise(random, (height, width), cells=5, octaves=4, stretch=3) - 0.5
    phase = 70 * near + 14 * drift + 3 * np.sin(4 * across)
    ripple = np.sin(phase) + 0.5 * np.sin(2.7 * phase + 9 * drift) + 0.4 * np.sin(5.3 * phase + 40 * across)
    wind = np.clip(noise(random, (height, width), cells=1.5, octaves=4, stretch=8) * 2.4 - 0.7, 0.12, 1)
    rows = np.arange(height)[:, None] - line
    lift = ripple * wind * (0.5 + 30 * depth) * height / 1024
    source = np.clip(line - 1.05 * rows - lift, 0, line - 1).astype(int)
    mirrored = land[source, np.arange(width)[None]]
    wet = mix(mirrored * 0.9, np.array([0.16, 0.24, 0.34]), 0.10 + 0.25 * depth) * (1 + 0.07 * ripple * wind)[..., None]
    mist = np.exp(-np.abs(down - HORIZON) / 0.012)
    return mix(np.where((rows >= 0)[..., None], wet, land), np.array([0.86, 0.72, 0.66]), 0.55 * mist)


def _foreground(random: np.random.Generator, picture: Field) -> Field:
    """A bank with grasses along the lower edge and a tree at the left, nearly black against the light."""
    height, width = picture.shape[:2]
    canvas = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    across = np.arange(width)
    bank = 0.93 - 0.09 * np.exp(-((across / width / 0.42) ** 2)) + 0.03 * (noise(random, (2, width), 4, 5)[0] - 0.5)
    edge = list(zip(across.tolist(), (bank * height).tolist(), strict=True))
    draw.polygon([*edge, (width, height), (0, height)], fill=(24, 28, 24))
    root = np.array([0.15 * width, bank[round(0.15 * width)] * height + 0.02 * height])
    _branch(random, draw, root, -np.pi / 2 + 0.08, 0.17 * height, 0.021 * height, forks=8)
    _grasses(random, draw, bank, width, height)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(height / 1400)), dtype=np.float64) / 255


def _branch(
    random: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    root: Field,
    angle: float,
    length: float,
    thickness: float,
    forks: int,
) -> None:
    """A branch that wavers, and its smaller ones, down to the twigs, which bear leaves."""
    place = root
    for _ in range(4):
        angle += random.normal(0, 0.09)
        end = place + length / 4 * np.array([np.cos(angle), np.sin(angle)])
        draw.line([*place, *end], fill=(30, 27, 25), width=max(1, round(thickness)))
        place, thickness = end, thickness * 0.95
    if forks <= 3:
        _leaves(random, draw, place, length)
    if forks == 0:
        return
    for side in (-1, 1):
        turn = side * random.uniform(0.2, 0.65)
        _branch(
            random,
            draw,
            place,
            angle + turn,
            length * random.uniform(0.7, 0.88),
            thickness * random.uniform(0.6, 0.75),
            forks - 1,
        )


def _leaves(random: np.random.Generator, draw: ImageDraw.ImageDraw, middle: Field, reach: float) -> None:
    """A spray of leaves round a twig's end; the sun, from the right, gilds some."""
    for across, down in middle + random.normal(0, 0.42 * reach, (16, 2)):
        size, gold = reach * random.uniform(0.04, 0.09), max(0.0, random.normal(0.12, 0.22))
        colour = tuple(round(dark + gold * (light - dark)) for dark, light in ((28, 190), (38, 140), (26, 62)))
        draw.ellipse((across - size, down - 0.7 * size, across + size, down + 0.7 * size), fill=colour)


def _grasses(random: np.random.Generator, draw: ImageDraw.ImageDraw, bank: Field, width: int, height: int) -> None:
    """Blades in tufts, the nearest lowest and last."""
    tufts = noise(random, (2, width), cells=14, octaves=4)[0]
    for start in np.sort(random.random(2600)):
        foot = random.integers(width)
        root = bank[foot] * height + start * (height * 1.04 - bank[foot] * height)
        tall = height * random.uniform(0.02, 0.055) * (0.4 + 1.2 * tufts[foot])
        lean = random.normal(0.15, 0.3) * tall
        gold = max(0.0, random.normal(0.16, 0.18)) * (0.5 + foot / width)
        colour = tuple(round(dark + gold * (light - dark)) for dark, light in ((24, 205), (30, 160), (24, 84)))
        bent = [(foot, root), (foot + 0.3 * lean, root - 0.6 * tall), (foot + lean, root - tall)]
        draw.line(bent, fill=colour, width=max(1, round(height / 520)))
