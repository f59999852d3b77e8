"""Deco poster: a liner before a skyline and a rayed sun, airbrushed through stencils, with gold lines and grain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, mix, noise, places

ASPECT: Final = 0.8
"""Width over height."""
PALETTES: Final = (
    ("#f6e2ae", "#f2a03d", "#d2492a", "#0f4c5c", "#0b2233", "#e0b04c"),
    ("#fbe3bd", "#ef8354", "#b32d45", "#1f4e79", "#141a3a", "#e6bb58"),
    ("#f4e8c1", "#e9b44c", "#c8553d", "#1c6e62", "#0d2b2b", "#ecc768"),
)
"""Cream, orange, red, blue, night, gold."""


def paint(seed: int, size: int) -> Pixels:
    """An upright picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    poster = Poster(random, height, PALETTES[random.integers(len(PALETTES))])
    sun = random.uniform(0.26, 0.54), random.uniform(0.26, 0.34)
    poster.rays(sun, int(random.choice((15, 18, 22))))
    poster.skyline(0.64, tall=0.3, count=9, pale=0.55)
    poster.skyline(0.64, tall=0.2, count=11, pale=0.2)
    poster.water(0.64)
    stem, water = random.uniform(0.46, 0.58), random.uniform(0.82, 0.86)
    poster.liner(stem, water, random.uniform(0.50, 0.58))
    poster.swells(water - 0.015)
    poster.gulls(int(random.integers(5, 9)))
    poster.frame()
    return finished(poster.printed()[:, :: random.choice((-1, 1))], size)


WHITE: Final = "#fdf6e3"
NEAR_SIDE: Final = (
    ((-0.37, -0.085), (-0.2, -0.02), (0.0, -0.075)),
    ((0.0, -0.075), (-0.012, 0.3), (0.0, 0.66)),
    ((-0.1, 0.66), (-0.16, 0.6), (-0.27, 0.3), (-0.37, -0.085)),
)
"""Of the hull, from the stem: sheer, stem and flare, in heights of the ship. Chosen by eye."""
FAR_SIDE: Final = (
    ((0.0, -0.075), (0.24, -0.015), (0.43, -0.07)),
    ((0.43, -0.07), (0.36, 0.35), (0.24, 0.6), (0.16, 0.66)),
    ((0.0, 0.66), (-0.012, 0.3), (0.0, -0.075)),
)


@dataclass(frozen=True)
class Sheet:
    """A part of the paper, and what was printed there so far; lengths are in heights of the whole."""

    down: Field
    across: Field
    grain: Field
    colours: Field
    pixels: int
    """In a height of the whole."""

    def within(self, left: float, top: float, right: float, bottom: float) -> "Sheet":
        """A part of this part, a little larger than asked for: what is printed there is printed here."""
        rim = 0.008
        up, aside = self.down[0, 0] + rim, self.across[0, 0] + rim
        rows = slice(max(0, int((top - up) * self.pixels)), max(2, int((bottom + 2 * rim - up) * self.pixels)))
        columns = slice(max(0, int((left - aside) * self.pixels)), max(2, int((right + 2 * rim - aside) * self.pixels)))
        down, across, grain, colours = (
            field[rows, columns] for field in (self.down, self.across, self.grain, self.colours)
        )
        return Sheet(down, across, grain, colours, self.pixels)

    def sprayed(self, shade: Field, *colours: str) -> Field:
        """A run of colours, broken into specks as an airbrush leaves it."""
        return gradient(np.clip(shade + 0.55 * self.grain, 0, 1), colours)

    def stencil(self, where: Field, colours: Field) -> None:
        """Spray through a stencil."""
        np.copyto(self.colours, colours, where=where[..., None], casting="same_kind")

    def edge(self, where: Field, colour: str) -> None:
        """Draw a line along the edge of a stencil."""
        soft = Image.fromarray(where.astype(np.uint8) * 255).filter(ImageFilter.GaussianBlur(0.0014 * self.pixels))
        self.stencil(np.abs(np.asarray(soft) / 255 - 0.5) < 0.3, flat(colour))

    def polygon(self, points: Field) -> Field:
        """Where a polygon of (across, down) points lies."""
        image = Image.new("1", self.down.shape[::-1])
        corners = (points - (self.across[0, 0], self.down[0, 0])) * self.pixels
        ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in corners], fill=1)
        return np.asarray(image)


def flat(colour: str) -> Field:
    """One colour, shape (3,)."""
    channels: Field = gradient(np.zeros(1), [colour])[0]
    return channels


class Poster:
    """A stone in the making: each stencil is sprayed over what lies below it. Lengths are in heights of the picture."""

    def __init__(self, random: np.random.Generator, height: int, palette: Sequence[str]) -> None:
        self._random = random
        down, across = (place.astype(np.float32) for place in places(height, round(height * ASPECT)))
        self.cream, self.orange, self.red, self.blue, self.night, self.gold = palette
        # One spray for all stencils: specks of three sizes, so that shades break up into grain.
        specks = [noise(random, down.shape, cells=cells, octaves=1) for cells in (300, 190, 110)]
        grain = ((specks[0] + specks[1] + 0.8 * specks[2]) / 2.8 - 0.5).astype(np.float32)
        self.sheet = Sheet(down, across, grain, np.zeros((*down.shape, 3), dtype=np.float32), height)

    def rays(self, sun: tuple[float, float], count: int) -> None:
        """The sky: beams that widen from the sun, sprayed darker along one edge, and rings of light round the disc."""
        sheet = self.sheet
        from_across, from_down = sheet.across - sun[0], sheet.down - sun[1]
        far = np.hypot(from_across, from_down)
        turn = np.mod(np.arctan2(from_down, from_across) / (2 * np.pi) * count, 1)
        beam = np.where(turn < 0.5, 2 * turn, 2 * turn - 1)
        reach = np.clip(far / 0.85, 0, 1)
        warm = sheet.sprayed(1.05 * reach + 0.3 * beam - 0.12, self.cream, self.cream, self.orange, self.red)
        cool = sheet.sprayed(1.1 * reach + 0.35 * beam, self.orange, self.red, self.blue, self.night)
        rim = np.exp(-((np.minimum(turn, np.abs(turn - 0.5)) * far * 900 / count) ** 2))
        sheet.colours[:] = mix(np.where((turn < 0.5)[..., None], warm, cool), flat(self.gold), rim)
        discs = ((0.225, self.orange, self.red), (0.175, self.gold, self.orange), (0.125, self.cream, self.cream))
        for radius, light, dark in discs:
            sheet.stencil(far < radius, sheet.sprayed((far / radius) ** 2 * 0.95, self.cream, light, dark))
            sheet.stencil(np.abs(far - radius) < 0.0022, flat(self.gold))

    def skyline(self, floor: float, tall: float, count: int, pale: float) -> None:
        """Towers that step back towards their tops, each lit on its left and lined with windows."""
        random = self._random
        for middle in random.permutation(np.linspace(-0.02, ASPECT + 0.02, count)):
            half = random.uniform(0.028, 0.05)
            top = floor - tall * random.uniform(0.35, 1.0) * (0.62 + 0.5 * abs(middle / ASPECT - 0.5) * 2)
            steps = int(random.integers(2, 5))
            for step in range(steps):
                wide = half * (1 - 0.24 * step)
                high = floor - (floor - top) * (0.55 + 0.45 * (step + 1) / steps)
                self._block(middle, wide, high, floor, pale)
            self._spire(middle, half, top, pale)

    def _block(self, middle: float, half: float, top: float, floor: float, pale: float) -> None:
        """One step of a tower."""
        sheet = self.sheet.within(middle - half, top, middle + half, floor)
        place = (sheet.across - middle) / half
        front = place < 0.35
        inside = (np.abs(place) < 1) & (sheet.down > top) & (sheet.down < floor)
        shade = np.where(front, 0.2 + 0.22 * (place + 1), 0.9) - 0.3 * (sheet.down - top) / (floor - top) + 0.15
        body = sheet.sprayed(shade, self.cream, self.orange, self.blue, self.night)
        body = mix(body, flat(self.orange), pale * np.clip((sheet.down - top) / (floor - top), 0.15, 1))
        columns, rows = np.mod((place + 1) * half / 0.0125, 1), np.mod((sheet.down - top) / 0.02, 1)
        lit = (np.abs(columns - 0.5) < 0.2) & (rows > 0.3) & (sheet.down > top + 0.012)
        body = np.where((lit & front)[..., None], flat(self.night), body)
        body = np.where((lit & ~front)[..., None], flat(self.gold), body)
        sheet.stencil(inside, body)
        sheet.stencil(inside & ((sheet.down < top + 0.003) | (np.abs(place) > 1 - 0.0022 / half)), flat(self.gold))

    def _spire(self, middle: float, half: float, top: float, pale: float) -> None:
        """What crowns a tower: a needle, a dome or a mast."""
        kind = self._random.integers(3)
        rise = self._random.uniform(0.03, 0.07)
        sheet = self.sheet.within(middle - half, top - rise, middle + half, top)
        climb = (sheet.down - top + rise) / rise
        if kind == 0:
            inside = (np.abs(sheet.across - middle) < 0.3 * half * climb**2) & (climb > 0) & (climb < 1)
        elif kind == 1:
            inside = (np.hypot(sheet.across - middle, sheet.down - top) < 0.45 * half) & (climb < 1)
        else:
            inside = (np.abs(sheet.across - middle) < 0.0035) & (climb > 0) & (climb < 1)
        shade = 0.5 + 0.5 * (sheet.across - middle) / half - 0.3 * pale
        sheet.stencil(inside, sheet.sprayed(shade, self.cream, self.gold, self.red, self.night))

    def water(self, level: float) -> None:
        """The harbour: bands that grow towards the front, each sprayed dark at its lower edge."""
        sheet = self.sheet.within(0, level, ASPECT, 1)
        near = np.clip((sheet.down - level) / (1 - level), 0, 1)
        band = np.sqrt(near) * 9 + 0.3 * np.sin(2 * np.pi * sheet.across * 1.7 + 9 * near)
        shade = 0.25 + 0.42 * np.mod(band, 1) + 0.4 * near
        colours = sheet.sprayed(shade, self.cream, self.orange, self.blue, self.blue, self.night)
        sheet.stencil(sheet.down > level, colours)
        sheet.stencil(np.abs(sheet.down - level) < 0.0015, flat(self.gold))

    def liner(self, stem: float, water: float, tall: float) -> None:
        """The ship from ahead and a little to one side: a knife of a bow, white decks in steps, raked funnels."""
        top = water - 0.62 * tall
        for funnel, (aside, rise) in enumerate(((0.105, 0.36), (0.058, 0.41), (0.005, 0.46))):
            self._funnel(stem + aside * tall / 0.54, top + 0.02, rise * tall, 0.085 * tall * (0.8 + 0.1 * funnel))
        for deck in range(5):
            self._deck(stem + 0.05 * tall, (0.26 - 0.034 * deck) * tall, top - (0.02 + 0.042 * deck) * tall, tall)
        ends = (stem - 0.4 * tall, top - 0.1 * tall, stem + 0.45 * tall, top + 0.68 * tall)
        sheet = self.sheet.within(*ends)
        x, y = (sheet.across - stem) / tall, (sheet.down - top) / tall
        holes = np.hypot(np.mod(x / 0.045, 1) - 0.5, (y - 0.09 - 0.25 * x**2) / 0.045) < 0.2
        sheen = 0.42 * np.exp(-(((x - 0.1 + 0.06 * y) / 0.05) ** 2))
        shaded = sheet.sprayed(
            1.02 - 3.1 * np.clip(x, 0, 0.4) ** 2 - sheen, self.orange, self.red, self.night, self.night
        )
        lit = sheet.sprayed(0.75 - 2.3 * np.clip(-x, 0, 0.33) + 0.1 * y, self.cream, self.red, self.blue, self.night)
        keel = (
            sheet.sprayed(np.full_like(x, 0.95), self.red, self.red, self.night),
            sheet.sprayed(0.9 - 1.5 * np.clip(-x, 0, 0.33), self.cream, self.orange, self.red, self.night),
        )
        for outline, hull, boot, line in ((FAR_SIDE, shaded, keel[0], self.red), (NEAR_SIDE, lit, keel[1], self.gold)):
            inside = sheet.polygon(np.concatenate([curve(np.array(part)) for part in outline]) * tall + (stem, top))
            sheet.stencil(inside, np.where((y > 0.5)[..., None], boot, hull))
            sheet.stencil(inside & (np.abs(y - 0.5) < 0.005), flat(self.gold))
            sheet.stencil(inside & holes & (np.abs(x) > 0.06), flat(self.gold))
            sheet.edge(inside, line)
        for side in (-1, 1):
            self._bow_wave(stem, water - 0.045 * tall, side * tall)

    def _deck(self, middle: float, half: float, top: float, tall: float) -> None:
        """One white deck with a row of windows, its right side in shadow."""
        sheet = self.sheet.within(middle - half, top - 0.02 * tall, middle + half, top + 0.3 * tall)
        place = (sheet.across - middle) / half
        depth = (sheet.down - top) / tall + 0.012 * (1 - place**2)
        inside = (np.abs(place) < 1) & (depth > 0) & (depth < 0.3)
        shade = 0.12 + np.where(place < -0.15, 0.14 * (1 + place), 0.42 + 0.2 * place) + 2 * depth
        rows = depth / 0.042
        panes = (np.mod(place * half / 0.011, 1) < 0.6) & (rows > 0.42) & (rows < 0.8)
        white = sheet.sprayed(shade, WHITE, self.cream, self.blue, self.night)
        sheet.stencil(inside, np.where(panes[..., None], flat(self.night), white))
        sheet.stencil(inside & (rows < 0.1), flat(self.gold))

    def _bow_wave(self, stem: float, down: float, reach: float) -> None:
        """Foam that the stem throws to one side: three sickles, one in front of the other."""
        for part, colour in ((1.0, self.blue), (0.8, self.cream), (0.6, WHITE)):
            upper = curve(np.array([(0, -0.05), (0.13, 0.005), (0.25, -0.055), (0.36, 0.06)]))
            lower = curve(np.array([(0.36, 0.06), (0.2, 0.09), (0, 0.09)]))
            outline = np.concatenate([upper, lower]) * part * (reach, abs(reach)) + (stem, down + 0.04 * (1 - part))
            left, right = sorted((stem, stem + 0.4 * reach))
            sheet = self.sheet.within(left, down - 0.1, right, down + 0.1)
            where = sheet.polygon(outline)
            shade = 0.2 + 5 * (sheet.down - down)
            sheet.stencil(where, sheet.sprayed(shade, colour, colour, self.blue))
            sheet.edge(where, self.night if colour == self.blue else self.gold)

    def _funnel(self, middle: float, foot: float, rise: float, half: float) -> None:
        """A raked funnel with two bands, and the smoke that breaks up into specks."""
        sheet = self.sheet.within(middle - half, foot - 1.7 * rise, middle + half + 0.3 * rise, foot)
        lean = 0.12 * (foot - sheet.down)
        place = (sheet.across - middle - lean) / half
        climb = (foot - sheet.down) / rise
        inside = (np.abs(place) < 1) & (climb < 1 + 0.05 * np.sqrt(np.clip(1 - place**2, 0, 1))) & (climb > 0)
        shade = 0.5 + 0.5 * place - 0.35 * np.exp(-(((place + 0.5) / 0.2) ** 2))
        body = sheet.sprayed(shade, self.orange, self.red, self.red, self.night)
        body = np.where((climb > 0.84)[..., None], sheet.sprayed(shade, self.blue, self.night, self.night), body)
        band = (np.abs(climb - 0.76) < 0.04)[..., None]
        body = np.where(band, sheet.sprayed(shade, WHITE, self.cream, self.blue), body)
        sheet.stencil(inside, body)
        sheet.edge(inside, self.gold)
        plume = np.abs(place * half - 0.02 * np.sin(9 * climb)) < 0.02 + 0.05 * (climb - 1)
        drift = (climb > 1.05) & (climb < 1.6) & plume
        smoke = sheet.sprayed(climb - 1.1 + 0.2 * place, self.night, self.blue, self.cream)
        sheet.stencil(drift & (sheet.grain > 1.6 * (climb - 1.35)), smoke)

    def swells(self, level: float) -> None:
        """The bow wave: fans of arcs, row before row, each a scale with a light rim."""
        for row in range(6):
            y, radius = level + 0.012 + 0.033 * row, 0.055 + 0.011 * row
            for index in range(-1, round(ASPECT / (1.5 * radius)) + 2):
                middle = (index + 0.5 * (row % 2)) * 1.5 * radius + 0.01
                sheet = self.sheet.within(middle - radius, y - 0.1, middle + radius, y + 2 * radius)
                far = np.hypot(sheet.across - middle, (sheet.down - y - 0.75 * radius) * 1.3) / radius
                ring = np.mod(far * 3.5, 1)
                shade = 0.25 + 0.6 * ring + 0.06 * row - 0.2 * (sheet.across - middle) / radius
                sea = sheet.sprayed(shade, self.cream, self.blue, self.blue, self.night)
                sheet.stencil(far < 1, sea)
                sheet.stencil(np.abs(far - 0.985) < 0.0022 / radius, flat(self.gold))

    def gulls(self, count: int) -> None:
        """White birds in a loose arc, each two sickles."""
        random = self._random
        for share in np.linspace(0, 1, count):
            middle = np.array([0.08 + 0.62 * share, 0.17 - 0.09 * np.sin(np.pi * share)]) + random.normal(0, 0.02, 2)
            span = random.uniform(0.022, 0.042)
            for side in (-1, 1):
                upper = curve(np.array([(0, 0.05), (side * 0.45, -0.38), (side * 1.1, -0.12)]))
                lower = curve(np.array([(side * 1.1, -0.12), (side * 0.5, -0.16), (0, 0.22)]))
                ends = (middle[0] - 1.2 * span, middle[1] - 0.5 * span, middle[0] + 1.2 * span, middle[1] + 0.3 * span)
                sheet = self.sheet.within(*ends)
                wing = sheet.polygon(np.concatenate([upper, lower]) * span + middle)
                sheet.stencil(wing, flat(WHITE if side < 0 else self.cream))
                sheet.edge(wing, self.night)

    def frame(self) -> None:
        """A night-blue border whose corners step inwards, with two gold lines."""
        sheet = self.sheet
        side = np.minimum(sheet.across, ASPECT - sheet.across)
        level = np.minimum(sheet.down, 1 - sheet.down)
        step = np.minimum(side, level)
        corner = (side < 0.085) & (level < 0.085)
        step = np.where(corner, np.minimum(step, np.maximum(side, level) - 0.04), step)
        sheet.stencil(step < 0.022, sheet.sprayed(0.85 + 5 * step, self.blue, self.night, self.night))
        sheet.stencil(np.abs(step - 0.022) < 0.0026, flat(self.gold))
        sheet.stencil(np.abs(step - 0.014) < 0.0012, flat(self.gold))

    def printed(self) -> Field:
        """The whole as the stone prints it: specks of bare paper in the darks, of ink in the lights, soft tooth."""
        sheet = self.sheet
        tooth = noise(self._random, sheet.down.shape, cells=420, octaves=1) - 0.5
        wear = noise(self._random, sheet.down.shape, cells=3, octaves=4) - 0.5
        bare = np.clip((tooth + 0.35 * wear + 0.5 * sheet.grain - 0.42) * 9, 0, 0.55)
        colours = mix(sheet.colours, flat(self.cream), bare)
        return np.asarray(colours * (1 + 0.1 * tooth + 0.08 * sheet.grain)[..., None])
