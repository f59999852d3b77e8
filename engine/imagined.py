"""Pictures that nobody took: what few photos and paintings leave out, drawn at random for `engine.lessons`.

leaves     discs of every size that hide each other, whose statistics resemble photos' (Lee, Mumford & Huang 2001)
clouds     noise whose amplitude falls as 1/frequency, as in photos; coloured
strokes    short curved brush strokes along a flow
gradients  one colour passing into another, straight or round
text       rows of letters
flat       one colour, or two with an edge between them
face       an oval with eyes, a nose, a mouth and hair
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from engine.images import Pixels

Luck = np.random.Generator
Colour = tuple[int, int, int]
LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:;!? "
FINER: Final = 2
"""Times the size at which shapes are drawn before they are reduced, so that their edges are soft."""


def imagine(edge: int, luck: Luck) -> Pixels:
    """One of them, shape (edge, edge, 3)."""
    return KINDS[int(luck.integers(len(KINDS)))](edge, luck)


def leaves(edge: int, luck: Luck) -> Pixels:
    """Radii follow a cubic law, between a hundredth and a half of the edge."""
    sheet, pen = _sheet(edge, luck)
    smallest, largest = 0.01, 0.5
    shares = luck.random(600)
    radii = (smallest**-2 - shares * (smallest**-2 - largest**-2)) ** -0.5
    for radius in radii * FINER * edge:
        x, y = luck.uniform(0, FINER * edge, 2)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_colour(luck))
    return _reduced(sheet, edge)


def clouds(edge: int, luck: Luck) -> Pixels:
    """The exponent lies between those of sharp and of hazy photos."""
    rows, columns = np.fft.fftfreq(edge)[:, None], np.fft.rfftfreq(edge)[None, :]
    falling = np.maximum(np.hypot(rows, columns), 1 / edge) ** -luck.uniform(0.8, 2.0)
    waves = np.fft.irfft2(np.fft.rfft2(luck.normal(size=(3, edge, edge))) * falling, s=(edge, edge))
    waves /= waves.std()
    mixed = np.einsum("ck,khw->hwc", luck.normal(0, 0.6, (3, 3)) + np.eye(3), waves)
    return _to_pixels(luck.uniform(60, 190, 3) + luck.uniform(15, 60) * mixed)


def strokes(edge: int, luck: Luck) -> Pixels:
    """Each bends as the flow does; neighbours resemble each other in colour."""
    sheet, pen = _sheet(edge, luck)
    palette = [_colour(luck) for _ in range(luck.integers(3, 9))]
    waves = luck.uniform(0.5, 3, 2) * 2 * math.pi / (FINER * edge)
    turn, length = luck.uniform(0, 2 * math.pi), FINER * edge * luck.uniform(0.02, 0.12)
    width = max(1, round(length * luck.uniform(0.1, 0.4)))
    for x, y in luck.uniform(0, FINER * edge, (round(min(1500, 2 * (FINER * edge) ** 2 / (length * width))), 2)):
        points = [(float(x), float(y))]
        for _ in range(4):
            x0, y0 = points[-1]
            angle = turn + 2 * math.sin(waves[0] * x0) + 2 * math.cos(waves[1] * y0)
            points.append((x0 + math.cos(angle) * length / 4, y0 + math.sin(angle) * length / 4))
        base = palette[int((x + y) * len(palette) / (2 * FINER * edge) + luck.uniform(0, 2)) % len(palette)]
        pen.line(points, fill=_near(base, luck), width=width, joint="curve")
    return _reduced(sheet, edge)


def gradients(edge: int, luck: Luck) -> Pixels:
    """One over the other, if luck will have it."""
    rows, columns = np.mgrid[0:edge, 0:edge] / edge
    angle = luck.uniform(0, 2 * math.pi)
    straight = (math.cos(angle) * (columns - 0.5) + math.sin(angle) * (rows - 0.5)) + 0.5
    round_ = np.hypot(rows - luck.random(), columns - luck.random())
    share = np.clip(straight if luck.random() < 0.5 else round_, 0, 1)[..., None]
    blend = share * luck.uniform(0, 255, 3) + (1 - share) * luck.uniform(0, 255, 3)
    return _to_pixels(blend + luck.uniform(0, 6) * luck.normal(size=(edge, edge, 1)))


def text(edge: int, luck: Luck) -> Pixels:
    """Dark on light or light on dark, straight or tilted."""
    sheet, pen = _sheet(edge, luck)
    size = round(FINER * edge * luck.uniform(0.05, 0.3))
    font = ImageFont.load_default(size)
    ink = _colour(luck)
    for top in range(-size, FINER * edge + size, round(1.2 * size)):
        row = "".join(luck.choice(list(LETTERS), 4 * FINER * edge // size))
        pen.text((-luck.uniform(0, size), top), row, fill=ink, font=font)
    return _reduced(sheet.rotate(luck.uniform(-20, 20), Image.Resampling.BICUBIC, fillcolor=ink), edge)


def flat(edge: int, luck: Luck) -> Pixels:
    """With an edge between two colours more often than without."""
    sheet, pen = _sheet(edge, luck)
    if luck.random() < 0.7:
        corners = [tuple(corner) for corner in luck.uniform(-1, 2, (3, 2)) * FINER * edge]
        pen.polygon(corners, fill=_colour(luck))
    return _reduced(sheet, edge)


def face(edge: int, luck: Luck) -> Pixels:
    """From the front, before a plain ground, lit from one side."""
    sheet, pen = _sheet(edge, luck)
    unit = FINER * edge
    x, y = unit * luck.uniform(0.4, 0.6), unit * luck.uniform(0.45, 0.6)
    half = unit * luck.uniform(0.15, 0.35)
    skin = tuple(int(share * luck.uniform(0.4, 1)) for share in (255, 215, 185))
    hair, dark = tuple(int(tone) for tone in luck.uniform(10, 160, 3)), tuple(int(0.25 * tone) for tone in skin)

    def oval(across: float, down: float, wide: float, high: float, colour: tuple[int, ...]) -> None:
        centre_x, centre_y = x + across * half, y + down * half
        box = (centre_x - wide * half, centre_y - high * half, centre_x + wide * half, centre_y + high * half)
        pen.ellipse(box, fill=colour)

    oval(0, -0.25, 1.15, 1.35, hair)
    oval(0, 0, 1, 1.3, skin)
    for side in (-1, 1):
        oval(0.4 * side, -0.2, 0.2, 0.1, (235, 235, 230))
        oval(0.4 * side, -0.2, 0.09, 0.1, _near((70, 60, 50), luck))
        oval(0.4 * side, -0.42, 0.24, 0.05, hair)
    oval(0, 0.2, 0.1, 0.22, tuple(int(0.85 * tone) for tone in skin))
    oval(0, 0.65, luck.uniform(0.2, 0.45), luck.uniform(0.06, 0.15), _near((170, 70, 70), luck))
    oval(0, 0.65, 0.3, 0.02, dark)
    drawn = _reduced(sheet, edge).astype(np.float64)
    light = np.linspace(luck.uniform(0.6, 1.2), luck.uniform(0.6, 1.2), edge)[None, :, None]
    return _to_pixels(drawn * light + luck.uniform(0, 8) * luck.normal(size=drawn.shape))


KINDS: Final[tuple[Callable[[int, Luck], Pixels], ...]] = (leaves, clouds, strokes, gradients, text, flat, face)


def _sheet(edge: int, luck: Luck) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    sheet = Image.new("RGB", (FINER * edge, FINER * edge), _colour(luck))
    return sheet, ImageDraw.Draw(sheet)


def _reduced(sheet: Image.Image, edge: int) -> Pixels:
    return np.asarray(sheet.resize((edge, edge), Image.Resampling.BOX))


def _colour(luck: Luck) -> Colour:
    red, green, blue = luck.integers(0, 256, 3)
    return int(red), int(green), int(blue)


def _near(colour: Colour, luck: Luck) -> Colour:
    red, green, blue = np.clip(np.array(colour) + luck.normal(0, 20, 3), 0, 255)
    return int(red), int(green), int(blue)


def _to_pixels(values: npt.NDArray[np.float64]) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
