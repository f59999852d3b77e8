"""Cubist facets: guitar, bottle and glass on a table, seen from many sides at once in shaded planes of thick paint."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, ThickPaint, curve, finished, gradient, mix, noise, places

ASPECT: Final = 0.8
"""Width over height: all lengths are in heights of the picture."""
OUTLINE: Final = "#2a1d18"
BOLD: Final = 0.005
"""Contours of at least this breadth are drawn again over the planes."""
TINTS: Final = (
    "#d9a84e",
    "#b8793a",
    "#f0dfb4",
    "#8f9a92",
    "#5f7f82",
    "#2f6a70",
    "#3f3a3c",
    "#c9c4ac",
    "#27507f",
    "#c8492b",
)
SHARES: Final = (0.19, 0.13, 0.16, 0.12, 0.11, 0.1, 0.08, 0.05, 0.04, 0.02)
"""How often a plane takes each tint."""
SIZES: Final = ((0.34, 0.21, 16), (0.21, 0.12, 26), (0.13, 0.07, 32), (0.075, 0.035, 20))
"""Half length, half breadth and number of the planes, the large ones first."""
BRUSHES: Final = ((16, 900), (11, 2000), (7, 2900))
"""Breadth, in 1024ths of the height, and how many strokes."""
GUITAR: Final = (
    # From the foot of the body up to the neck: along, half breadth, in lengths of the guitar.
    (0.0, 0.0),
    (0.01, 0.11),
    (0.09, 0.19),
    (0.20, 0.18),
    (0.29, 0.125),
    (0.37, 0.14),
    (0.45, 0.14),
    (0.52, 0.07),
    (0.54, 0.0),
)


@dataclass(frozen=True)
class Plane:
    """A piece of the picture with its own view: its edges, the angle of the brush, and where it is bright."""

    edges: tuple[Field, ...]
    angle: float
    light: Field
    """Unit vector towards its bright edge."""

    @property
    def corners(self) -> Field:
        """All points of its outline."""
        return np.concatenate(self.edges)


class StillLife:
    """What stands on the table, drawn flat: the planes take it apart."""

    def __init__(self, random: np.random.Generator, height: int) -> None:
        self.height, self.width = height, round(height * ASPECT)
        self.contours: list[Field] = []
        down, across = places(self.height, self.width)
        wall = gradient(
            0.6 * noise(random, down.shape, 3, 3) + 0.4 * across, ["#4f6468", "#8a9a94", "#c4bfa4", "#a08a60"]
        )
        self.image = Image.fromarray((wall * 255).astype(np.uint8))
        self._grain = np.sin(260 * (down + 0.06 * noise(random, down.shape, 4, 3) + 0.25 * across))
        self._speck = noise(random, down.shape, 70, 2) - 0.5

    def shape(self, outline: Field, colours: tuple[str, str], grain: float = 0.0, line: float = 0.0035) -> None:
        """Shaded from left to right, with wood's grain or without, and a contour."""
        low, high = outline.min(axis=0), outline.max(axis=0)
        left, top = np.clip(low * self.height, 0, self.image.size).astype(int)
        right, bottom = np.clip(high * self.height + 1, 0, self.image.size).astype(int)
        across = np.arange(left, right)[None] / self.height
        window = np.s_[top:bottom, left:right]
        share = (across - low[0]) / (high[0] - low[0]) + 0.25 * self._speck[window] + grain * self._grain[window]
        fill = Image.fromarray((gradient(np.clip(share, 0, 1), colours) * 255).astype(np.uint8))
        mask = Image.new("L", fill.size)
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in (outline * self.height).tolist()], fill=255)
        self.image.paste(fill, (int(left), int(top)), mask)
        self.line(np.concatenate([outline, outline[:1]]), OUTLINE, line)
        if line >= BOLD:
            self.contours.append(outline)

    def line(self, path: Field, colour: str, breadth: float) -> None:
        """A contour or a string."""
        points = [(float(x) * self.height, float(y) * self.height) for x, y in path]
        ImageDraw.Draw(self.image).line(points, fill=colour, width=max(1, round(breadth * self.height)), joint="curve")


class Facets:
    """The picture as planes cover it: colours, who owns each pixel, the brush's angles, and the inked edges."""

    def __init__(self, scene: Field) -> None:
        self.scene = scene.astype(np.float32)
        self.colours = self.scene * 0.85
        self.height, self.width = scene.shape[:2]
        self.owners: Field = np.zeros((self.height, self.width), dtype=np.int32)
        self.angles: Field = np.full((self.height, self.width), 0.4)
        self._count = 0
        self._ink = Image.new("L", (self.width, self.height))
        self._is_light = Image.new("L", (self.width, self.height))

    def lay(self, random: np.random.Generator, plane: Plane) -> None:
        """Paint one plane over what is there: its own view of the scene, tinted and shaded, and its edges."""
        points = plane.corners * self.height
        left, top = np.clip(points.min(axis=0), 0, (self.width, self.height)).astype(int)
        right, bottom = np.clip(points.max(axis=0) + 1, 0, (self.width, self.height)).astype(int)
        if right - left < 2 or bottom - top < 2:
            return
        mask = Image.new("1", (int(right - left), int(bottom - top)))
        ImageDraw.Draw(mask).polygon([(x - left, y - top) for x, y in points.tolist()], fill=1)
        rows, columns = np.nonzero(np.asarray(mask))
        rows, columns = rows + top, columns + left
        middle = plane.corners.mean(axis=0)
        east = (columns / self.height - middle[0]).astype(np.float32)
        south = (rows / self.height - middle[1]).astype(np.float32)
        span = (plane.corners - middle) @ plane.light
        to_east, to_south = plane.light.tolist()
        share = np.clip((east * to_east + south * to_south - float(span.min())) / (float(np.ptp(span)) + 1e-9), 0, 1)
        shaded = self._view(random, middle, east, south) * (random.uniform(0.36, 0.68) + 0.76 * share)[:, None]
        # At its bright edge a plane stands firm; on the other side it may pass into what lies behind.
        firm = np.clip(0.3 + 1.4 * share, 0, 1) if random.random() < 0.5 else np.full_like(share, 0.97)
        self.colours[rows, columns] = mix(self.colours[rows, columns], np.clip(shaded, 0, 1), firm)
        self._count += 1
        self.owners[rows, columns] = self._count
        self.angles[rows, columns] = plane.angle + np.pi / 2 * (random.random() < 0.4)
        self._edges(random, plane)

    def _view(self, random: np.random.Generator, middle: Field, east: Field, south: Field) -> Field:
        """The scene turned, larger or smaller, moved, and tinted."""
        turn, scale = random.normal(0, 0.11), random.uniform(0.85, 1.15) * self.height
        cosine, sine = float(np.cos(turn)) * scale, float(np.sin(turn)) * scale
        left, top = ((middle + random.normal(0, 0.022, 2)) * self.height).tolist()
        columns = np.clip((left + east * cosine - south * sine).astype(np.int32), 0, self.width - 1)
        rows = np.clip((top + east * sine + south * cosine).astype(np.int32), 0, self.height - 1)
        tint = np.array(ImageColor.getrgb(str(random.choice(TINTS, p=SHARES))), dtype=np.float32) / 255
        return mix(self.scene[rows, columns], tint, random.uniform(0.08, 0.55))

    def _edges(self, random: np.random.Generator, plane: Plane) -> None:
        """Ink on most edges; what was inked below the plane is gone."""
        points = [tuple(point) for point in (plane.corners * self.height).tolist()]
        ImageDraw.Draw(self._ink).polygon(points, fill=0)
        ImageDraw.Draw(self._is_light).polygon(points, fill=0)
        for edge in plane.edges:
            chance = random.random()
            if chance > 0.25:
                t = np.linspace(-0.03, 1.03, 16)[:, None]
                path = edge if len(edge) > 2 else edge[0] + (edge[1] - edge[0]) * t
                breadth = random.uniform(0.002, 0.0055) * self.height
                _brush_line(random, self._ink if chance > 0.42 else self._is_light, path * self.height, breadth)

    def inked(self, painted: Field) -> Field:
        """The painting with the edges over it, dark ones and a few light ones."""
        for layer, colour in ((self._is_light, "#f2e6c4"), (self._ink, OUTLINE)):
            share = np.asarray(layer.filter(ImageFilter.GaussianBlur(self.height / 2048))) / 255
            painted = mix(painted, np.array(ImageColor.getrgb(colour)) / 255, 0.9 * share)
        return painted


def _brush_line(random: np.random.Generator, layer: Image.Image, path: Field, breadth: float) -> None:
    """A line that swells and thins."""
    draw = ImageDraw.Draw(layer)
    press = 0.3 + 0.7 * np.sin(np.linspace(random.uniform(0, 1), np.pi * random.uniform(0.6, 1), len(path)))
    for (start, end), width in zip(pairwise(path.tolist()), (press * breadth).tolist(), strict=False):
        draw.line((*start, *end), fill=255, width=max(1, round(width)))
        half = width / 2
        draw.ellipse((end[0] - half, end[1] - half, end[0] + half, end[1] + half), fill=255)


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    still_life = _set_the_table(random, height)
    scene = np.asarray(still_life.image) / 255
    facets = Facets(scene)
    _take_apart(random, facets)
    canvas = ThickPaint(facets.colours)
    for brush, strokes in BRUSHES:
        breadth = brush * height / 1024
        if breadth < 2 * SUPERSAMPLING:
            continue  # narrower than two pixels in the end: it would be work that nobody sees
        for _ in range(strokes):
            _dab(random, canvas, facets, breadth)
    painted = mix(canvas.lit(1.3), facets.colours, 0.3)
    return finished(_drawn_over(random, facets.inked(painted), still_life), size)


def _dab(random: np.random.Generator, canvas: ThickPaint, facets: Facets, breadth: float) -> None:
    """One short stroke along the brush's angle of a plane, that ends at its edge."""
    height, width = facets.owners.shape
    x, y = (random.random(2) * (width, height)).astype(int)
    angle = facets.angles[y, x] + random.normal(0, 0.12)
    ahead = np.array([np.cos(angle), np.sin(angle)])
    path = np.array([x, y]) + np.linspace(-1, 1, 7)[:, None] * ahead * breadth * random.uniform(1.0, 1.9)
    columns, rows = np.clip(path.astype(int), 0, (width - 1, height - 1)).T
    path = path[facets.owners[rows, columns] == facets.owners[y, x]]
    if len(path) > 3:
        tone = facets.colours[y, x] * random.normal(1, 0.09) + random.normal(0, 0.022, 3)
        canvas.stroke(path, breadth * random.uniform(0.7, 1.1), np.clip(tone, 0, 1), random)


def _set_the_table(random: np.random.Generator, height: int) -> StillLife:
    """Table, sheet of music, bottle, guitar, glass, fruits; the seed mirrors and shifts them."""
    still_life = StillLife(random, height)
    side = float(random.choice((-1, 1)))

    def at(across: float, down: float) -> Field:
        return np.array([ASPECT / 2 + side * across, down])

    tilt = random.uniform(-0.04, 0.04)
    table = np.stack([at(-0.5, 0.66 - tilt), at(0.5, 0.6 + tilt), at(0.5, 1.05), at(-0.5, 1.05)])
    still_life.shape(table, ("#8a5a2c", "#c89a52"), grain=0.22)
    cloth = np.stack([at(-0.02, 0.7), at(0.34, 0.64), at(0.44, 0.98), at(0.1, 1.02), at(0.03, 0.9)])
    still_life.shape(cloth, ("#f2e8cc", "#b9b49c"))
    _music(still_life, at(0.2, 0.82), side)
    _bottle(still_life, at(0.22 + random.uniform(-0.03, 0.03), 0.72))
    _guitar(still_life, at(-0.12, 0.93), -np.pi / 2 + side * random.uniform(0.05, 0.24), random.uniform(0.86, 0.94))
    _glass(still_life, at(-0.27 + random.uniform(-0.03, 0.03), 0.88))
    for across, down, radius, colours in (
        (0.09, 0.9, 0.055, ("#e8632f", "#8f2418")),
        (0.18, 0.935, 0.05, ("#e8c24a", "#a8702e")),
    ):
        still_life.shape(_ring(at(across, down), radius, radius * 0.95), colours, line=BOLD)
    return still_life


def _ring(middle: Field, across: float, down: float, start: float = 0, end: float = 2 * np.pi) -> Field:
    turn = np.linspace(start, end, 60)
    ring: Field = middle + np.stack([across * np.cos(turn), down * np.sin(turn)], axis=1)
    return ring


def _music(still_life: StillLife, middle: Field, side: float) -> None:
    """A sheet with staves and notes."""
    ahead, below = np.array([0.98, -0.17 * side]), np.array([0.17 * side, 0.98])

    def at(across: float, down: float) -> Field:
        place: Field = middle + across * ahead + down * below
        return place

    still_life.shape(
        np.stack([at(-0.13, -0.1), at(0.13, -0.1), at(0.13, 0.12), at(-0.13, 0.12)]), ("#f7efd8", "#e0d4b0")
    )
    for stave in (-0.06, 0.0, 0.06):
        for line in range(4):
            down = stave + 0.01 * line
            still_life.line(np.stack([at(-0.11, down), at(0.11, down)]), OUTLINE, 0.0016)
        for note in range(5):
            across = -0.09 + 0.043 * note
            still_life.shape(_ring(at(across, stave + 0.007 * (note * 2 % 5)), 0.009, 0.007), (OUTLINE, OUTLINE))
            still_life.line(
                np.stack([at(across + 0.008, stave + 0.007), at(across + 0.008, stave - 0.025)]), OUTLINE, 0.002
            )


def _bottle(still_life: StillLife, foot: Field) -> None:
    """Shoulders and neck, with a label and its bottom seen from below."""
    half = np.array(
        [(0, 0.075), (-0.2, 0.077), (-0.27, 0.066), (-0.33, 0.03), (-0.46, 0.026), (-0.47, 0.033), (-0.5, 0.033)]
    )
    right = curve(half, 8)[:, ::-1]
    outline = np.concatenate([foot + right, (foot + right * np.array([-1, 1]))[::-1]])
    still_life.shape(outline, ("#5f9a86", "#123a3f"), line=0.006)
    still_life.shape(_ring(foot, 0.075, 0.02), ("#7fb09a", "#1f4a4f"))
    still_life.shape(
        foot + np.array([(-0.076, -0.17), (0.076, -0.17), (0.075, -0.05), (-0.075, -0.05)]), ("#f0dfb4", "#c8963e")
    )
    still_life.shape(_ring(foot + np.array([0, -0.11]), 0.035, 0.035), ("#c8492b", "#8f2418"))
    still_life.shape(_ring(foot + np.array([0, -0.5]), 0.033, 0.011), (OUTLINE, "#5f9a86"))


def _glass(still_life: StillLife, foot: Field) -> None:
    """A stemmed glass, half full, its rim seen from above."""
    half = curve(np.array([(0, 0.06), (-0.012, 0.02), (-0.1, 0.01), (-0.13, 0.04), (-0.2, 0.07), (-0.28, 0.062)]), 8)[
        :, ::-1
    ]
    still_life.shape(
        np.concatenate([foot + half, (foot + half * np.array([-1, 1]))[::-1]]), ("#dfe6da", "#6f979a"), line=0.005
    )
    wine = half[(half[:, 1] < -0.11) & (half[:, 1] > -0.21)]
    still_life.shape(np.concatenate([foot + wine, (foot + wine * np.array([-1, 1]))[::-1]]), ("#c23a3a", "#5f1420"))
    still_life.shape(_ring(foot + np.array([0, -0.21]), 0.069, 0.016), ("#d8605a", "#8f2430"))
    still_life.shape(_ring(foot + np.array([0, -0.28]), 0.062, 0.017), ("#8fb0ae", "#e6ebe0"))
    still_life.shape(_ring(foot, 0.06, 0.014), ("#dfe6da", "#6f979a"))


def _guitar(still_life: StillLife, foot: Field, heading: float, length: float) -> None:
    """Body, sound hole, bridge, neck with frets, head with pegs, and six strings over all."""
    ahead = np.array([np.cos(heading), np.sin(heading)]) * length
    out = np.array([-ahead[1], ahead[0]])

    def at(*points: tuple[float, float]) -> Field:
        along, across = np.array(points).T
        places_: Field = foot + along[:, None] * ahead + across[:, None] * out
        return places_

    half = curve(np.array(GUITAR), 10)
    body = np.concatenate([half, (half * (1, -1))[::-1]])
    still_life.shape(at(*(body + np.array([-0.012, 0.022]))), ("#5a3418", "#8a5226"), grain=0.15)
    still_life.shape(at(*body), ("#edbb5c", "#b06a2c"), grain=0.22, line=0.007)
    turn = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([0.36 + 0.06 * np.cos(turn), 0.06 * np.sin(turn)], axis=1)
    for scale, colours in (
        (1.25, ("#f0dfb4", "#c8963e")),
        (1.12, ("#7a4420", "#c8492b")),
        (1.0, ("#14100f", "#3a2a22")),
    ):
        still_life.shape(at(*((ring - (0.36, 0)) * scale + (0.36, 0))), colours, line=0.003 if scale > 1 else BOLD)
    still_life.shape(at((0.12, -0.08), (0.145, -0.08), (0.145, 0.08), (0.12, 0.08)), ("#3a2418", "#5a3822"))
    still_life.shape(
        at((0.4, -0.027), (0.87, -0.022), (0.87, 0.022), (0.4, 0.027)), ("#3a2a26", "#6a4a34"), line=0.0045
    )
    still_life.shape(
        at((0.87, -0.025), (0.9, -0.04), (1.0, -0.035), (1.0, 0.035), (0.9, 0.04), (0.87, 0.025)),
        ("#a8642c", "#5a3418"),
    )
    for along in np.linspace(0.46, 0.86, 11) ** 0.95:
        still_life.line(at((along, -0.024), (along, 0.024)), "#e6d6a4", 0.0025)
    for along in (0.915, 0.945, 0.975):
        for hand in (-1, 1):
            still_life.shape(
                at((along, 0.036 * hand), (along + 0.012, 0.062 * hand), (along - 0.012, 0.062 * hand)),
                ("#f2e8cc", "#8f9a92"),
                line=0.002,
            )
    for string in np.linspace(-0.018, 0.018, 6):
        still_life.line(at((0.13, string * 1.5), (0.95, string)), "#f7efd8", 0.0016)


def _take_apart(random: np.random.Generator, facets: Facets) -> None:
    """Planes along a few common axes, dense where the things stand, the large ones first."""
    axes = random.uniform(-0.15, 0.15) + np.array([-1.25, -0.95, -0.3, 0.0, 0.45, 0.8, 1.5])
    for long, broad, count in SIZES:
        for _ in range(count):
            middle = np.clip(random.normal((ASPECT / 2, 0.54), (0.23, 0.27)), 0.0, (ASPECT, 1.0))
            angle = float(random.choice(axes)) + random.normal(0, 0.05)
            facets.lay(
                random, _plane(random, middle, angle, long * random.uniform(0.6, 1.2), broad * random.uniform(0.6, 1.3))
            )


def _plane(random: np.random.Generator, middle: Field, angle: float, long: float, broad: float) -> Plane:
    """Four corners askew, or three; now and then one edge is an arc."""
    ahead = np.array([np.cos(angle), np.sin(angle)])
    out = np.array([-ahead[1], ahead[0]])
    skew = random.uniform(-0.5, 0.5)
    corners = np.array([(-1, -1), (1, -1 + skew * 0.6), (1 + skew, 1), (-1 + skew * 0.5, 1)]) * random.uniform(
        0.75, 1.1, (4, 2)
    )
    if random.random() < 0.18:
        corners = np.delete(corners, random.integers(4), axis=0)
    outline = middle + corners[:, :1] * long * ahead + corners[:, 1:] * broad * out
    edges = [np.stack([start, end]) for start, end in pairwise([*outline, outline[0]])]
    if random.random() < 0.25:
        bow = edges[0].mean(axis=0) - out * broad * random.uniform(0.3, 0.7)
        edges[0] = curve(np.stack([edges[0][0], bow, edges[0][1]]), 10)
    light = out * random.choice((-1, 1)) if random.random() < 0.7 else ahead * random.choice((-1, 1))
    return Plane(tuple(edges), angle, light)


def _drawn_over(random: np.random.Generator, painted: Field, still_life: StillLife) -> Field:
    """The contours taken up again in pieces, a little beside the things, and the weave of the canvas."""
    height = still_life.height
    ink = Image.new("L", still_life.image.size)
    for contour in still_life.contours:
        path = contour * height
        for _ in range(3):
            start, length = random.integers(len(path)), round(len(path) * random.uniform(0.2, 0.36))
            piece = np.roll(path, -start, axis=0)[: max(4, length)] + random.normal(0, 0.003 * height, 2)
            _brush_line(random, ink, piece, random.uniform(0.0032, 0.0062) * height)
    share = np.asarray(ink.filter(ImageFilter.GaussianBlur(height / 2048))) / 255
    painted = mix(painted, np.array(ImageColor.getrgb(OUTLINE)) / 255, 0.92 * share)
    weave = noise(random, painted.shape[:2], 330, 2) - 0.5
    return painted * (1.08 + 0.14 * weave)[..., None]
