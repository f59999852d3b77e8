"""Neon night: tubes of light on brick walls, palms, a barred sun behind towers, and all of it again in a wet street."""

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, mix, noise, places

ASPECT: Final = 0.8
WIDE: Final = 1 / ASPECT
STREET: Final = 0.66
"""Where the wet street begins, down the picture."""
GASES: Final = {
    "magenta": (1.0, 0.08, 0.55),
    "cyan": (0.05, 0.8, 1.0),
    "amber": (1.0, 0.5, 0.06),
    "violet": (0.5, 0.18, 1.0),
    "red": (1.0, 0.1, 0.12),
    "lime": (0.25, 1.0, 0.35),
}
HALO: Final = ((0.0035, 0.75), (0.011, 0.5), (0.032, 0.4), (0.1, 0.5))
"""Radius, in heights of the picture, and strength of each ring of the glow."""
TUBE: Final = 0.0062
"""How thick a tube is, in heights of the picture."""
SMEARS: Final = (0.0, 0.02, 0.05, 0.09, 0.14)
"""How far wet asphalt draws a light out towards us, in heights of the picture."""


class Tubes:
    """What shines, one picture a gas; lengths are in heights of the picture, points (across, down)."""

    def __init__(self, height: int, width: int) -> None:
        self.height = height
        self.lights = {gas: Image.new("L", (width, height)) for gas in GASES}
        self.walls = Image.new("L", (width, height))

    def bend(self, gas: str, points: Field, breadth: float = TUBE) -> None:
        """A tube along a path, round at its ends."""
        draw = ImageDraw.Draw(self.lights[gas])
        path = [(float(x), float(y)) for x, y in points * self.height]
        thick = max(1, round(breadth * self.height))
        draw.line(path, fill=255, width=thick, joint="curve")
        for x, y in (path[0], path[-1]):
            draw.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), fill=255)

    def wall(self, outline: Field, is_brick: bool) -> None:
        """Something that hides what shines behind it."""
        path = [(float(x), float(y)) for x, y in outline * self.height]
        for picture in self.lights.values():
            ImageDraw.Draw(picture).polygon(path, fill=0)
        ImageDraw.Draw(self.walls).polygon(path, fill=255 if is_brick else 70)

    def light(self) -> tuple[Field, Field]:
        """What the tubes send into the air, and what of it falls on walls; each of shape (height, width, 3)."""
        shining = np.zeros((self.height, self.lights["cyan"].width, 3), dtype=np.float32)
        falling = np.zeros_like(shining)
        for gas, picture in self.lights.items():
            colour = np.array(GASES[gas], dtype=np.float32)
            core = picture.filter(ImageFilter.GaussianBlur(0.0009 * self.height))
            shining += np.asarray(core, dtype=np.float32)[..., None] / 255 * (colour * 1.5 + 0.22)
            for radius, strength in HALO:
                glow = np.asarray(picture.filter(ImageFilter.GaussianBlur(radius * self.height)), dtype=np.float32)
                halo = glow[..., None] / 255 * colour * strength
                shining += halo
                if radius > 0.02:
                    falling += halo
        return shining, falling


Sign = Callable[[Tubes, tuple[float, float], float], None]
"""Hangs a sign at a place, so large."""


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    tubes = Tubes(height, width)
    _sun(random, tubes)
    _towers(random, tubes)
    left, right = random.uniform(0.34, 0.42), random.uniform(0.94, 1.0)
    signs = (_glass, _arrow, _star, _heart, _moon, _bolt)
    mine, other = random.permutation(len(signs))[:2]
    _house(random, tubes, (-0.02, left, random.uniform(0.02, 0.13)), signs[mine])
    _house(random, tubes, (right, WIDE + 0.02, random.uniform(0.06, 0.13)), signs[other])
    for at in (left + random.uniform(0.04, 0.09), right - random.uniform(0.05, 0.1)):
        _palm(random, tubes, at, random.uniform(0.26, 0.44))
    _car(random, tubes, random.uniform(0.58, 0.76))
    scene = _lit(random, tubes)
    shown = 1 - np.exp(-1.35 * _wet(random, scene, np.asarray(tubes.walls) > 0))
    grain = noise(random, (height, width), cells=380, octaves=1) - 0.5
    colours = shown**0.9 * (1 + 0.3 * grain[..., None] * (1 - shown))
    return finished(colours[:, :: random.choice((-1, 1))], size)


def _circle(middle: tuple[float, float], radius: float, start: float = 0, end: float = 2 * np.pi) -> Field:
    turn = np.linspace(start, end, 60)
    return np.stack([middle[0] + radius * np.cos(turn), middle[1] + radius * np.sin(turn)], axis=1)


def _box(left: float, top: float, right: float, bottom: float) -> Field:
    return np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])


def _sun(random: np.random.Generator, tubes: Tubes) -> None:
    """A disc of level tubes that lie farther apart towards the horizon, and a few stars."""
    middle, radius = (random.uniform(0.6, 0.74), random.uniform(0.36, 0.44)), random.uniform(0.17, 0.21)
    for share in np.linspace(-0.97, 0.9, 22):
        half = radius * np.sqrt(1 - share**2)
        down = middle[1] + radius * share
        gas = "amber" if share < -0.25 else "magenta"
        tubes.bend(gas, np.array([(middle[0] - half, down), (middle[0] + half, down)]), TUBE * (1.25 - 0.5 * share))
    tubes.bend("magenta", _circle(middle, radius * 1.09))
    for _ in range(26):
        star, arm = random.uniform((0, 0), (WIDE, 0.4)), random.uniform(0.002, 0.007)
        if np.hypot(*(star - middle)) > 1.2 * radius:
            for out in np.array([(arm, 0), (0, arm)]):
                tubes.bend("cyan", np.array([star - out, star + out]), TUBE * 0.4)


def _towers(random: np.random.Generator, tubes: Tubes) -> None:
    """A skyline of outlines with rows of lit windows."""
    for index, middle in enumerate(random.permutation(np.linspace(0.36, 1.02, 9))):
        half, top = random.uniform(0.035, 0.06), STREET - random.uniform(0.12, 0.3) - 0.12 * abs(middle - 0.68)
        step = random.uniform(0.3, 0.7) * half
        shoulder = top + random.uniform(0.02, 0.07)
        profile = [(-half, STREET), (-half, shoulder), (-step, shoulder), (-step, top)]
        outline = np.array([(middle + side * x, y) for side in (1, -1) for x, y in profile[::side]])
        tubes.wall(outline, is_brick=False)
        gas = ("cyan", "violet", "magenta")[index % 3]
        tubes.bend(gas, outline, TUBE * 0.85)
        tubes.bend(gas, np.array([(middle, top), (middle, top - random.uniform(0.02, 0.06))]), TUBE * 0.6)
        for row in np.arange(shoulder + 0.018, STREET - 0.02, 0.02):
            for column in np.arange(middle - half + 0.014, middle + half - 0.01, 0.017):
                if random.random() < 0.55:
                    pane = np.array([(column, row), (column + 0.006, row)])
                    tubes.bend("amber" if random.random() < 0.8 else "cyan", pane, TUBE * 0.9)


def _house(random: np.random.Generator, tubes: Tubes, front: tuple[float, float, float], sign: Sign) -> None:
    """A brick front from left to right, so high: cornice, windows, a sign, an awning and a door."""
    left, right, top = front
    tubes.wall(_box(left, top, right, STREET + 0.015), is_brick=True)
    frame, trim = random.permutation(["cyan", "violet", "lime"])[:2]
    tubes.bend(frame, _box(left, top, right, STREET + 0.01))
    tubes.bend(trim, np.array([(left, top + 0.03), (right, top + 0.03)]))
    shown_left, shown_right = max(left, 0.0), min(right, WIDE)
    span = shown_right - shown_left
    middle = (shown_left + shown_right) / 2
    door, floor = shown_left + span * random.uniform(0.3, 0.7), STREET
    arch = np.array([(door - 0.035, floor), (door - 0.035, floor - 0.1)])
    vault = _circle((door, floor - 0.1), 0.035, np.pi, 2 * np.pi)
    tubes.bend("cyan", np.concatenate([arch, vault, arch[::-1] * (-1, 1) + (2 * door, 0)]))
    tubes.bend("magenta", _circle((door, floor - 0.1), 0.05, np.pi, 2 * np.pi))
    for stripe in np.linspace(shown_left + 0.03, shown_right - 0.03, 12):
        lean = (stripe - middle) * 0.15
        awning = np.array([(stripe, floor - 0.2), (stripe + lean, floor - 0.165)])
        tubes.bend(("red", "amber")[round(stripe * 97) % 2], awning)
    tubes.bend("red", np.array([(shown_left + 0.02, floor - 0.205), (shown_right - 0.02, floor - 0.205)]))
    for pane in np.linspace(shown_left + 0.2 * span, shown_right - 0.2 * span, 3):
        tubes.bend(trim, _box(pane - 0.024, top + 0.055, pane + 0.024, top + 0.125), TUBE * 0.8)
        for blind in np.arange(top + 0.068, top + random.uniform(0.08, 0.12), 0.0115):
            tubes.bend("amber", np.array([(pane - 0.014, blind), (pane + 0.014, blind)]), TUBE * 0.8)
    sign(tubes, (middle + random.uniform(-0.15, 0.15) * span, floor - 0.305), min(0.074, span * 0.3))


def _glass(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    bowl = np.array([(-0.9, -0.8), (0.9, -0.8), (0.0, 0.25), (-0.9, -0.8)])
    stem = np.array([(0.0, 0.25), (0.0, 0.95), (-0.5, 0.95), (0.5, 0.95)])
    for part in (bowl, stem):
        tubes.bend("cyan", part * reach + at)
    tubes.bend("magenta", np.array([(-0.6, -0.52), (0.6, -0.52)]) * reach + at)
    tubes.bend("magenta", np.array([(-0.38, -0.28), (0.38, -0.28)]) * reach + at)
    tubes.bend("lime", _circle((at[0] + 0.25 * reach, at[1] - 0.55 * reach), 0.14 * reach))
    tubes.bend("amber", np.array([(0.1, -0.3), (0.85, -1.25)]) * reach + at)


def _arrow(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    outline = [(-1.1, -0.3), (0.3, -0.3), (0.3, -0.7), (1.1, 0), (0.3, 0.7), (0.3, 0.3), (-1.1, 0.3), (-1.1, -0.3)]
    tubes.bend("amber", np.array(outline) * reach + at)
    tubes.bend("red", np.array(outline) * reach * 1.22 + at)
    for bulb in np.linspace(-0.85, 0.7, 8):
        tubes.bend("cyan", np.array([(bulb, 0), (bulb + 0.05, 0)]) * reach + at, TUBE * 1.3)


def _star(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    turn = np.linspace(-np.pi / 2, 1.5 * np.pi, 11)
    for gas, scale in (("magenta", 1.15), ("amber", 0.85), ("cyan", 0.55)):
        radius = scale * reach * np.where(np.arange(11) % 2, 0.42, 1.0)
        tubes.bend(gas, np.stack([at[0] + radius * np.cos(turn), at[1] + radius * np.sin(turn)], axis=1))


def _heart(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 60)
    across = 16 * np.sin(turn) ** 3
    down = -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn))
    for gas, scale in (("red", 1.0), ("magenta", 0.7)):
        tubes.bend(gas, np.stack([across, down], axis=1) / 16 * reach * scale + at)


def _moon(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    outer = _circle(at, reach, 0.9, 2 * np.pi - 0.9)
    turn = np.linspace(-np.pi / 2, np.pi / 2, 30)
    inner = np.stack([0.62 - 0.95 * np.cos(turn), 0.78 * np.sin(turn)], axis=1) * reach + at
    tubes.bend("amber", np.concatenate([outer, inner]))
    _star(tubes, (at[0] + 0.55 * reach, at[1]), 0.38 * reach)


def _bolt(tubes: Tubes, at: tuple[float, float], reach: float) -> None:
    bolt = [(0.2, -1.1), (-0.6, 0.15), (-0.05, 0.15), (-0.3, 1.1), (0.65, -0.2), (0.1, -0.2), (0.55, -1.1), (0.2, -1.1)]
    tubes.bend("amber", np.array(bolt) * reach + at)
    tubes.bend("violet", _circle(at, 1.25 * reach))


def _palm(random: np.random.Generator, tubes: Tubes, at: float, tall: float) -> None:
    """Two tubes of trunk and a crown of feathered fronds."""
    sway = random.uniform(-0.05, 0.05)
    crown = np.array([at + sway, STREET + 0.01 - tall])
    trunk = curve(np.array([(at, STREET + 0.01), (at + 0.2 * sway, STREET - 0.5 * tall), crown]))
    tubes.wall(np.concatenate([np.add(trunk, (-0.009, 0)), np.add(trunk[::-1], (0.009, 0))]), is_brick=False)
    for side in (-1, 1):
        tubes.bend("amber", trunk + np.linspace(0.011, 0.006, len(trunk))[:, None] * (side, 0))
    sides = np.array([-0.3, 0.1, 0.5, 0.95])
    for angle in np.concatenate([sides, np.pi - sides, [1.5]]) + random.uniform(-0.12, 0.12, 9):
        reach = random.uniform(0.1, 0.15)
        out = np.array([np.cos(angle), -np.sin(angle)])
        bows = np.array([(0, 0), 0.6 * out + (0, -0.12), out * (1.1, 0.5) + (0, 0.35)])
        frond = curve(crown + reach * bows, 10)
        gas = "cyan" if angle < np.pi / 2 else "lime"
        tubes.bend(gas, frond, TUBE * 0.9)
        for point, share in zip(frond[4::2], np.linspace(1, 0.5, len(frond[4::2])), strict=True):
            tip = np.array([0.012 * np.sign(out[0]), 0.026]) * share
            tubes.bend(gas, np.array([point, point + tip]), TUBE * 0.55)


def _car(random: np.random.Generator, tubes: Tubes, at: float) -> None:
    """A car from behind, as a neon sign would draw it."""
    scale = random.uniform(0.09, 0.11)
    foot = np.array([at, STREET + 0.07])
    half = [(0.0, -1.05), (0.6, -1.03), (0.82, -0.62), (1.12, -0.55), (1.2, -0.2), (1.08, 0.0), (0.0, 0.0)]
    body = np.array([*half, *[(-x, y) for x, y in half[::-1]]]) * scale + foot
    tubes.wall(body, is_brick=False)
    tubes.bend("magenta", body)
    rear = np.array([(-0.72, -0.64), (-0.5, -0.94), (0.5, -0.94), (0.72, -0.64), (-0.72, -0.64)])
    tubes.bend("cyan", rear * scale + foot)
    tubes.bend("violet", np.array([(-1.0, -0.16), (1.0, -0.16)]) * scale + foot)
    for side in (-1, 1):
        for row in (-0.46, -0.36, -0.26):
            tubes.bend("red", np.array([(side * 0.5, row), (side * 1.0, row)]) * scale + foot, TUBE * 1.2)
        wheel = _box(side * 0.95 - 0.17, 0.02, side * 0.95 + 0.17, 0.18)
        tubes.bend("violet", wheel * scale + foot, TUBE * 0.7)


def _lit(random: np.random.Generator, tubes: Tubes) -> Field:
    """Tubes and their halos, and the bricks that these light."""
    shining, falling = tubes.light()
    shape = shining.shape[:2]
    down, across = places(*shape)
    course = down / 0.0165
    place = across / 0.043 + 0.5 * np.mod(np.floor(course), 2)
    is_mortar = (np.mod(course, 1) < 0.16) | (np.mod(place, 1) < 0.07)
    tint = 0.6 + 0.4 * np.sin(np.floor(course) * 41.3 + np.floor(place) * 17.7)
    rough = noise(random, shape, cells=140, octaves=3)
    brick = np.where(is_mortar, 0.12, (0.3 + 0.55 * tint) * (0.45 + 0.9 * rough))
    walls = np.asarray(tubes.walls, dtype=np.float32) / 255
    sky = noise(random, shape, cells=3, octaves=5)
    haze = np.clip(1 - np.abs(down - 0.5) * 1.7, 0, 1)[..., None] * np.array([0.26, 0.05, 0.36])
    night = haze * np.clip(2.4 * sky - 0.7, 0.1, 1.6)[..., None] + np.array([0.012, 0.012, 0.045])
    ambient = np.array([0.075, 0.03, 0.11])
    wall = (falling * 5.5 + ambient) * (brick[..., None] * np.array([1.0, 0.85, 0.95]))
    rain = np.clip(noise(random, shape, cells=170, octaves=2, stretch=0.07) * 5 - 3.3, 0, 1)
    lit: Field = shining * 0.9 + mix(night, wall, walls) + rain[..., None] * (falling * 1.1 + 0.02)
    return lit


def _wet(random: np.random.Generator, scene: Field, is_solid: Field) -> Field:
    """The scene, and below it the street: its image drawn long, broken by ripples, on rough asphalt."""
    height, width = scene.shape[:2]
    start = round(STREET * height)
    rows = np.arange(height - start)
    depth = (rows / len(rows))[:, None]
    shape = (len(rows), width)
    ripple = noise(random, shape, cells=26, octaves=4, stretch=3.2) - 0.5
    fine = noise(random, shape, cells=150, octaves=2, stretch=2.5) - 0.5
    aside = (np.arange(width) + width * (0.035 * ripple + 0.012 * fine) * (0.35 + depth)).astype(int)
    image = np.zeros((*shape, 3), dtype=np.float32)
    for smear in SMEARS:
        up = start - 1 - (rows[:, None] * 1.6 + height * (smear + 0.05 * ripple) * (0.3 + depth)).astype(int)
        image += scene[np.clip(up, 0, start - 1), np.clip(aside, 0, width - 1)] / len(SMEARS)
    puddles = np.clip(3.2 * (noise(random, shape, cells=5, octaves=4, stretch=2.2) - 0.36), 0.22, 1)
    asphalt = noise(random, shape, cells=230, octaves=2)
    street = image * (puddles * (0.55 + 0.6 * asphalt))[..., None] * 1.05
    lane = np.abs(np.arange(width)[None] / width - 0.5) / (0.02 + 0.9 * depth)
    dashes = (np.abs(lane - 0.28) < 0.014) & (np.mod(4.2 / (0.25 + depth), 1) < 0.55)
    street += (dashes * (0.2 + 0.8 * asphalt))[..., None] * np.array([0.35, 0.2, 0.4]) * 0.5
    own = scene[start:] * np.clip(1.6 - 4 * depth, 0, 1)[..., None]
    return np.concatenate([scene[:start], np.where(is_solid[start:, :, None], scene[start:], np.maximum(street, own))])
