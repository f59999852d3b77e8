"""A town by the water: a photograph that nobody took, of a harbour front and its reflection, for the samples.

Drawn as two pictures of the same size: what colour things are, and how much light falls on them; their product is the
photograph.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise, places

ASPECT: Final = 0.75
WATERLINE: Final = 0.66
WALLS: Final = ("#d9b777", "#c98a5a", "#a9573f", "#c3b8a2", "#dcd3bf", "#8796a0", "#c79a88", "#93a083", "#b9a14f")
ROOFS: Final = ("#7c3d2e", "#6a3a31", "#8a4a35", "#4d4543", "#5a4a44")
GLASS: Final = ("#2c3540", "#3b4854", "#5c6f80", "#20272f")
TRIM: Final = "#d8d2c4"
FULL: Final = 200
"""The value of full light in the picture of light; more is a gleam."""


@dataclass(frozen=True)
class House:
    """One front: its left edge, eaves, width and foot, in pixels; far ones are paler."""

    left: float
    eaves: float
    width: float
    foot: float
    wall: str
    roof: str


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, three quarters as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    down, across = places(height, width)
    picture = _sky(random, down)
    for eaves, share, haze in ((0.36, 0.8, 0.42), (0.45, 1.0, 0.0)):
        row = Row(random, width, height)
        if haze:
            row.church(0.63, 0.075)
        row.houses(eaves * height, share)
        if not haze:
            row.quay()
            row.boats()
        picture = row.over(picture, haze)
    picture = _water(random, picture, down, across)
    glow = 1 + 0.10 * (across / across.max() - 0.5)
    vignette = 1 - 0.22 * ((down - 0.5) ** 2 + (across / across.max() - 0.5) ** 2)
    soft = np.asarray(
        Image.fromarray(_bytes(picture * (glow * vignette)[..., None])).filter(ImageFilter.GaussianBlur(0.7))
    )
    return finished(soft / 255 + random.normal(0, 0.014, (height, width, 1)), size)


def _bytes(colours: Field) -> Pixels:
    return (np.clip(colours, 0, 1) * 255).astype(np.uint8)


def _sky(random: np.random.Generator, down: Field) -> Field:
    clouds = noise(random, down.shape, cells=3, octaves=7, stretch=2.5)
    above = np.roll(clouds, -down.shape[0] // 40, axis=0)
    blue = gradient(np.clip(down / WATERLINE, 0, 1), ["#4f86bd", "#8fb8dc", "#dfe6e4"])
    # A cloud is grey where more of it lies over it.
    white = gradient(np.clip(0.75 + 2.2 * (clouds - above), 0, 1), ["#9aa5b4", "#cfd4d8", "#fbf7ef"])
    return mix(blue, white, np.clip((clouds - 0.5) * 5, 0, 0.95))


class Row:
    """One row of houses: its colours, its light, and where it covers what is behind it."""

    def __init__(self, random: np.random.Generator, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.unit = width / 1536
        self._random = random
        self._colours = Image.new("RGB", (width, height))
        self._light = Image.new("L", (width, height), FULL)
        self._cover = Image.new("L", (width, height), 0)
        self._paint, self._shine = ImageDraw.Draw(self._colours), ImageDraw.Draw(self._light)
        self._mark = ImageDraw.Draw(self._cover)

    def over(self, picture: Field, haze: float) -> Field:
        """The row in front of what is behind it, with plaster, tiles and soft shadows; `haze` pales it."""
        height, width = self.height, self.width
        light = np.asarray(self._light.filter(ImageFilter.GaussianBlur(2.5 * self.unit)), dtype=np.float64) / FULL
        stains = noise(self._random, (height, width), cells=9, octaves=7) - 0.5
        rough = noise(self._random, (height, width), cells=220, octaves=2) - 0.5
        shade = light * (1 + 0.34 * stains + 0.16 * rough)
        # Shadows are lit by the sky: cooler than what the sun reaches.
        tint = mix(np.array([0.80, 0.90, 1.08]), np.array([1.07, 1.0, 0.90]), np.clip(light * 1.6 - 0.6, 0, 1))
        lit = np.asarray(self._colours, dtype=np.float64) / 255 * shade[..., None] * tint
        cover = np.asarray(self._cover, dtype=np.float64) / 255
        return mix(picture, mix(lit, np.array([0.77, 0.82, 0.87]), haze), cover)

    def church(self, across: float, top: float) -> None:
        """A square tower with a copper spire."""
        middle, half, head = across * self.width, 0.03 * self.width, top * self.height
        belfry = 0.24 * self.height
        self._box((middle - half, belfry, middle + half, self.height * WATERLINE), "#b8a88c")
        self._shine.rectangle((middle + 0.3 * half, belfry, middle + half, self.height), fill=120)
        spire = [(middle - half * 1.1, belfry), (middle + half * 1.1, belfry), (middle, head)]
        self._polygon(spire, "#5f7f72")
        self._shine.polygon([spire[1], spire[2], (middle + 0.2 * half, belfry)], fill=110)
        for storey in range(2):
            y = belfry + (0.03 + 0.075 * storey) * self.height
            for side in (-0.45, 0.45):
                x = middle + side * half
                box = (x - 0.2 * half, y, x + 0.2 * half, y + 0.045 * self.height)
                self._paint.rounded_rectangle(box, radius=0.2 * half, fill="#2d2c2e")
        self._paint.line((middle, head, middle, head - 0.02 * self.height), fill="#8d7b3c", width=round(4 * self.unit))
        self._mark.line((middle, head, middle, head - 0.02 * self.height), fill=255, width=round(4 * self.unit))

    def houses(self, eaves: float, share: float) -> None:
        """Houses from edge to edge, about as high as `eaves`, narrower by `share`; no wall like its neighbour's."""
        random = self._random
        left, wall = -0.04 * self.width, ""
        while left < self.width:
            width = random.uniform(0.07, 0.135) * share * self.width
            wall = str(random.choice([other for other in WALLS if other != wall]))
            top = eaves + random.uniform(-0.055, 0.055) * self.height
            self._house(House(left, top, width, WATERLINE * self.height, wall, str(random.choice(ROOFS))))
            left += width

    def _house(self, house: House) -> None:
        right = house.left + house.width
        kind = self._random.random()
        pitch = self._random.uniform(0.05, 0.085) * self.height
        if kind < 0.45:
            pitch = house.width * self._random.uniform(0.5, 0.7)
            self._gable(house, pitch)
        else:
            self._side_roof(house, pitch)
        self._box((house.left, house.eaves, right, house.foot), house.wall)
        self._chimney(house, pitch, on_a_slope=kind < 0.45)
        self._cornice(house, is_gable=kind < 0.45)
        # The neighbour's corner shades a strip, and the wall is darker where it is damp.
        strip = self._random.uniform(0.02, 0.09) * house.width
        self._shine.rectangle((house.left, house.eaves + 10 * self.unit, house.left + strip, house.foot), fill=125)
        for step in range(6):
            y = house.foot - (6 - step) * 6 * self.unit
            self._shine.rectangle((house.left, y, right, house.foot), fill=FULL - 12 * (step + 1))
        self._windows(house)

    def _gable(self, house: House, pitch: float) -> None:
        """A front that ends in a point, with the roof's edge along it, and a round window."""
        middle, right, rim = house.left + house.width / 2, house.left + house.width, 9 * self.unit
        self._polygon(
            [(house.left - rim, house.eaves), (right + rim, house.eaves), (middle, house.eaves - pitch - rim)],
            house.roof,
        )
        self._polygon(
            [(house.left + rim, house.eaves + 1), (right - rim, house.eaves + 1), (middle, house.eaves - pitch + rim)],
            house.wall,
        )
        for end in (house.left, right):
            self._shine.line(
                (end, house.eaves + rim, middle, house.eaves - pitch + rim * 2), fill=130, width=round(rim)
            )
        y, r = house.eaves - 0.3 * pitch, 0.085 * house.width
        self._paint.ellipse((middle - r * 1.3, y - r * 1.3, middle + r * 1.3, y + r * 1.3), fill=TRIM)
        self._paint.ellipse((middle - r, y - r, middle + r, y + r), fill=GLASS[0])

    def _side_roof(self, house: House, pitch: float) -> None:
        """A roof that slopes towards us, tile by tile, with dormers."""
        left, right, inset = house.left - 4 * self.unit, house.left + house.width + 4 * self.unit, 0.03 * house.width
        top = house.eaves - pitch
        self._polygon(
            [(left, house.eaves), (right, house.eaves), (right - inset, top), (left + inset, top)], house.roof
        )
        for y in np.arange(top, house.eaves, 7 * self.unit):
            self._shine.line(
                (left, y, right, y), fill=int(self._random.uniform(140, 185)), width=round(2.5 * self.unit)
            )
            for x in np.arange(left, right, 9 * self.unit):
                tile = (x, y, x + 8 * self.unit, y + 5 * self.unit)
                self._shine.rectangle(tile, fill=int(np.clip(self._random.normal(190, 22), 110, 240)))
        for middle in np.linspace(left, right, int(self._random.integers(3, 5)))[1:-1]:
            half, y = 0.075 * house.width, house.eaves - 0.62 * pitch
            self._paint.polygon(
                [(middle - half * 1.4, y), (middle + half * 1.4, y), (middle, y - 0.3 * pitch)], fill=house.roof
            )
            self._paint.rectangle((middle - half * 1.15, y, middle + half * 1.15, y + 0.45 * pitch), fill=house.wall)
            self._shine.rectangle((middle - half * 1.2, y, middle + half * 1.7, y + 0.5 * pitch), fill=150)
            self._paint.rectangle(
                (middle - half * 0.7, y + 3 * self.unit, middle + half * 0.7, y + 0.38 * pitch), fill=GLASS[1]
            )

    def _chimney(self, house: House, pitch: float, *, on_a_slope: bool) -> None:
        x = house.left + house.width * self._random.choice((0.2, 0.74))
        foot = house.eaves - pitch * (0.3 if on_a_slope else 0.97)
        box = (x, foot - 0.5 * pitch, x + 0.075 * house.width, foot)
        self._box(box, "#7b5347")
        self._shine.rectangle((box[0], box[1], (box[0] + box[2]) / 2, box[3]), fill=140)
        self._box((box[0] - 3 * self.unit, box[1], box[2] + 3 * self.unit, box[1] + 5 * self.unit), "#50423d")

    def _cornice(self, house: House, *, is_gable: bool) -> None:
        right = house.left + house.width
        if not is_gable:
            self._paint.rectangle((house.left, house.eaves, right, house.eaves + 7 * self.unit), fill=TRIM)
            self._shine.rectangle(
                (house.left, house.eaves + 7 * self.unit, right, house.eaves + 20 * self.unit), fill=95
            )

    def _windows(self, house: House) -> None:
        """Storeys of recessed windows, some with shutters, over a ground floor of doors and shops."""
        random, unit = self._random, self.unit
        columns = max(2, round(house.width / (52 * unit)))
        tall = random.uniform(30, 38) * unit
        storey = tall * random.uniform(1.65, 1.85)
        half = min(0.3 * house.width / columns, tall * 0.36)
        shutters = (
            ImageColor.getrgb(str(random.choice(("#3f5a4a", "#4a5a6a", "#6a3f38")))) if random.random() < 0.35 else None
        )
        middles = house.left + house.width * (np.arange(columns) + 0.5) / columns
        ground = house.foot - 62 * unit
        for y in np.arange(house.eaves + 30 * unit, ground - tall * 1.15, storey):
            for x in middles:
                if shutters:
                    for side in (-1.62, 1.04):
                        self._paint.rectangle((x + side * half, y, x + (side + 0.58) * half, y + tall), fill=shutters)
                self._window((x - half, y, x + half, y + tall))
        door = int(random.integers(columns))
        for column, x in enumerate(middles):
            if column == door:
                box = (x - half, ground + 4 * unit, x + half, house.foot - 18 * unit)
                self._paint.rectangle(box, fill=str(random.choice(("#3a2c26", "#2f4238", "#5a2f28"))))
                self._shine.rectangle((box[0], box[1], box[2], box[1] + 8 * unit), fill=110)
            else:
                self._window((x - half * 1.25, ground + 8 * unit, x + half * 1.25, house.foot - 30 * unit))

    def _window(self, box: tuple[float, float, float, float]) -> None:
        random, unit = self._random, self.unit
        left, top, right, bottom = box
        self._paint.rectangle((left - 3 * unit, top - 3 * unit, right + 3 * unit, bottom + 4 * unit), fill=TRIM)
        glass = "#e8b96a" if random.random() < 0.05 else str(random.choice(GLASS))
        self._paint.rectangle(box, fill=glass)
        if random.random() < 0.4:
            self._paint.polygon(
                [(left, top), (right, top), (left, top + (bottom - top) * random.uniform(0.3, 0.8))], fill="#8fa5b5"
            )
        middle = (left + right) / 2
        bar = max(1, round(2 * unit))
        self._paint.line((middle, top, middle, bottom), fill=TRIM, width=bar)
        self._paint.line((left, top + 0.4 * (bottom - top), right, top + 0.4 * (bottom - top)), fill=TRIM, width=bar)
        self._shine.rectangle((left, top, right, top + 6 * unit), fill=105)
        self._shine.rectangle((left, top, left + 4 * unit, bottom), fill=130)
        self._shine.rectangle((left - 2 * unit, bottom + 4 * unit, right + 6 * unit, bottom + 9 * unit), fill=140)

    def quay(self) -> None:
        """A wall of cut stones, wet at its foot."""
        top, foot = (WATERLINE - 0.026) * self.height, WATERLINE * self.height
        self._box((0, top, self.width, foot), "#857a6b")
        for course in range(3):
            y = top + (foot - top) * course / 3
            x = -self._random.uniform(0, 40) * self.unit
            while x < self.width:
                length = self._random.uniform(22, 50) * self.unit
                light = int(np.clip(self._random.normal(175 - 28 * course, 20), 80, 225))
                self._shine.rectangle(
                    (x, y, x + length - 2 * self.unit, y + (foot - top) / 3 - 2 * self.unit), fill=light
                )
                x += length
        self._shine.rectangle((0, foot - 5 * self.unit, self.width, foot), fill=70)

    def boats(self) -> None:
        """Moored boats with masts, before the quay."""
        foot = WATERLINE * self.height + 2
        for across, length, colour in ((0.17, 0.13, "#e6e1d4"), (0.43, 0.09, "#2f4a66"), (0.80, 0.15, "#7a2f2a")):
            x, reach = across * self.width, length * self.width / 2
            self._polygon(
                [
                    (x - reach, foot - 0.2 * reach),
                    (x + reach * 1.1, foot - 0.3 * reach),
                    (x + reach * 0.85, foot),
                    (x - reach * 0.9, foot),
                ],
                colour,
            )
            self._shine.polygon(
                [
                    (x - reach, foot - 0.1 * reach),
                    (x + reach, foot - 0.1 * reach),
                    (x + reach, foot),
                    (x - reach, foot),
                ],
                fill=130,
            )
            self._box((x - 0.45 * reach, foot - 0.42 * reach, x + 0.2 * reach, foot - 0.22 * reach), "#cfc7b4")
            mast = foot - 2.7 * reach
            self._rope((x + 0.1 * reach, foot - 0.3 * reach), (x + 0.1 * reach, mast), "#5f4a36", 5)
            for end in (-0.95 * reach, 1.05 * reach):
                self._rope((x + 0.1 * reach, mast), (x + end, foot - 0.25 * reach), "#3a3634", 1.2)
            self._rope((x + 0.1 * reach, foot - 0.55 * reach), (x - 0.85 * reach, foot - 0.65 * reach), "#d8cdb4", 7)

    def _rope(self, start: tuple[float, float], end: tuple[float, float], colour: str, thickness: float) -> None:
        width = max(1, round(thickness * self.unit))
        self._paint.line([start, end], fill=colour, width=width)
        self._shine.line([start, end], fill=FULL, width=width)
        self._mark.line([start, end], fill=255, width=width)

    def _box(self, box: tuple[float, float, float, float], colour: str) -> None:
        left, top, right, bottom = box
        self._polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def _polygon(self, corners: list[tuple[float, float]], colour: str) -> None:
        self._paint.polygon(corners, fill=colour)
        self._shine.polygon(corners, fill=FULL)
        self._mark.polygon(corners, fill=255)


def _water(random: np.random.Generator, above: Field, down: Field, across: Field) -> Field:
    """The town mirrored in slow water: each row of ripples looks up at another height; darker towards us."""
    height, width = down.shape
    line = round(WATERLINE * height)
    depth = np.clip((np.arange(height)[:, None] - line) / (height - line), 0, 1)
    # Ripples look longer across than along our view, and larger towards us.
    near = np.log1p(9 * depth)
    drift = noise(random, (height, width), cells=6, octaves=4) - 0.5
    phase = 60 * near + 9 * drift + 2 * np.sin(3 * across)
    ripple = np.sin(phase) + 0.5 * np.sin(2.3 * phase + 8 * drift) + 0.35 * np.sin(5.1 * phase + 31 * across)
    rows = np.arange(height)[:, None] - line
    lift = ripple * (1.5 + 34 * depth) * width / 1536
    source = np.clip(line - rows * 1.3 - lift, 0, line - 1).astype(int)
    columns = np.clip(np.arange(width)[None] + ripple * (1 + 5 * depth), 0, width - 1).astype(int)
    mirrored = above[source, columns]
    share = np.broadcast_to(0.16 + 0.30 * depth, (height, width))
    wet = mix(mirrored * 0.86, np.array([0.10, 0.17, 0.19]), share) * (1 + 0.10 * ripple[..., None] * depth[..., None])
    return np.where((rows >= 0)[..., None], wet, above)
