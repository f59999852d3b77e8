"""Copper engraving: a nautilus on a shore with a ruin and ships, in lines that swell, cross and break into stipple."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, mix, noise, places

ASPECT: Final = 0.8
HORIZON: Final = 0.5
SPACING: Final = 0.0082
"""From line to line, in heights of the picture: six to seven pixels of 1024."""
INK: Final = np.array([0.13, 0.095, 0.075])
FOG: Final = np.array([0.80, 0.70, 0.53])
"""Ink that the wiping left on the plate."""
GROWTH: Final = np.log(3.0) / (2 * np.pi)
"""Of the shell's spiral: each turn is three times as wide as the one before."""


class Plate:
    """What is to be cut: how dark each pixel is, and two fields whose level lines the burin follows there."""

    def __init__(self, darkness: Field, first: Field, second: Field) -> None:
        self.darkness, self.first, self.second = darkness, first, second
        self.contours = np.zeros_like(darkness)

    def over(self, where: Field, darkness: Field | float, first: Field, second: Field, contour: float = 1.6) -> None:
        """Set one more thing in front, inside a contour so many 819ths of the height broad."""
        blur = contour * len(where) / 819
        rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
        if not len(rows):
            return
        rim = int(4 * blur) + 2
        box = (
            slice(max(0, rows[0] - rim), rows[-1] + rim),
            slice(max(0, columns[0] - rim), columns[-1] + rim),
        )
        inside = where[box]
        shade = np.clip(darkness[box] if isinstance(darkness, np.ndarray) else darkness, 0, 1)
        for mine, its in ((self.darkness, shade), (self.first, first[box]), (self.second, second[box])):
            mine[box] = np.where(inside, its, mine[box])
        soft = Image.fromarray(inside.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(blur))
        ring = np.clip((0.5 - np.abs(np.asarray(soft) / 255 - 0.5)) * 5 - 0.9, 0, 1)
        self.contours[box] = np.maximum(np.where(inside, 0, self.contours[box]), ring)


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = (place.astype(np.float32) for place in places(height, width))  # half the time of float64
    sun = random.uniform(0.55, 0.78)
    plate = _sky(random, down, across, sun)
    _sea(random, plate, down, across, sun)
    for ship, place in enumerate(random.permutation((0.68, 0.86, 1.05))[: random.integers(1, 4)]):
        _ship(random, plate, (place, HORIZON + 0.02 + 0.02 * ship), random.uniform(0.06, 0.09) + 0.04 * ship)
    _cliff(random, plate, down, across)
    _shore(random, plate, down, across)
    _shell(random, plate, down, across)
    cut = np.maximum(_cut(random, plate), _grasses(random, height, width))
    return finished(_printed(random, cut[:, :: random.choice((-1, 1))]), size)


def _cut(random: np.random.Generator, plate: Plate) -> Field:
    """Where ink stands in the plate, 0..1: one set of lines, a second across it, a third in the deepest shade."""
    # Engravers push the tones apart: bare paper in the lights, almost black in the depths.
    dark, shape = plate.darkness**2 * (3.4 - 2.4 * plate.darkness), plate.darkness.shape
    pitch = SPACING * shape[0]
    hand = 0.35 * (noise(random, shape, cells=26, octaves=2) - 0.5)
    first = plate.first / SPACING + hand
    second = plate.second / SPACING - hand
    uneven = 0.85 + 0.3 * noise(random, shape, cells=60, octaves=2)
    # In the light a line breaks into dashes, then into the dots of the stipple.
    dashes = 0.5 + 0.5 * np.cos(2 * np.pi * (1.1 * second + 0.5 * np.round(first)))
    broken = np.clip(1 + 2.2 * dashes - np.clip((0.24 - dark) * 16, 0, 2.9), 0, 1)
    lines = _lines(first, np.clip(0.08 + 0.62 * dark, 0.0, 0.62) * uneven * broken * (dark > 0.05), pitch)
    lines = np.maximum(lines, _lines(second, np.clip((dark - 0.42) * 1.15, 0, 0.52) * uneven, pitch))
    lines = np.maximum(lines, _lines(first + second, np.clip((dark - 0.76) * 1.5, 0, 0.4), pitch))
    return np.maximum(lines, plate.contours * (0.55 + 0.45 * uneven))


def _lines(phase: Field, share: Field, pitch: float) -> Field:
    """Level lines of the phase, `share` of the paper under ink.

    Where they run apart new ones rise between them, as an engraver would set them, so that they lie between one and
    two pitches from each other everywhere.
    """
    steep = np.hypot(*(np.mod(slope + 0.5, 1) - 0.5 for slope in _slopes(phase)))
    steps = np.log2(1 / (np.maximum(steep, 1e-4) * pitch))
    level = np.floor(np.clip(steps, -5, 5))
    between = np.clip(steps - level, 0, 1)
    scaled = phase * 2**level
    gap = 1 / np.maximum(steep * 2**level, 1e-4)
    breadth = share * gap / (1 + between) / 2
    main = breadth - np.abs(np.mod(scaled + 0.5, 1) - 0.5) * gap
    added = breadth * between - np.abs(np.mod(scaled, 1) - 0.5) * gap
    lines: Field = np.clip(np.maximum(main, added) + 0.5, 0, 1) * np.clip(breadth * 2, 0, 1)
    return lines


def _slopes(field: Field) -> tuple[Field, Field]:
    """Differences from pixel to pixel, down and across, one-sided: a step of a whole turn stays a whole turn."""
    return np.diff(field, axis=0, append=field[-1:]), np.diff(field, axis=1, append=field[:, -1:])


def _light(relief: Field, strength: float) -> Field:
    """Darkness of a relief (in heights of the picture) that is lit from the upper right."""
    down, across = np.gradient(relief, 1 / len(relief))
    shade: Field = np.clip(0.42 + strength * (across - 0.8 * down), 0, 1)
    return shade


def _polygon(plate: Plate, points: Field) -> Field:
    """Where a polygon of (across, down) points, in heights of the picture, lies."""
    height, width = plate.darkness.shape
    image = Image.new("1", (width, height))
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points * height], fill=1)
    return np.asarray(image)


def _sky(random: np.random.Generator, down: Field, across: Field, sun: float) -> Plate:
    """Rays from a low sun, and banks of round clouds in front of them."""
    sun_down = HORIZON - 0.06
    from_down, from_across = down - sun_down, across - sun
    far = np.hypot(from_down, from_across)
    turns = np.arctan2(from_down, from_across) / (2 * np.pi)
    fans = 0.14 * np.sign(np.sin(2 * np.pi * 22 * turns + 2 * np.sin(2 * np.pi * 3 * turns + random.uniform(0, 6))))
    darkness = 0.1 + 0.55 * np.clip(far / 0.8, 0, 1) ** 0.8 + fans * np.clip(far * 4, 0, 1)
    plate = Plate(darkness * (far > 0.055), 64 * SPACING * turns, far)
    plate.over(far < 0.055, 0.0, far, down)
    for bank in range(int(random.integers(3, 5))):
        middle, floor = random.uniform(-0.05, 1.3), 0.12 + 0.09 * bank + random.uniform(-0.02, 0.02)
        relief = np.zeros_like(down)
        high = slice(round(max(0.0, floor - 0.17) * len(down)), round((floor + 0.07) * len(down)))
        long = random.uniform(0.13, 0.24)
        for aside in random.uniform(-1, 1, 26):
            heap = np.sqrt(1.02 - aside**2)
            rise, size = random.uniform(0, 0.1) * heap, random.uniform(0.4, 1) * (0.018 + 0.042 * heap)
            puff = 1 - ((across[high] - middle - long * aside) ** 2 + (down[high] - floor + rise) ** 2) / size**2
            relief[high] = np.maximum(relief[high], size * np.sqrt(np.maximum(puff, 0)))
        shade = _light(relief, 0.3) - 0.22 + np.clip((down - floor + 0.045) * 6, 0, 0.5)
        plate.over((relief > 0) & (down < floor + 0.02), shade, down + 0.9 * relief, across + 1.1 * relief, contour=1.1)
    return plate


def _sea(random: np.random.Generator, plate: Plate, down: Field, across: Field, sun: float) -> None:
    """Level lines that heave, and the sun's path between them."""
    near = np.clip((down - HORIZON) / 0.3, 0, 1)
    swell = noise(random, down.shape, cells=9, octaves=4, stretch=4) - 0.5
    heave = 0.035 * near * swell + 0.006 * near * np.sin(46 * across + 30 * swell + 60 * down)
    path = np.exp(-(((across - sun) / (0.035 + 0.3 * near)) ** 2))
    darkness = 0.5 + 0.9 * swell - 0.5 * path + 0.12 * near
    plate.over(down > HORIZON, darkness, down + heave, across + 0.4 * down + heave)


def _ship(random: np.random.Generator, plate: Plate, place: tuple[float, float], size: float) -> None:
    """Three masts with full sails; the place is (across, down) of the waterline's middle, the size its height."""

    def at(*points: tuple[float, float]) -> Field:
        return np.array(place) + size * np.array(points) * (1, -1)

    down, across = places(*plate.darkness.shape)
    lean = random.uniform(-0.04, 0.1)
    for mast, tall in ((-0.34, 0.8), (0.0, 1.0), (0.34, 0.84)):
        foot, top = mast, mast + lean * tall
        plate.over(
            _polygon(plate, at((foot - 0.012, 0.1), (top, tall), (foot + 0.016, 0.1))), 0.9, across, down, contour=0.7
        )
        for low, high, reach in ((0.24, 0.5, 0.2), (0.52, 0.74, 0.16), (0.76, 0.94, 0.11)):
            left, right = mast + lean * low - reach, mast + lean * low + reach
            belly = np.array([(right, low), (right + 0.08, (low + high) / 2), (right - 0.03, high)])
            back = np.array([(left + 0.03, high), (left + 0.07, (low + high) / 2), (left, low)])
            outline = np.concatenate([curve(belly), curve(back)]) * (1, tall)
            bulge = ((across - place[0]) / size - mast) / reach
            shade = 0.34 - 0.3 * bulge
            plate.over(
                _polygon(plate, at(*outline)), shade, across + 0.1 * size * np.sin(9 * (down / size)), down, contour=0.9
            )
    hull = curve(np.array([(-0.62, 0.22), (-0.5, 0.15), (0, 0.1), (0.5, 0.14), (0.82, 0.24)]))
    keel = curve(np.array([(0.62, 0.06), (0.5, -0.05), (-0.5, -0.05), (-0.6, 0.06)]))
    plate.over(_polygon(plate, at(*hull, *keel)), 0.86, down, across)


def _cliff(random: np.random.Generator, plate: Plate, down: Field, across: Field) -> None:
    """Rock at the left edge, and on it what is left of a tower and of an arcade."""
    rough = noise(random, down.shape, cells=8, octaves=5, stretch=0.5)
    crest = 0.36 + 0.05 * noise(random, (2, down.shape[1]), cells=7, octaves=4)[0]
    axis, half, top = random.uniform(0.12, 0.22), random.uniform(0.066, 0.085), random.uniform(0.09, 0.16)
    edge = axis + half + 0.24
    rock = (down > crest + 0.7 * np.maximum(across - edge + 0.06, 0)) & (across < edge + 0.16 * (rough - 0.1))
    ruin = noise(random, (2, down.shape[1]), cells=30, octaves=3)[0]
    stones = _masonry(down, across)
    for arch in range(3):
        middle = axis + half + 0.055 + 0.085 * arch
        height = 0.13 + 0.045 * arch + random.uniform(0, 0.03)
        wall = (np.abs(across - middle) < 0.0435) & (down > height + 0.05 * ruin) & (down < 0.46)
        plate.over(wall, 0.36 + stones + 0.2 * (rough - 0.5), down + 0.01 * rough, across)
        for spring, low in ((height + 0.14, 0.42), (height + 0.065, height + 0.09)):
            wide = 0.026 if low > 0.3 else 0.012
            hollow = (np.abs(across - middle) < wide) & (down < low) & (down > spring)
            hollow |= np.hypot(across - middle, down - spring) < wide
            plate.over(hollow, 0.88, across, down + across)
    turned = (across - axis) / half
    tower = (np.abs(turned) < 1) & (down > top + 0.06 * ruin + 0.02 * turned) & (down < 0.46)
    bend = 0.022 * np.sqrt(np.clip(1 - turned**2, 0, 1))
    shade = 0.44 - 0.4 * turned + 0.24 * turned**2 + _masonry(down - bend, half * np.arcsin(np.clip(turned, -1, 1)))
    plate.over(tower, shade + 0.25 * (rough - 0.5), down - bend, across + 0.5 * down, contour=2)
    for level, aside in ((top + 0.1, 0.25), (top + 0.17, -0.3), (top + 0.24, 0.3)):
        slit = (np.abs(turned - aside) < 0.13) & (np.abs(down - level) < 0.02)
        slit |= np.hypot((turned - aside) * half, down - level + 0.02) < 0.13 * half
        plate.over(slit, 0.92, across, down)
    relief = 0.1 * np.abs(rough - 0.5) + 0.05 * rough
    slope = across + 0.55 * down + 0.5 * relief
    plate.over(rock, _light(relief, 0.75) + 0.12, slope, down - 0.4 * across + 0.4 * relief, contour=2)


def _masonry(down: Field, across: Field) -> Field:
    """What joints between courses of stones add to the darkness."""
    course = down / 0.021
    stone = across / 0.036 + 0.5 * np.mod(np.floor(course), 2)
    joint = (np.mod(course, 1) < 0.13) | (np.mod(stone, 1) < 0.08)
    tint = 0.16 * np.sin(np.floor(course) * 12.9 + np.floor(stone) * 78.2)
    return np.where(joint, 0.42, tint)


def _shore(random: np.random.Generator, plate: Plate, down: Field, across: Field) -> None:
    """Two banks of sand with the tide's ripples, and boulders at the water."""
    rough = noise(random, down.shape, cells=22, octaves=4)
    for bank, level in enumerate((0.67, 0.76)):
        crest = level + 0.07 * (noise(random, (2, down.shape[1]), cells=2, octaves=3)[0] - 0.5)
        dunes = noise(random, down.shape, cells=4, octaves=3, stretch=2)
        shade = 0.16 + 0.55 * np.clip(dunes - 0.45, 0, 1) + 0.3 * np.exp(-(((down - crest) / 0.02) ** 2))
        sand = down + 0.09 * dunes
        plate.over(down > crest, shade + 0.12 * (1 - bank), sand, across + 0.35 * down + 0.1 * dunes, contour=2)
        for _ in range(7):
            middle, size = random.uniform(-0.05, 1.3), random.uniform(0.012, 0.05)
            foot = level + 0.03 + random.uniform(0, 0.1)
            knob = noise(random, (2, down.shape[1]), cells=14, octaves=2)[0]
            dome = 1 - ((across - middle) / (1.6 * size)) ** 2 - ((down - foot) / (size * (0.5 + 0.9 * knob))) ** 2
            relief = size * np.sqrt(np.maximum(dome, 0)) * (0.5 + 0.8 * rough)
            shadow = ((across - middle + size) / (2 * size)) ** 2 + ((down - foot - 0.2 * size) / (0.3 * size)) ** 2 < 1
            plate.over(shadow, 0.7, down, across + 0.6 * down, contour=0.4)
            stone = (dome > 0) & (down < foot + (0.2 + 0.5 * rough) * size)
            plate.over(stone, _light(relief, 0.5) + 0.14, down + 1.2 * relief, across + 0.8 * relief)


def _shell(random: np.random.Generator, plate: Plate, down: Field, across: Field) -> None:
    """A nautilus with its shadow: a logarithmic spiral, its growth lines cut across the whorls."""
    reach = random.uniform(0.29, 0.33)
    centre_across, centre_down = random.uniform(0.72, 0.9), 0.93 - 0.68 * reach
    mouth = np.pi + random.uniform(0.1, 0.5)
    x, y = (across - centre_across) / reach, (down - centre_down) / reach
    shadow = ((x + 0.45) / 1.15) ** 2 + ((y - 0.62) / 0.17) ** 2 < 1
    plate.over(shadow, 0.78, down + 0.2 * across, across + 0.6 * down, contour=0.5)
    far = np.maximum(np.hypot(x, y), 1e-3)
    angle = np.arctan2(y, x)
    # The turn of the spiral on which the pixel lies: the innermost whose outer edge is not nearer than it.
    turn = angle + 2 * np.pi * np.ceil((np.log(far) / GROWTH + mouth - angle) / (2 * np.pi))
    outer = np.exp(GROWTH * (turn - mouth))
    place = np.clip((far / outer - 1 / 3) * 1.5, 0, 1)
    grown = turn + 0.5 * place * (1 - place)
    flames = np.clip(3 * np.sin(9 * grown + 5 * place**2 + 0.5 * np.sin(6 * place)) - 0.6, 0, 1)
    flames *= np.clip((mouth - 1.0 - turn) * 1.2, 0, 1) * np.clip((place - 0.25) * 4, 0, 1)
    bulge = np.sqrt(np.clip(1 - (1.9 * place - 0.9) ** 2, 0, 1))
    lit = (2 * place - 1) * (0.75 * np.cos(angle) - 0.65 * np.sin(angle))
    shade = 0.44 - 0.62 * lit - 0.2 * bulge + 0.5 * flames + 0.5 * np.exp(-place * 9)
    body = turn < mouth
    first = 64 * SPACING * grown / (2 * np.pi)
    plate.over(body, shade, first, place * outer * reach * 0.7, contour=2)
    whorls = body & (np.abs(far / outer - 1) < 0.012)
    plate.over(whorls, 0.95, first, down, contour=0.6)
    along = x * np.cos(mouth) + y * np.sin(mouth)
    aside = -x * np.sin(mouth) + y * np.cos(mouth)
    lip = ((along - 0.665) / 0.335) ** 2 + (aside / 0.15) ** 2
    plate.over(lip < 1, 0.1, aside * reach, along * reach, contour=2)
    inner = ((along - 0.665) / 0.295) ** 2 + ((aside + 0.012) / 0.115) ** 2
    plate.over(inner < 1, 1.0 - 0.55 * np.clip(inner, 0, 1), (inner * 0.1) * reach, along * reach, contour=1)


def _grasses(random: np.random.Generator, height: int, width: int) -> Field:
    """Ink of tufts along the lower edge: blades that thin towards their tips."""
    image = Image.new("L", (width, height))
    draw = ImageDraw.Draw(image)
    for _ in range(13):
        root = random.choice((random.uniform(0, 0.5), random.uniform(1.1, 1.25)))
        tall = random.uniform(0.06, 0.2)
        for _ in range(26):
            foot = root + random.normal(0, 0.02)
            bend, rise = random.normal(0, 0.4) * tall, tall * random.uniform(0.4, 1.0)
            blade = curve(np.array([(foot, 1), (foot + bend / 4, 1 - 0.6 * rise), (foot + bend, 1 - rise)]), 8) * height
            for breadth, start, end in zip(np.linspace(0.0042, 0.001, len(blade) - 1), blade, blade[1:], strict=False):
                draw.line([*start, *end], fill=255, width=max(1, round(breadth * height)))
    return np.asarray(image, dtype=np.float64) / 255


def _printed(random: np.random.Generator, ink: Field) -> Field:
    """Warm paper with fibres, a film of ink that the wiping left, and the lines themselves."""
    shape = ink.shape
    fibres = noise(random, shape, cells=150, octaves=2) - 0.5
    stains = noise(random, shape, cells=3, octaves=4)
    paper = gradient(np.clip(stains, 0, 1), ["#f3e6c8", "#ecdcb8", "#e0cb9f"]) * (1 + 0.1 * fibres)[..., None]
    wiped = noise(random, shape, cells=4, octaves=4, stretch=3)
    film = np.clip(0.2 + 0.6 * wiped, 0, 1)
    paper = mix(paper, FOG * (1 + 0.1 * fibres)[..., None], film)
    return mix(paper, INK * np.ones((*shape, 1)), ink * (0.9 + 0.25 * fibres))
