"""Woodblock waves: breaking crests in flat colours with carved outlines, on grained paper."""

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, noise, places

ASPECT = 0.8
INK = (22, 34, 66)
FOAM = (240, 234, 214)
BLUES = ((126, 164, 178), (84, 132, 160), (47, 94, 140), (33, 66, 112), (26, 50, 92))


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    unit = width / 1024
    canvas = Image.fromarray((_sky(random, height, width) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    _sun(draw, width, height, unit)
    _clouds(random, draw, width, height, unit)
    for row, blue in enumerate(BLUES):
        _row_of_waves(random, draw, row, blue, width, height, unit)
    printed = np.asarray(canvas, dtype=np.float64) / 255
    grain = noise(random, (height, width), cells=90, octaves=3) - 0.5
    fibres = noise(random, (height, width), cells=3, octaves=2) - 0.5
    wood = np.sin(2 * np.pi * (places(height, width)[0] * 60 + 6 * fibres))
    return finished(printed * (1 + 0.10 * grain + 0.025 * wood)[..., None], size)


def _sky(random: np.random.Generator, height: int, width: int) -> Field:
    """Hand-wiped ink: darker at the top, bare paper towards the sea."""
    down = places(height, width)[0] + 0.05 * (noise(random, (height, width), cells=2, octaves=3) - 0.5)
    return gradient(np.clip(down / 0.6, 0, 1), ["#3f6f8f", "#9ab4ac", "#e6d9b8", "#f0e0bb", "#eac9a0"])


def _sun(draw: ImageDraw.ImageDraw, width: int, height: int, unit: float) -> None:
    across, down, radius = 0.27 * width, 0.25 * height, 92 * unit
    draw.ellipse((across - radius, down - radius, across + radius, down + radius), fill=(206, 72, 48))


def _clouds(random: np.random.Generator, draw: ImageDraw.ImageDraw, width: int, height: int, unit: float) -> None:
    """Bands with round ends, as the old prints have them."""
    for _ in range(7):
        across, down = random.uniform(-0.1, 0.9) * width, random.uniform(0.06, 0.4) * height
        for band in range(3):
            left = across + random.uniform(-60, 60) * unit
            length, thick = random.uniform(130, 330) * unit, random.uniform(12, 22) * unit
            top = down + band * 24 * unit
            box = (left, top, left + length, top + thick)
            draw.rounded_rectangle(box, radius=thick / 2, fill=(243, 232, 205), outline=INK, width=round(2 * unit))


def _row_of_waves(
    random: np.random.Generator,
    draw: ImageDraw.ImageDraw,
    row: int,
    blue: tuple[int, int, int],
    width: int,
    height: int,
    unit: float,
) -> None:
    """One row from edge to edge: sea in flat blue, carved lines that follow it, curling crests with foam."""
    base = height * (0.5 + 0.115 * row)
    length = width * (0.2 + 0.075 * row)
    swell = height * (0.045 + 0.026 * row)
    phase = random.uniform(0, 2 * np.pi)
    at = np.linspace(-0.1 * width, 1.1 * width, 1200)
    turn = 2 * np.pi * at / length + phase
    # A trochoid leans over its front: sharp crests, long hollows.
    across = at - 0.11 * length * np.sin(turn)
    down = base - swell * (np.cos(turn) + 0.22 * np.cos(2 * turn)) + swell * 0.15 * np.sin(0.37 * turn)
    line = list(zip(across, down, strict=True))
    draw.polygon([*line, (1.2 * width, height), (-0.2 * width, height)], fill=blue)
    for depth in range(1, 13):
        shade = FOAM if depth in (2, 3, 7) else tuple(max(0, channel - 30) for channel in blue)
        sunk = [(x + 5 * depth * unit, y + depth * (8 + 2.2 * row) * unit) for x, y in line]
        stretches = np.split(np.arange(len(sunk)), np.flatnonzero(random.random(len(sunk)) < 0.018))
        for stretch in stretches[:: 2 if depth > 1 else 1]:
            if len(stretch) > 3:
                draw.line([sunk[index] for index in stretch], fill=shade, width=round((2.4 + 0.5 * row) * unit))
    draw.line(line, fill=INK, width=round((3 + row) * unit), joint="curve")
    crests = np.flatnonzero((down[1:-1] < down[:-2]) & (down[1:-1] <= down[2:]))
    for crest in crests:
        _crest(random, draw, across[crest], down[crest], (0.55 + 0.3 * row) * unit)
    for _ in range(30 + 16 * row):
        crest = random.choice(crests)
        x = across[crest] + random.normal(0, 70 * unit * (1 + 0.4 * row))
        y = down[crest] - abs(random.normal(0, 36 * unit * (1 + 0.4 * row)))
        radius = random.uniform(1.4, 4.6) * unit
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=FOAM)


def _crest(random: np.random.Generator, draw: ImageDraw.ImageDraw, across: float, down: float, unit: float) -> None:
    """Foam: an arm that curls over to the left, edged with scallops, each with small claws."""
    angles = np.linspace(0.25, 3.4, 22)
    for layer, reach in enumerate((1.0, 0.72, 0.46)):
        for angle in angles:
            bend = 62 * unit * reach * (1.25 - 0.14 * angle)
            x = across - 26 * unit + bend * np.cos(angle) * 1.35
            y = down + 14 * unit - bend * np.sin(angle) * 0.75
            radius = random.uniform(9, 15) * unit * (1.1 - 0.2 * layer)
            fill = FOAM if layer != 1 else (197, 214, 214)
            draw.ellipse(
                (x - radius, y - radius, x + radius, y + radius), fill=fill, outline=INK, width=max(1, round(2 * unit))
            )
    for angle in angles[8:]:
        bend = 74 * unit * (1.25 - 0.14 * angle)
        x, y = across - 26 * unit + bend * np.cos(angle) * 1.35, down + 14 * unit - bend * np.sin(angle) * 0.75
        for _ in range(3):
            tip = x - random.uniform(8, 26) * unit, y + random.uniform(-4, 20) * unit
            draw.line([(x, y), tip], fill=FOAM, width=max(2, round(5 * unit)))
