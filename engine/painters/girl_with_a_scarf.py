"""A girl with a scarf: the portrait of nobody, modelled as a distance field and painted in strokes that follow it.

All lengths are in decimetres of a grown head: x goes right, y up, z towards us; the pupils are at y = 0.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from engine.images import Pixels
from engine.painters.brushwork import Brush, Motif, painted
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise
from engine.painters.solids import (
    Points,
    Scene,
    axes,
    blend,
    carve,
    dots,
    ellipsoid,
    kinds,
    length,
    limb,
    normals,
    openness,
    tiled,
    units,
    unshaded,
    walk,
)

ASPECT: Final = 0.8
MODEL: Final = 560
"""The sitter is modelled at most so many pixels high: the brush is not finer than that."""
VIEW: Final = 3.85
"""How much of the world is seen from the upper to the lower edge."""
EYE_LEVEL: Final = -0.55
"""The height in the middle of the picture."""
AWAY: Final = 10.0
"""How far the camera stands."""
NECK: Final = (0.0, -0.95, -0.15)
"""The head turns about this place."""
LIGHT: Final = np.array([-0.62, 0.52, 0.62]) / np.linalg.norm([-0.62, 0.52, 0.62])
BRUSHES: Final = (
    Brush(40, 700, 0.0, 0.2),
    Brush(21, 3200, 0.0, 0.3),
    Brush(11, 5500, 0.0, 0.45),
    Brush(6, 9000, 0.2, 0.8),
    Brush(3.2, 9000, 0.33, 2.0),
)

SKIN, EYE, HAIR, SCARF, COAT, NOTHING = range(6)

Colours = tuple[str, ...]
"""As `#rrggbb`, from dark to light."""

LOOKS: Final[tuple[tuple[Colours, Colours, Colours], ...]] = (
    (
        ("#c98f74", "#e3b295", "#f0c9ae"),
        ("#3a1408", "#7c3313", "#b9602a", "#eaa765"),
        ("#22382c", "#4f7458", "#93a070"),
    ),
    (
        ("#c98f74", "#e3b295", "#f0c9ae"),
        ("#1c0f0a", "#4a2a18", "#8a5a33", "#d09a62"),
        ("#1f3550", "#4d7394", "#9cb8c4"),
    ),
    (
        ("#a86f50", "#c8906c", "#dfae88"),
        ("#1c0f0a", "#3d2216", "#74492c", "#b98555"),
        ("#3a2410", "#7d5426", "#a97c3c"),
    ),
    (
        ("#7a4a33", "#9a6546", "#b98460"),
        ("#0f0b0b", "#241a18", "#46352b", "#80674f"),
        ("#2a190c", "#5c3c1c", "#8a6434"),
    ),
    (
        ("#cf9a80", "#e6b99e", "#f3d0b8"),
        ("#4a3216", "#8c6a36", "#c4a05e", "#f0d79c"),
        ("#1f3550", "#4d7394", "#9cb8c4"),
    ),
)
"""Of skin, hair and iris."""
CLOTHS: Final[tuple[Colours, ...]] = (
    ("#a82a22", "#e0a32e", "#1d4a5c", "#f0e2c2", "#3a7f7c"),
    ("#1f4f74", "#e9b64a", "#b5322a", "#f1e6cc", "#d9743a"),
    ("#c9821f", "#7a1f2b", "#f3e3bd", "#23506a", "#2f6f5a"),
)
"""Of a scarf: its ground, then what is woven into it."""
COATS: Final[tuple[Colours, ...]] = (
    ("#10202c", "#27455a"),
    ("#1c2a20", "#42573e"),
    ("#2a1a26", "#573a4c"),
    ("#2e2620", "#6a5847"),
)
GROUNDS: Final[tuple[Colours, ...]] = (
    ("#2c3330", "#566056", "#8b9078", "#c2b991"),
    ("#2e2a2c", "#5c5048", "#93806a", "#c9b08a"),
    ("#243038", "#4a626c", "#7f979a", "#b9c3b4"),
)


@dataclass(frozen=True)
class Sitter:
    """What differs from one girl to another."""

    turn: float
    tilt: float
    nod: float
    parting: float
    skin: Colours
    hair: Colours
    iris: Colours
    scarf: Colours
    coat: Colours
    ground: Colours


@dataclass(frozen=True)
class Surface:
    """What is seen of her: places, what they are, which way they look, the same places on the unturned head."""

    points: Field
    rays: Field
    kinds: Field
    normals: Field
    head: Field


def paint(seed: int, size: int) -> Pixels:
    """A picture of that height, four fifths as wide."""
    random = np.random.default_rng(seed)
    height = size * SUPERSAMPLING
    motif = _modelled(random, _chosen(random), min(size, MODEL)).enlarged(height, round(height * ASPECT))
    canvas = painted(random, motif, BRUSHES, may_stray=lambda start, end: start == HAIR and end == SKIN)
    kept = np.where(motif.kinds == SKIN, 0.55, 0.2) + 0.9 * np.clip(motif.detail - 0.5, 0, 0.5)
    return finished(mix(canvas.lit(0.5), motif.colours, kept), size)


def _chosen(random: np.random.Generator) -> Sitter:
    side = random.choice((-1.0, 1.0))
    skin, hair, iris = LOOKS[random.integers(len(LOOKS))]
    return Sitter(
        turn=side * random.uniform(0.25, 0.5),
        tilt=side * random.uniform(-0.14, 0.02),
        nod=random.uniform(-0.02, 0.08),
        parting=-side * random.uniform(0.08, 0.26),
        skin=skin,
        hair=hair,
        iris=iris,
        scarf=CLOTHS[random.integers(len(CLOTHS))],
        coat=COATS[random.integers(len(COATS))],
        ground=GROUNDS[random.integers(len(GROUNDS))],
    )


def _turned(points: Points, sitter: Sitter) -> Points:
    """Places of the world as places of the turned head."""
    x, y, z = (axis - at for axis, at in zip(points, NECK, strict=True))
    c, s = np.cos(sitter.tilt), np.sin(sitter.tilt)
    x, y = c * x + s * y, -s * x + c * y
    c, s = np.cos(sitter.turn), np.sin(sitter.turn)
    x, z = c * x - s * z, s * x + c * z
    c, s = np.cos(sitter.nod), np.sin(sitter.nod)
    y, z = c * y + s * z, -s * y + c * z
    return x + NECK[0], y + NECK[1], z + NECK[2]


def _lids(x: Field) -> tuple[Field, Field]:
    """How high the upper and the lower lid's edge stand, `x` from the middle of the eye outwards."""
    at = x / 0.148
    tilt = 0.10 * x
    upper = 0.063 * np.clip(1 - np.abs(at + 0.12) ** 2.2, -1, 1) + tilt
    lower = -0.048 * np.clip(1 - np.abs(at - 0.10) ** 2.4, -1, 1) + tilt
    return upper, lower


def _mouth(x: Field) -> Field:
    """How high the line between the lips stands, `x` from the middle."""
    height: Field = -0.648 + 0.012 * np.exp(-((x / 0.05) ** 2)) * -1 + 0.55 * x * x
    return height


def _skin(points: Points) -> Field:
    """Skull, face, neck; the left half mirrors the right."""
    x, y, z = points
    half = np.abs(x)
    points = (half, y, z)
    head = ellipsoid(points, (0, 0.22, -0.08), (0.75, 0.93, 0.94))
    head = blend(head, ellipsoid(points, (0, -0.41, 0.20), (0.545, 0.72, 0.63)), 0.30)
    head = blend(head, ellipsoid(points, (0.41, -0.24, 0.50), (0.23, 0.20, 0.23)), 0.20)
    head = blend(head, ellipsoid(points, (0.28, -0.50, 0.57), (0.20, 0.24, 0.22)), 0.22)
    head = blend(head, ellipsoid(points, (0, -0.95, 0.66), (0.19, 0.15, 0.15)), 0.24)
    head = blend(head, limb(points, (0.39, -0.54, 0.10), (0, -0.95, 0.60), 0.13, 0.12), 0.22)
    head = blend(head, limb(points, (0, 0.18, 0.81), (0.50, 0.20, 0.58), 0.045, 0.04), 0.20)
    head = carve(head, ellipsoid(points, (0.30, 0.00, 0.94), (0.18, 0.10, 0.15)), 0.15)
    # The muzzle that carries the lips, then the nose.
    head = blend(head, ellipsoid(points, (0, -0.62, 0.68), (0.25, 0.19, 0.22)), 0.14)
    head = blend(head, limb(points, (0, 0.08, 0.79), (0, -0.31, 0.99), 0.050, 0.068), 0.13)
    nose = blend(
        ellipsoid(points, (0, -0.335, 1.02), (0.078, 0.072, 0.09)),
        ellipsoid(points, (0.098, -0.375, 0.915), (0.056, 0.056, 0.080)),
        0.06,
    )
    head = blend(head, nose, 0.06)
    head = carve(head, ellipsoid(points, (0.052, -0.432, 0.96), (0.030, 0.024, 0.048)), 0.025)
    # Lips: each half of the upper one leans down to its corner.
    line = _mouth(x)
    bow = np.sqrt(x * x + 0.0009)
    upper = ellipsoid((bow, y - line - 0.042 + 0.18 * bow, z), (0.06, 0, 0.862), (0.185, 0.060, 0.082))
    lower = ellipsoid((half, y - line + 0.052, z), (0, 0, 0.855), (0.180, 0.072, 0.092))
    head = blend(head, blend(upper, lower, 0.014), 0.045)
    groove = np.exp(-(((y - line) / 0.011) ** 2)) * np.clip(1.1 - (half / 0.25) ** 4, 0, 1)
    philtrum = np.exp(-((half / 0.028) ** 2) - (((y + 0.51) / 0.06) ** 2))
    head = head + np.where(z > 0.6, 0.013 * groove + 0.010 * philtrum, 0)
    # The lids lie on the eyeball and leave it free between their edges.
    upper_edge, lower_edge = _lids(half - 0.31)
    lid = ellipsoid(points, (0.31, 0.0, 0.685), (0.155, 0.148, 0.148))
    opening = np.maximum(y - upper_edge, lower_edge - y) * 0.75
    head = blend(head, lid, 0.028 + 0.05 * np.clip(-y / 0.08, 0, 1))
    head = carve(head, np.maximum(opening, 0.6 - z), 0.012)
    neck = limb(points, (0, -0.5, -0.12), (0, -1.9, -0.32), 0.42, 0.46)
    return blend(head, neck, 0.14)


def _eyeballs(points: Points) -> Field:
    x, y, z = points
    return length(np.abs(x) - 0.31, y, z - 0.685) - 0.134


def _hair(points: Points, sitter: Sitter) -> Field:
    """A cap that leaves the face free, and locks that fall behind the shoulders."""
    x, y, z = points
    beside = x - sitter.parting
    cap = ellipsoid(points, (0, 0.24, -0.14), (0.83, 1.00, 0.98)) + 0.025 * np.exp(-((beside / 0.035) ** 2))
    face = ellipsoid(points, (0.3 * sitter.parting, -0.40, 0.95), (0.67, 0.98, 0.92))
    cap = carve(cap, face, 0.10)
    half = np.abs(x)
    wave = 0.05 * np.sin(5.5 * y + 1.5 * np.sign(x))
    locks = limb((half - wave, y, z), (0.64, 0.45, -0.10), (0.70, -1.7, -0.28), 0.19, 0.24)
    back = ellipsoid(points, (0, -0.7, -0.62), (0.84, 1.3, 0.42))
    folds = 0.018 * np.sin(26 * half + 4 * np.sin(3 * y) + 9 * z) * np.clip(0.4 - z, 0, 1)
    distance: Field = blend(blend(cap, locks, 0.32), back, 0.2) + folds
    return distance


def _scarf(points: Points) -> Field:
    """Three loops round the neck, one over the other, and an end that hangs down in front."""
    x, y, z = points
    z = z + 0.12
    folds = 0.020 * np.sin(5 * np.arctan2(x, z) + 14 * y) + 0.010 * np.sin(13 * np.arctan2(x, z) - 12 * y)
    loops = []
    for height, reach, thick, lean in (
        (-1.32, 0.60, 0.18, 0.10),
        (-1.52, 0.72, 0.21, -0.12),
        (-1.72, 0.80, 0.20, 0.05),
    ):
        ring = np.hypot(x / 1.06, z) - reach
        loops.append(np.hypot(ring, (y - height - lean * x + 0.16 * z) * 0.85) - thick)
    end = limb((x, y, z * 1.6), (0.30, -1.7, 1.40), (0.48, -3.2, 1.45), 0.20, 0.34)
    wound = blend(blend(loops[0], loops[1], 0.035), loops[2], 0.035)
    distance: Field = (blend(wound, end, 0.05) + folds) * 0.8
    return distance


def _coat(points: Points) -> Field:
    x, y, z = points
    half = np.abs(x)
    chest = ellipsoid(points, (0, -2.75, -0.25), (1.55, 1.15, 0.78))
    shoulder = limb((half, y, z), (0.5, -1.72, -0.25), (1.45, -2.05, -0.30), 0.30, 0.40)
    distance: Field = blend(chest, shoulder, 0.35) + 0.012 * np.sin(9 * x + 5 * y) * np.sin(4 * y - 3 * x)
    return distance


def _distances(points: Points, sitter: Sitter) -> list[Field]:
    """To skin, eyes, hair, scarf and coat, in that order."""
    head = _turned(points, sitter)
    return [_skin(head), _eyeballs(head), _hair(head, sitter), _scarf(points), _coat(points)]


def _modelled(random: np.random.Generator, sitter: Sitter, height: int) -> Motif:
    """The sitter before her ground, in the light."""
    width = round(height * ASPECT)
    scene = partial(_distances, sitter=sitter)
    down, across = np.mgrid[0.5 : -0.5 : height * 1j, -ASPECT / 2 : ASPECT / 2 : width * 1j].astype(np.float32)
    camera = np.array([0, EYE_LEVEL, AWAY], dtype=np.float32)
    rays = units(np.stack([across * VIEW, down * VIEW, np.full_like(down, -AWAY)], axis=-1).reshape(-1, 3))
    travelled = walk(camera, rays, scene, AWAY - 2.2, AWAY + 2)
    seen = np.flatnonzero(travelled < AWAY + 2)
    points = camera + rays[seen] * travelled[seen, None]
    head = np.stack(_turned(axes(points), sitter), axis=1)
    surface = Surface(points, rays[seen], kinds(points, scene), normals(points, scene), head)

    values = np.zeros((height * width, 8))
    values[:, :4] = _ground(random, sitter, height, width)
    values[:, 4:] = (0.0, 1.6, 0.06, NOTHING)
    colours, detail = _coloured(random, sitter, surface)
    detail, lengths, spread = (
        np.select([surface.kinds == kind for kind in (SKIN, EYE, HAIR, SCARF, COAT)], choices)
        for choices in ((detail, 1.0, 0.35, 0.42, 0.1), (1.0, 1.0, 2.6, 0.7, 1.5), (0.02, 0.02, 0.16, 0.02, 0.05))
    )
    rest = [_angles(sitter, surface), detail, lengths, spread, surface.kinds]
    values[seen] = np.column_stack([_lit(sitter, surface, colours, scene), *rest])
    picture = values.reshape(height, width, 8)
    fine = Image.fromarray((200 * np.clip(picture[..., 4], 0, 1.2)).astype(np.uint8))
    fine = fine.filter(ImageFilter.GaussianBlur(height / 300))
    return Motif(
        picture[..., :3], picture[..., 3], np.asarray(fine) / 200, picture[..., 5], picture[..., 6], picture[..., 7]
    )


def _ground(random: np.random.Generator, sitter: Sitter, height: int, width: int) -> Field:
    """Red, green, blue and the brush's angle of a wall: darker behind the lit side of the face than elsewhere."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    clouds = noise(random, (height, width), cells=3, octaves=5)
    turns = noise(random, (height, width), cells=3, octaves=2)
    light = 0.18 + 0.42 * across + 0.16 * down + 0.55 * (clouds - 0.5)
    colours = gradient(np.clip(light, 0, 1), sitter.ground)
    return np.concatenate([colours, (2.2 + 4 * (turns - 0.5))[..., None]], axis=-1).reshape(-1, 4)


def _angles(sitter: Sitter, surface: Surface) -> Field:
    """Of the strokes: along the hair; elsewhere round the form, and aslant where it faces us."""
    x, y, _ = surface.normals.T
    # Angles are doubled to be mixed: a stroke has no front and back.
    twice = 2 * np.arctan2(-y, x) + np.pi
    steep = np.clip(np.hypot(x, y) / 0.45, 0, 1) ** 2
    round_it = np.arctan2(steep * np.sin(twice) + (1 - steep) * 0.7, steep * np.cos(twice) - (1 - steep) * 0.4) / 2
    strands = _strands(sitter, surface.head, surface.normals)
    return np.where(surface.kinds == HAIR, np.arctan2(-strands[:, 1], strands[:, 0]), round_it)


def _coloured(random: np.random.Generator, sitter: Sitter, surface: Surface) -> tuple[Field, Field]:
    """The colours in linear light, and the detail of the skin."""
    colours, detail = _complexion(random, sitter, surface.head)
    for kind, cover in (
        (EYE, _gaze(sitter, surface.head)),
        (HAIR, gradient(np.full(len(detail), 0.45), sitter.hair) ** 2.2),
        (SCARF, _woven(sitter, surface.points)),
        (COAT, gradient(tiled(noise(random, (256, 256), 40, 3), surface.points), sitter.coat) ** 2.2),
    ):
        colours = np.where((surface.kinds == kind)[:, None], cover, colours)
    return colours, detail


def _lit(sitter: Sitter, surface: Surface, colours: Field, scene: Scene) -> Field:
    """A window's light, the room's cool one, the warm one that comes back from the scarf, and a rim from behind."""
    outwards = surface.normals
    x, y, z = outwards.T
    sun = unshaded(surface.points + 0.02 * outwards, LIGHT, scene)
    air = openness(surface.points, outwards, scene, (0.05, 0.13, 0.3))
    # Light that wanders under the skin: red comes farthest round the form.
    is_skin, is_hair = surface.kinds == SKIN, surface.kinds == HAIR
    soft = np.where(is_skin[:, None], np.array([0.30, 0.16, 0.10]), 0.06)
    key = np.clip((dots(outwards, LIGHT)[:, None] + soft) / (1 + soft), 0, 1) * sun[:, None] ** (1 - 0.8 * soft)
    got = key * np.array([1.75, 1.55, 1.28])
    for light, colour in (
        ((0.6 + 0.4 * y) * (0.7 + 0.3 * x), (0.33, 0.32, 0.34)),
        (np.clip(0.3 - 0.7 * y, 0, 1), (0.26, 0.15, 0.11)),
        (np.clip(0.8 * x - 0.5 * z + 0.1, 0, 1), (0.35, 0.42, 0.50)),
    ):
        got = got + (air * light)[:, None] * np.array(colour)
    half = units(LIGHT - surface.rays)
    shine = is_skin * 0.10 * np.clip(dots(outwards, half), 0, 1) ** 22 * (0.1 + sun)
    across = dots(_strands(sitter, surface.head, outwards), half)
    sheen = is_hair * 0.75 * np.clip(1 - across**2, 0, 1) ** 12 * (0.15 + sun) * air
    seen = colours * got + shine[:, None] * np.array([1.0, 0.94, 0.86])
    seen = seen + sheen[:, None] * gradient(np.ones(1), sitter.hair) ** 2.2
    # Chosen by eye, as all strengths of light here: a film's shoulder, so that what the light hits keeps its colour.
    developed: Field = (seen / (1 + 0.25 * seen)) ** (1 / 2.2)
    return developed


def _patch(x: Field, y: Field, across: float, down: float, wide: float, tall: float) -> Field:
    return np.exp(-(((x - across) / wide) ** 2) - (((y - down) / tall) ** 2))


def _complexion(random: np.random.Generator, sitter: Sitter, head: Field) -> tuple[Field, Field]:
    """The skin's colour in linear light, with lips, brows and lashes, and how much detail there is."""
    x, y, z = head.T
    half = np.abs(x)
    front = np.clip((z - 0.35) / 0.2, 0, 1)
    mottle = tiled(noise(random, (256, 256), 12, 4), head)
    colours = gradient(0.25 + 0.6 * mottle, sitter.skin)
    blush = 0.45 * _patch(half, y, 0.42, -0.31, 0.2, 0.15) + 0.22 * _patch(half, y, 0, -0.36, 0.1, 0.09)
    blush += 0.2 * _patch(half, y, 0, -0.98, 0.14, 0.1) + 0.25 * _patch(half, y, 0.31, 0.1, 0.17, 0.05)
    colours = mix(colours, colours * np.array([1.0, 0.66, 0.60]), blush * front)
    colours = mix(
        colours, colours * np.array([0.82, 0.74, 0.76]), 0.6 * _patch(half, y, 0.30, -0.10, 0.13, 0.05) * front
    )
    line = _mouth(x)
    over = line + 0.066 * (1 - (half / 0.262) ** 2) + 0.016 * np.exp(-(((half - 0.065) / 0.04) ** 2))
    under = line - 0.108 * np.sqrt(np.clip(1 - (half / 0.25) ** 2, 0, 1))
    lips = np.clip((over - y) / 0.016 + 0.5, 0, 1) * np.clip((y - under) / 0.02 + 0.5, 0, 1) * (half < 0.262) * front
    rose = colours * np.array([0.86, 0.50, 0.48]) * np.where(y > line, 0.82, 1.0)[:, None]
    colours = mix(colours, rose, 0.85 * lips)
    colours = mix(
        colours, rose * 0.35, 0.8 * np.exp(-(((y - line) / 0.010) ** 2)) * np.clip(1 - (half / 0.24) ** 4, 0, 1) * front
    )
    hair = gradient(np.full(len(y), 0.28), sitter.hair)
    along = np.clip((half - 0.11) / 0.42, 0, 1)
    brow = 0.215 + 0.075 * np.sin(np.pi * along**1.2 * 0.86)
    thick = 0.040 * (1 - along) ** 0.5 * np.clip(along / 0.08 + 0.35, 0, 1)
    hairs = 0.75 + 0.5 * tiled(noise(random, (256, 256), 60, 2), head)
    brows = np.clip(1.25 - ((y - brow) / (thick + 0.004)) ** 2, 0, 1) * hairs * (along > 0) * (along < 1) * front
    colours = mix(colours, hair, 0.72 * brows)
    upper, lower = _lids(half - 0.31)
    beside = np.clip(1.15 - np.abs((half - 0.325) / 0.17) ** 4, 0, 1)
    lashes = np.clip(1.3 - np.abs(y - upper - 0.008) / 0.017, 0, 1) * beside
    lashes = np.maximum(lashes, 0.45 * np.clip(1.2 - np.abs(y - lower + 0.004) / 0.012, 0, 1) * beside)
    crease = np.exp(-(((y - upper - 0.055) / 0.016) ** 2)) * beside
    colours = mix(colours, colours * 0.62, 0.6 * crease * front)
    colours = mix(colours, np.array([0.09, 0.05, 0.04]), 0.92 * lashes * front)
    detail = 0.19 + 0.8 * _patch(half, y, 0.31, 0.02, 0.2, 0.12) + 0.5 * _patch(half, y, 0, -0.65, 0.26, 0.12)
    detail += 0.3 * _patch(half, y, 0, -0.38, 0.16, 0.12) + 0.4 * brows
    return colours**2.2, np.where(front > 0, detail, 0.2)


def _gaze(sitter: Sitter, head: Field) -> Field:
    """The eyeball in linear light: white, iris, pupil and the window's light, turned towards us."""
    side = np.sign(head[:, 0])
    middles = np.stack([0.31 * side, 0 * side, 0 * side + 0.685], axis=1)
    outwards = units(head - middles)
    us = np.stack(_turned(axes(np.array([[-0.8, EYE_LEVEL + 0.1, AWAY]])), sitter), axis=1)
    apart = np.arccos(np.clip(dots(outwards, units(us - middles)), -1, 1))
    x, y, _ = (outwards - units(us - middles)).T
    ring = np.clip((apart - 0.2) / 0.35, 0, 1)
    rays = 0.10 * np.sin(17 * np.arctan2(y, x)) * np.sin(7 * np.arctan2(y, x) + 1)
    iris = gradient(np.clip(0.75 - 0.55 * ring**2 + rays - 0.9 * y, 0, 1), sitter.iris)
    white = gradient(np.clip((apart - 0.4) / 0.7, 0, 1), ["#efe6de", "#d9c6ba", "#b58f80"])
    colours = mix(white, iris, (0.56 - apart) / 0.05 + 0.5)
    colours = mix(colours, np.array([0.06, 0.05, 0.06]), 0.75 * np.exp(-(((apart - 0.54) / 0.05) ** 2)))
    colours = mix(colours, np.array([0.03, 0.025, 0.03]), (0.22 - apart) / 0.04 + 0.5)
    upper, _ = _lids(np.abs(head[:, 0]) - 0.31)
    colours = colours * (0.45 + 0.55 * np.clip((upper - head[:, 1]) / 0.05, 0, 1))[:, None]
    glint = np.hypot(x + 0.17, y - 0.20)
    return mix(colours**2.2, np.array([1.5, 1.5, 1.45]), (0.075 - glint) / 0.03 + 0.5)


def _strands(sitter: Sitter, head: Field, outwards: Field) -> Field:
    """The way the hair lies: from the parting to both sides, down and back, in waves."""
    x, y, _ = head.T
    side = np.where(x > sitter.parting, 1.0, -1.0)
    top = np.clip((y - 0.2) / 0.8, 0, 1)
    fall = np.stack([side * (1.3 * top + 0.1) + 0.30 * np.sin(5.5 * y), -1 + 0 * y, -0.25 - 0.5 * top], axis=1)
    return units(fall - dots(fall, outwards)[:, None] * outwards)


def _woven(sitter: Sitter, points: Field) -> Field:
    """The scarf's pattern in linear light: lozenges between stripes, along every loop and down the end."""
    x, y, z = points.T
    around = np.arctan2(x, z + 0.12)
    which = np.clip(np.round((-1.32 - y - 0.1 * x) / 0.21), 0, 2)
    across = ((-1.32 - y) / 0.21 - which) * 1.7
    along = around * 3.2 + 0.4 * which
    hangs = (y < -1.98) & (z > 0.4)
    across, along = np.where(hangs, ((-1.98 - y) / 0.21) % 1 * 1.8 - 0.9, across), np.where(hangs, 4.5 * x, along)
    lozenge = np.abs(across) / 0.55 + np.abs(along % 1 - 0.5) / 0.42
    threads = np.select(
        [np.abs(np.abs(across) - 0.72) < 0.07, lozenge < 0.35, lozenge < 0.62, lozenge < 0.9], [3, 2, 1, 4], 0
    )
    colours: Field = (gradient(np.linspace(0, 1, 5), sitter.scarf) ** 2.2)[threads]
    return colours
