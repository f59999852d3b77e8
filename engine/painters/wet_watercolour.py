"""Wet watercolour: poppies, daisies and cornflowers, in glazes that granulate, dry with dark edges and run back."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, mix, noise, places, soften

ASPECT: Final = 0.8
DEEPEST: Final = 2.4
"""The density that no number of glazes exceeds: they stay transparent."""
PAPER: Final = np.array([0.985, 0.972, 0.94])
SKIES: Final = ("#7fb2d6", "#9a8fd0", "#f2b9a0", "#f6d67a", "#6fc0bd", "#f4c6a8", "#f0a890")
MEADOWS: Final = ("#4f8f4a", "#2f7f77", "#8fae3c", "#2d5f8a", "#5a6fb5")
POPPIES: Final = (("#e2331f", "#f58a2a"), ("#cf1f3f", "#ef5a3a"), ("#f0602a", "#f9b440"), ("#d8306f", "#f07f6a"))
LEAVES: Final = (("#5c8f2f", "#1f6a5c"), ("#2f6f3a", "#a8b83a"), ("#2a6f78", "#6f9a35"), ("#86952c", "#2f5f3f"))
CORNFLOWERS: Final = (("#2f49b8", "#6a3fb0"), ("#3a6fd0", "#2b3aa0"), ("#6a45b8", "#3f62cf"))
DARK: Final = ("#2a1a3a", "#1f2a55")
YOLK: Final = ("#f4b81f", "#d9791f")


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    sheet = Sheet(random, height, round(height * ASPECT))
    sheet.background()
    sheet.salt(260)
    blooms = _scattered(random)
    for across, down, reach in blooms:
        sheet.stem(across, down + 0.4 * reach)
    sheet.grasses(70)
    for _ in range(26):
        sheet.leaf(random.uniform(0.06, 0.94) * ASPECT, 0.96 - 0.5 * random.random() ** 1.4, random.uniform(0.06, 0.15))
    for across, down, reach in blooms:
        if reach > 0.085:
            sheet.poppy(across, down, reach)
        elif random.random() < 0.5:
            sheet.daisy(across, down, reach)
        else:
            sheet.cornflower(across, down, reach)
    sheet.spatter(260)
    return finished(sheet.dried(), size)


def _scattered(random: np.random.Generator) -> list[tuple[float, float, float]]:
    """Across, down and radius of flowers that hardly touch, the large ones first to find a place; sorted downwards."""
    blooms: list[tuple[float, float, float]] = []
    for reach in (*random.uniform(0.13, 0.175, 3), *random.uniform(0.09, 0.125, 4), *random.uniform(0.04, 0.075, 22)):
        for _ in range(60):
            across, down = random.uniform(0.09, 0.91) * ASPECT, random.uniform(0.1, 0.8)
            if all(np.hypot(across - a, down - d) > 0.8 * (reach + r) for a, d, r in blooms):
                blooms.append((across, down, reach))
                break
    return sorted(blooms, key=lambda bloom: bloom[1])


class Sheet:
    """Rough paper and the pigment on it; lengths are in heights of the picture."""

    def __init__(self, random: np.random.Generator, height: int, width: int) -> None:
        self.height, self.width = height, width
        self._random = random
        shape = (height, width)
        self._tooth = noise(random, shape, cells=150, octaves=3).astype(np.float32)
        self._creep = noise(random, shape, cells=22, octaves=4).astype(np.float32)
        self._pools = noise(random, shape, cells=7, octaves=5).astype(np.float32)
        self._pull = np.stack([noise(random, shape, cells=40, octaves=4) - 0.5 for _ in range(2)]).astype(np.float32)
        self._density = np.zeros((height, width, 3), dtype=np.float32)
        self._pencil = Image.new("L", (width, height))

    def wash(
        self,
        outline: Field,
        pigments: tuple[str, str],
        strength: float,
        *,
        wet: float = 0,
        reserve: float = 0,
        ragged: float = 0.006,
        backruns: int = 0,
    ) -> None:
        """Lay one wash of two pigments that flow into each other.

        Args:
            outline: points (across, down) round the wash.
            wet: how far its edge bleeds into damp paper; a dry edge, at 0, dries darker than the rest.
            reserve: share of what lies there already that had been kept off the paper, with a sliver of white round it.
            ragged: how far the edge strays.
            backruns: how many blooms of water push the pigment aside.
        """
        random = self._random
        window, mask = self._cut(outline, margin=0.012 + 1.5 * wet, ragged=ragged)
        creep, tooth = self._creep[window], self._tooth[window]
        pools, flow = self._elsewhere(self._pools, mask.shape), self._elsewhere(self._pools, mask.shape)
        if wet:
            soft = soften(mask, wet * self.height)
            mask = np.clip(soft + 3 * (creep - 0.5) * soft * (1 - soft), 0, 1)
        if reserve:
            kept = np.clip(2.6 * soften(mask, 0.004 * self.height), 0, 1)
            self._density[window] *= (1 - reserve * kept)[..., None]
        rim = np.clip(mask - soften(mask, 0.0065 * self.height), 0, 1)
        body = mask * (0.4 + 1.2 * pools)
        down, across = places(*mask.shape)
        tilt = random.uniform(0, 2 * np.pi)
        body *= 1 + 0.7 * (np.cos(tilt) * (across - across.mean()) + np.sin(tilt) * (down - 0.5))
        for _ in range(backruns):
            body *= self._backrun(mask.shape)
        body = np.clip(body, 0, None) * (1 + 0.5 * (tooth - 0.5)) + 2.1 * rim
        share = np.clip(0.5 + 3.2 * (flow - 0.5), 0, 1)[..., None]
        absorbed = _absorption(pigments[0]) * (1 - share) + _absorption(pigments[1]) * share
        self._density[window] += strength * body[..., None] * absorbed

    def background(self) -> None:
        """Sky colours above and meadow colours below, wet in wet, then hard-edged glazes; the margin stays white."""
        random = self._random
        for _ in range(16):
            down = random.uniform(0.08, 0.92)
            family = MEADOWS if random.random() < 1.5 * (down - 0.3) else SKIES
            middle = (random.uniform(0.1, 0.9) * ASPECT, down)
            self.wash(self._blob(middle, random.uniform(0.12, 0.26)), _two(random, family), 0.55, wet=0.03, backruns=1)
        for _ in range(22):
            down = random.uniform(0.12, 0.9)
            family = MEADOWS if random.random() < 1.4 * (down - 0.35) else SKIES
            middle = (random.uniform(0.14, 0.86) * ASPECT, down)
            self.wash(self._blob(middle, random.uniform(0.05, 0.2)), _two(random, family), 0.4, ragged=0.03, backruns=2)
        for _ in range(5):
            middle = (random.uniform(0.15, 0.85) * ASPECT, random.uniform(0.55, 0.9))
            self.wash(self._blob(middle, 0.16), _two(random, MEADOWS), 0.85, wet=0.012, ragged=0.02, backruns=1)

    def salt(self, grains: int) -> None:
        """Grains that drank the water round them and left pale stars."""
        random = self._random
        for _ in range(grains):
            middle = (random.uniform(0.05, 0.95) * ASPECT, random.uniform(0.05, 0.95))
            star = self._blob(middle, random.uniform(0.002, 0.008), uneven=0.5)
            window, mask = self._cut(star, margin=0.01, ragged=0.006)
            self._density[window] *= (1 - random.uniform(0.3, 0.8) * mask)[..., None]

    def stem(self, across: float, down: float) -> None:
        """A stalk that bends from a flower to the foot of the picture."""
        random = self._random
        foot = 0.5 * ASPECT + 0.75 * (across - 0.5 * ASPECT) + random.normal(0, 0.03)
        middle = ((across + foot) / 2 + random.normal(0, 0.03), (down + 1) / 2)
        line = curve(np.array([(across, down), middle, (foot, random.uniform(0.97, 1.04))]), 12)
        self.wash(_ribbon(line, [0.006, 0.009, 0.012]), _one(random, LEAVES), 1.1, reserve=0.7, ragged=0.003)

    def grasses(self, blades: int) -> None:
        """Quick strokes of a pointed brush."""
        random = self._random
        for _ in range(blades):
            foot = np.array([random.uniform(0.04, 0.96) * ASPECT, random.uniform(0.75, 0.99)])
            tip = foot + np.array([random.normal(0, 0.06), -random.uniform(0.08, 0.3)])
            bend = (foot + tip) / 2 + (random.normal(0, 0.02), 0)
            line = curve(np.stack([foot, bend, tip]), 9)
            self.wash(
                _ribbon(line, [0.003, 0.008, 0.001]), _one(random, LEAVES), random.uniform(0.4, 0.9), ragged=0.003
            )

    def leaf(self, across: float, down: float, long: float) -> None:
        """Two halves with a white rib between them."""
        random = self._random
        angle = random.uniform(-np.pi, 0)
        way = np.linspace(0, 1, 14)[:, None]
        turn = angle + random.uniform(-0.7, 0.7) * way
        rib = np.array([across, down]) + long * way * np.hstack([np.cos(turn), np.sin(turn)])
        normal = np.hstack([-np.sin(turn), np.cos(turn)])
        teeth = 1 + 0.28 * (np.arange(14) % 2)[:, None]
        for side in (-1, 1):
            belly = rib + side * normal * (0.003 + random.uniform(0.16, 0.26) * long * np.sin(np.pi * way**0.8) * teeth)
            half = np.concatenate([rib + side * 0.0022 * normal, belly[::-1]])
            self.wash(half, _one(random, LEAVES), random.uniform(0.8, 1.5), reserve=0.75, ragged=0.004)
        self._draw(rib)

    def poppy(self, across: float, down: float, reach: float) -> None:
        """Five or six crumpled petals with veins, a dark heart that bled, and stamens."""
        random = self._random
        pigments = _one(random, POPPIES)
        middle, squash, turn = np.array([across, down]), random.uniform(0.6, 0.95), random.uniform(0, 2 * np.pi)
        petals = int(random.integers(4, 7))
        for petal in random.permutation(petals):
            angle = turn + 2 * np.pi * petal / petals + random.normal(0, 0.12)
            spread = random.uniform(0.62, 0.85) * 2 * np.pi / petals
            way = np.linspace(-1, 1, 15)
            far = reach * random.uniform(0.85, 1.15) * (1 - 0.42 * np.abs(way) ** 3.5) + random.normal(
                0, 0.035 * reach, 15
            )
            rim = _polar(angle + spread * way, far, squash)
            outline = middle + np.concatenate([0.1 * rim[:1], curve(rim, 3), 0.1 * rim[-1:]])
            self.wash(
                outline, pigments, random.uniform(0.75, 1.3), reserve=0.9, ragged=0.009, backruns=int(reach > 0.11)
            )
            for vein in np.linspace(-0.7, 0.7, 7) + random.normal(0, 0.06, 7):
                ends = np.array([random.uniform(0.25, 0.4), 0.6, random.uniform(0.7, 0.9)]) * reach
                line = middle + _polar(angle + spread * vein * np.array([0.6, 0.85, 1.0]), ends, squash)
                self.wash(_ribbon(curve(line, 6), [0.001, 0.0045, 0.001]), pigments, 0.7, ragged=0.003)
            self._draw(middle + 1.03 * rim)
        self.wash(self._blob((across, down), 0.3 * reach), DARK, 0.9, wet=0.01)
        self.wash(
            self._blob((across, down), 0.16 * reach, uneven=0.06),
            ("#8fae3a", "#4f7f5a"),
            1.3,
            reserve=0.7,
            ragged=0.003,
        )
        for _ in range(34):
            spot = middle + _polar(np.array([random.uniform(0, 7)]), reach * random.uniform(0.2, 0.42, 1), squash)[0]
            self.wash(self._blob((spot[0], spot[1]), random.uniform(0.002, 0.0042)), DARK, 1.7, ragged=0.002)

    def daisy(self, across: float, down: float, reach: float) -> None:
        """White paper: the petals are kept free of the washes round them, with a breath of shade."""
        random = self._random
        petals, squash, turn = int(random.integers(13, 19)), random.uniform(0.65, 1), random.uniform(0, 6)
        for petal in range(petals):
            angle = turn + 2 * np.pi * petal / petals + random.normal(0, 0.05)
            way, half = np.array([0.2, 0.45, 0.8, 1, 0.8, 0.45]), np.array([0, 0.09, 0.13, 0, -0.13, -0.09])
            outline = _polar(angle + half / way, reach * way * random.uniform(0.88, 1.1), squash)
            shade = np.array([across, down]) + curve(np.concatenate([outline, outline[:1]]), 4)
            self.wash(shade, ("#c3c9ea", "#f3e3c3"), random.uniform(0.12, 0.4), reserve=0.97, ragged=0.003)
        self.wash(self._blob((across, down), 0.26 * reach, uneven=0.08), YOLK, 1.2, reserve=0.9, ragged=0.003)
        self.wash(self._blob((across + 0.08 * reach, down + 0.09 * reach), 0.15 * reach), YOLK, 0.9, wet=0.004)

    def cornflower(self, across: float, down: float, reach: float) -> None:
        """Two rings of toothed trumpets, the outer one paler."""
        random = self._random
        pigments, squash = _one(random, CORNFLOWERS), random.uniform(0.6, 0.95)
        for ring, strength in ((1.0, 0.8), (0.58, 1.3)):
            for petal in range(10):
                angle = 2 * np.pi * (petal + 0.5 * random.random()) / 10
                way = np.array([0.1, 0.6, 1.0, 0.82, 1.08, 0.82, 1.0, 0.6])
                half = np.array([0, 0.1, 0.28, 0.15, 0, -0.15, -0.28, -0.1])
                outline = _polar(angle + half, ring * reach * way * random.uniform(0.8, 1.1), squash)
                flower = np.array([across, down]) + outline
                self.wash(flower, pigments, strength * random.uniform(0.7, 1.3), reserve=0.8, ragged=0.004)
        self.wash(self._blob((across, down), 0.17 * reach), DARK, 1.2, wet=0.003)

    def spatter(self, drops: int) -> None:
        """Drops flicked off a loaded brush."""
        random = self._random
        families = (*POPPIES, *CORNFLOWERS, *LEAVES, YOLK)
        for _ in range(drops):
            middle = (random.uniform(0.02, 0.98) * ASPECT, random.uniform(0.02, 0.98))
            radius = 0.0012 + 0.008 * random.random() ** 5
            self.wash(
                self._blob(middle, radius, uneven=0.1), _one(random, families), random.uniform(0.3, 1.0), ragged=0.002
            )

    def dried(self) -> Field:
        """What the eye sees: light through all the pigment, on paper lit from the upper left."""
        slope = np.sum(np.gradient(self._tooth), axis=0) * self.height / 2048
        density = DEEPEST * (1 - np.exp(-self._density / DEEPEST))
        graphite = np.asarray(self._pencil, dtype=np.float32) / 255 * np.clip(0.2 + 1.5 * self._tooth, 0, 1)
        sheet = PAPER * (1 - np.clip(0.35 * slope, -0.02, 0.02))[..., None]
        return mix(sheet * np.exp(-density), np.array([0.3, 0.3, 0.33]), 0.5 * graphite)

    def _draw(self, path: Field) -> None:
        """A pencil line that shows through the washes, now and then beside them."""
        smooth = (curve(path, 6) + self._random.normal(0, 0.002, 2)) * self.height
        pen = ImageDraw.Draw(self._pencil)
        pen.line([(float(x), float(y)) for x, y in smooth], fill=210, width=max(1, round(self.height / 900)))

    def _blob(self, middle: tuple[float, float], reach: float, uneven: float = 0.28) -> Field:
        """A closed, uneven outline."""
        sweep = np.linspace(0, 2 * np.pi, 12)[:-1]
        far = reach * (1 + self._random.uniform(-uneven, uneven, 11))
        ring = np.array(middle) + _polar(sweep, far, 0.85)
        return curve(np.concatenate([ring, ring[:1]]), 5)

    def _cut(self, outline: Field, margin: float, ragged: float) -> tuple[tuple[slice, slice], Field]:
        """The window of the sheet round an outline, and the outline filled in it, its edge astray along the paper."""
        limits = np.array([self.width, self.height])
        low = np.clip(((outline.min(axis=0) - margin) * self.height).astype(int), 0, limits - 2)
        high = np.clip(((outline.max(axis=0) + margin) * self.height).astype(int) + 1, low + 2, limits)
        wide, tall = high - low
        image = Image.new("L", (int(wide), int(tall)))
        points = outline * self.height - low
        ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in points], fill=255)
        window = (slice(low[1], high[1]), slice(low[0], high[0]))
        pull = (self._pull[(slice(None), *window)] * (2 * ragged * self.height)).astype(np.int32)
        down = np.clip(np.arange(tall)[:, None] + pull[0], 0, tall - 1)
        across = np.clip(np.arange(wide) + pull[1], 0, wide - 1)
        mask: Field = np.asarray(image)[down, across].astype(np.float32) / 255
        return window, mask

    def _elsewhere(self, field: Field, shape: tuple[int, ...]) -> Field:
        """As much of the noise, from anywhere: no two washes flow alike."""
        top = self._random.integers(self.height - shape[0] + 1)
        left = self._random.integers(self.width - shape[1] + 1)
        return field[top : top + shape[0], left : left + shape[1]]

    def _backrun(self, shape: tuple[int, ...]) -> Field:
        """How a drop of water changes a wash: paler within, a dark crinkled rim where the pigment was pushed."""
        random = self._random
        down, across = places(*shape)
        wide = shape[1] / shape[0]
        far = np.hypot(down - random.uniform(0.2, 0.8), across - wide * random.uniform(0.2, 0.8))
        crinkle = self._elsewhere(self._creep, shape) - 0.5
        edge = far - min(1.0, wide) * random.uniform(0.12, 0.3) + 0.3 * crinkle
        return 1 - 0.55 / (1 + np.exp(np.clip(edge / 0.012, -30, 30))) + 0.5 * np.exp(-((edge / 0.016) ** 2))


def _ribbon(path: Field, widths: list[float]) -> Field:
    """The outline of a stroke along the path, as broad as the widths say, spread evenly along it."""
    along = np.gradient(path, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.linalg.norm(along, axis=1, keepdims=True) + 1e-9)
    half = np.interp(np.linspace(0, 1, len(path)), np.linspace(0, 1, len(widths)), widths)[:, None] / 2
    return np.concatenate([path + across * half, (path - across * half)[::-1]])


def _polar(angles: Field, far: Field, squash: float) -> Field:
    """Points at those angles and distances from the middle, seen a little from the side."""
    return np.stack([far * np.cos(angles), squash * far * np.sin(angles)], axis=1)


def _absorption(colour: str) -> Field:
    """How much of red, green and blue one layer of a pigment of that colour takes away."""
    light = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    absorbed: Field = -np.log(np.clip(light, 0.03, 1)).astype(np.float32)
    return absorbed


def _one(random: np.random.Generator, pairs: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    return pairs[random.integers(len(pairs))]


def _two(random: np.random.Generator, family: tuple[str, ...]) -> tuple[str, str]:
    first, second = random.permutation(len(family))[:2]
    return family[first], family[second]
