"""Pears by a window: a still life that nobody set up, for the sample pictures.

The objects are distance fields (how far is the nearest surface?), found by walking along each pixel's ray (J. C. Hart,
"Sphere tracing", 1996). All lengths are in pears: one is about 1.2 high. x goes right, y up, z away from the camera.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from engine.images import Pixels
from engine.painters.canvas import SUPERSAMPLING, Field, finished, gradient, mix, noise

ASPECT: Final = 0.75
CAMERA: Final = np.array([0.0, 1.75, -6.2])
TARGET: Final = np.array([0.0, 0.72, 0.0])
ZOOM: Final = 2.6
"""How far the view is from edge to edge: 1 across for so many away, to either side."""
LIGHT: Final = np.array([-0.72, 0.56, -0.41])
WALL: Final = 1.9
FRONT: Final = -1.55
"""How far away the wall and the table's front edge are."""
JUG_FOOT: Final = np.array([-1.12, 0.0, 0.42])
FAR: Final = 14.0

TABLE, PLASTER, JUG, PEAR, ORANGE, PLUM, STEM, CLOTH = range(8)

Thing = tuple[int, Callable[[Field], Field]]
"""What it is made of, and the distance to it from points of shape (count, 3)."""


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, three quarters as high."""
    random = np.random.default_rng(seed)
    width = size * SUPERSAMPLING
    height = round(width * ASPECT)
    rays = _rays(height, width)
    things = _arranged(random)
    travelled = _walk(things, np.broadcast_to(CAMERA, rays.shape), rays, FAR)
    points = CAMERA + rays * travelled[:, None]
    picture = _lit(things, points, rays, *_surface(random, things, points))
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    vignette = 1 - 0.16 * (down**2 + across**2)
    grain = random.normal(0, 0.010, (height, width, 1))
    return finished(picture.reshape(height, width, 3) * vignette[..., None] + grain, size)


def _rays(height: int, width: int) -> Field:
    """Each pixel's direction of view, shape (height * width, 3)."""
    ahead = (TARGET - CAMERA) / np.linalg.norm(TARGET - CAMERA)
    right = np.array([ahead[2], 0, -ahead[0]]) / np.hypot(ahead[0], ahead[2])
    up = np.cross(ahead, right)
    down, across = np.mgrid[-ASPECT : ASPECT : height * 1j, -1 : 1 : width * 1j]
    rays = ZOOM * ahead + across.reshape(-1, 1) * right - down.reshape(-1, 1) * up
    directions: Field = rays / _length(rays)[:, None]
    return directions


def _arranged(random: np.random.Generator) -> list[Thing]:
    """A jug, three pears, oranges and plums on a striped cloth; every seed shifts them a little."""

    def near(x: float, y: float, z: float) -> Field:
        return np.array([x, y, z]) + random.normal(0, 0.025, 3) * [1, 0, 1]

    pears = [
        (near(-0.36, 0.0, -0.42), _turned(lean=0.08, turn=0.4)),
        (near(0.80, 0.0, 0.22), _turned(lean=-0.12, turn=2.0)),
        (near(1.04, 0.40, -0.60), _turned(lean=1.38, turn=-0.42)),
    ]
    oranges = [near(0.26, 0.37, 0.12), near(-1.72, 0.37, -0.52)]
    plums = [near(0.08, 0.21, -1.00), near(0.55, 0.21, -1.12), near(-1.06, 0.21, -0.86)]
    return [
        (TABLE, _table_top),
        (PLASTER, lambda points: WALL - points[:, 2]),
        (CLOTH, _cloth),
        (JUG, _jug),
        *((PEAR, partial(_pear, foot=foot, rotation=rotation)) for foot, rotation in pears),
        *((STEM, partial(_stem, foot=foot, rotation=rotation)) for foot, rotation in pears),
        *((ORANGE, partial(_ball, middle=middle, radius=0.37)) for middle in oranges),
        *((PLUM, partial(_ball, middle=middle, radius=0.21)) for middle in plums),
    ]


def _length(vectors: Field) -> Field:
    # Three times as fast as np.linalg.norm along an axis of three.
    length: Field = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    return length


def _ball(points: Field, middle: Field, radius: float) -> Field:
    return _length(points - middle) - radius


def _box(points: Field, middle: Field, half: Field) -> Field:
    beyond = np.abs(points - middle) - half
    inside = np.minimum(np.maximum(np.maximum(beyond[:, 0], beyond[:, 1]), beyond[:, 2]), 0)
    distance: Field = _length(np.maximum(beyond, 0)) + inside
    return distance


def _blend(one: Field, other: Field, reach: float) -> Field:
    """The nearer of both, with a smooth neck where they are about as near (I. Quilez's polynomial minimum)."""
    share = np.clip(0.5 + 0.5 * (other - one) / reach, 0, 1)
    distance: Field = other + (one - other) * share - reach * share * (1 - share)
    return distance


def _turned(lean: float, turn: float) -> Field:
    """The rotation that leans to the right by one angle and then turns about the upright by the other."""
    c, s = np.cos(lean), np.sin(lean)
    leaning = np.array([[c, s, 0], [-s, c, 0], [0, 0, 1]])
    c, s = np.cos(turn), np.sin(turn)
    rotation: Field = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]) @ leaning
    return rotation


def _pear(points: Field, foot: Field, rotation: Field) -> Field:
    points = (points - foot) @ rotation
    belly = _ball(points, np.array([0, 0.42, 0]), 0.42)
    return _blend(belly, _ball(points, np.array([0.03, 1.0, 0]), 0.19), 0.42)


def _stem(points: Field, foot: Field, rotation: Field) -> Field:
    points = (points - foot) @ rotation
    share = np.clip((points[:, 1] - 1.12) / 0.34, 0, 1)
    bent = np.stack([0.03 + 0.12 * share**2, 1.12 + 0.34 * share, 0 * share], axis=1)
    return (_length(points - bent) - 0.022 - 0.014 * share**3) * 0.8


def _jug(points: Field) -> Field:
    """A wall along a profile turned about the upright, open at the top, and a handle at its left."""
    points = points - JUG_FOOT
    radius = np.hypot(points[:, 0], points[:, 2])
    at = np.clip(points[:, 1], 0, 2.05)
    profile = 0.40 + 0.30 * np.sin(np.pi * np.clip(at / 1.5, 0, 1)) ** 1.5 - 0.13 * np.exp(-(((at - 1.62) / 0.22) ** 2))
    wall = np.abs(radius - profile - 0.09 * np.clip((at - 1.75) / 0.3, 0, 1) ** 2) - 0.035
    body = np.maximum(wall * 0.72, np.abs(points[:, 1] - 1.02) - 1.02)
    ring = np.hypot((points[:, 0] + 0.60) * 0.95, (points[:, 1] - 1.28) * 0.72) - 0.37
    handle = np.maximum(np.hypot(ring, points[:, 2]) - 0.062, points[:, 0] + 0.31)
    return _blend(body, handle * 0.8, 0.06)


def _table_top(points: Field) -> Field:
    return _box(points, np.array([0, -0.6, 1.5]), np.array([9, 0.57, 1.47 - FRONT])) - 0.03


def _cloth(points: Field) -> Field:
    """A runner that lies on the table and hangs over its front, in folds that widen downwards."""
    x, y, z = points.T
    hang = np.clip(-y, 0, 1)
    folds = (0.05 * np.sin(7.5 * x + 0.6) + 0.03 * np.sin(15 * x + 2)) * hang**0.7
    wrinkles = 0.006 * np.sin(6 * x + 4 * z) * np.sin(5 * z - 3 * x + 1)
    beyond = np.stack([x - 0.55 + 0.10 * (z - FRONT), y + 0.6 - wrinkles, z - 0.40 - folds], axis=1)
    half = np.array([1.10, 0.625, 0.40 - FRONT + 0.035])
    return (_box(beyond, np.zeros(3), half - 0.03) - 0.03) * 0.7


def _nearest(things: list[Thing], points: Field) -> Field:
    # In portions that stay in the processor's cache: twice as fast as all at once.
    portions = np.array_split(points, max(1, len(points) // 4096))
    return np.concatenate([np.minimum.reduce([distance(some) for _, distance in things]) for some in portions])


def _walk(things: list[Thing], starts: Field, rays: Field, far: float) -> Field:
    """How far one can go along each ray before a surface, at most `far`."""
    travelled = np.full(len(rays), 0.02)
    walking = np.arange(len(rays))
    for _ in range(110):
        step = _nearest(things, starts[walking] + rays[walking] * travelled[walking, None])
        travelled[walking] += step
        walking = walking[(step > 0.0012) & (travelled[walking] < far)]
        if not len(walking):
            break
    reached: Field = np.minimum(travelled, far)
    return reached


def _surface(random: np.random.Generator, things: list[Thing], points: Field) -> tuple[Field, Field, Field]:
    """The colour, the normal and the gloss of the surface at each point."""
    distances = np.stack([distance(points) for _, distance in things])
    kinds = np.array([kind for kind, _ in things])[distances.argmin(axis=0)]
    corners = np.array([[1, -1, -1], [-1, -1, 1], [-1, 1, -1], [1, 1, 1]])
    normals: Field = np.sum([corner * _nearest(things, points + 0.002 * corner)[:, None] for corner in corners], axis=0)
    normals /= _length(normals)[:, None]
    colours = np.zeros_like(points)
    gloss = np.zeros(len(points))
    flat = {TABLE: _wood, PLASTER: _plaster, JUG: _glaze, CLOTH: _linen}
    for kind, skin in flat.items():
        colours[kinds == kind] = skin(random, points[kinds == kind])
    round_ones = {PEAR: _pear_skin, ORANGE: _orange_peel, PLUM: _plum_skin}
    for kind, peel in round_ones.items():
        colours[kinds == kind] = peel(random, points[kinds == kind], normals[kinds == kind])
    colours[kinds == STEM] = (0.10, 0.055, 0.03)
    pores = noise(random, (1024, 1024), 130, 3)
    dimpled = kinds == ORANGE
    for axis, shift in enumerate(0.012 * np.eye(3)):
        at, beside = (_all_round(pores, points[dimpled] + by, normals[dimpled], 2.4) for by in (0, shift))
        normals[dimpled, axis] -= 0.45 * (beside - at)
    for kind, shine in ((JUG, 0.75), (PEAR, 0.22), (ORANGE, 0.34), (PLUM, 0.30), (TABLE, 0.16)):
        gloss[kinds == kind] = shine
    return colours, normals / _length(normals)[:, None], gloss


def _looked_up(texture: Field, points: Field, scale: float) -> Field:
    """The texture's value at each point's x and y, in tiles of that size, every other one mirrored: no seams."""
    across, down = (1 - np.abs(points[:, axis] / scale % 2 - 1) for axis in (0, 1))
    height, width = texture.shape
    found: Field = texture[(down * (height - 1)).astype(int), (across * (width - 1)).astype(int)]
    return found


def _all_round(texture: Field, points: Field, normals: Field, scale: float) -> Field:
    """The texture laid onto a round thing from three sides, each showing where the surface faces it."""
    shares = normals**4 / (normals**4).sum(axis=1, keepdims=True)
    sides = [_looked_up(texture, np.roll(points, -turn, axis=1), scale) for turn in (1, 2, 0)]
    found: Field = (np.stack(sides, axis=1) * shares).sum(axis=1)
    return found


def _linear(colours: Field) -> Field:
    """Light from the numbers of sRGB, near enough."""
    light: Field = colours**2.2
    return light


def _wood(random: np.random.Generator, points: Field) -> Field:
    """Boards along x: long grain, and dark joints."""
    along = np.stack([points[:, 0], points[:, 2] - points[:, 1]], axis=1)
    board = np.floor((along[:, 1] + 20) / 0.62)
    shifted = along + np.stack([3.7 * board, 0.31 * board], axis=1)
    fibres = _looked_up(noise(random, (1024, 1024), 6, 7, stretch=14), shifted, 6)
    rings = 0.5 + 0.5 * np.sin(60 * _looked_up(noise(random, (1024, 1024), 2, 4, stretch=5), shifted, 9))
    colours = _linear(
        gradient(0.68 * fibres + 0.22 * rings + 0.05 * (board % 3), ["#3a2113", "#7b4a28", "#a9713f", "#c48d55"])
    )
    joint = np.abs((along[:, 1] + 20) % 0.62 - 0.31) > 0.302
    return np.where(joint[:, None], colours * 0.22, colours)


def _plaster(random: np.random.Generator, points: Field) -> Field:
    """A grey-green wall with old stains."""
    stains = _looked_up(noise(random, (1024, 1024), 5, 8), points + np.array([7, 3, 0]), 14)
    return _linear(gradient(stains, ["#7d8a88", "#9aa49c", "#b3b5a6", "#c9c2ac"]))


def _glaze(random: np.random.Generator, points: Field) -> Field:
    """Cream with two blue bands and a row of blue leaves between them."""
    x, y, z = (points - JUG_FOOT).T
    round_it = np.arctan2(x, -z)
    leaf = np.abs((round_it * 4.5 / np.pi + 20) % 1 - 0.5) < 0.36 * np.sqrt(np.clip(1 - ((y - 0.88) / 0.22) ** 2, 0, 1))
    vein = np.abs((round_it * 4.5 / np.pi + 20) % 1 - 0.5) < 0.05
    bands = (np.abs(y - 1.24) < 0.045) | (np.abs(y - 0.52) < 0.045) | (np.abs(y - 1.33) < 0.012) | (y > 1.97)
    cream = _linear(gradient(_looked_up(noise(random, (512, 512), 8, 6), points, 3), ["#d9cdb4", "#efe6d2"]))
    painted = (bands | (leaf & ~vein)) & (np.hypot(x, z) < 0.76)
    return np.where(painted[:, None], np.array([0.035, 0.10, 0.34]), cream)


def _pear_skin(random: np.random.Generator, points: Field, normals: Field) -> Field:
    """Yellow-green, with a red cheek on one side and freckles."""
    ripe = _all_round(noise(random, (512, 512), 4, 5), points, normals, 2.2)
    freckles = _all_round(noise(random, (1024, 1024), 100, 2), points, normals, 2.2)
    colours = _linear(gradient(ripe, ["#8f9a2c", "#c0b53a", "#e0c24e"]))
    cheek = np.clip(
        2.4 * _looked_up(noise(random, (512, 512), 3, 5), points + np.array([0.7, 0.2, 0]), 2.6) - 0.95, 0, 0.6
    )
    colours = mix(colours, np.array([0.52, 0.075, 0.035]), cheek)
    return mix(colours, np.array([0.23, 0.13, 0.04]), np.clip((freckles - 0.70) * 7, 0, 0.55))


def _orange_peel(random: np.random.Generator, points: Field, normals: Field) -> Field:
    ripe = _all_round(noise(random, (512, 512), 6, 6), points, normals, 2)
    return _linear(gradient(ripe, ["#d8680a", "#ee8614", "#f6a128"]))


def _plum_skin(random: np.random.Generator, points: Field, normals: Field) -> Field:
    """Dark, under a pale bloom that fingers have wiped off here and there."""
    bloom = _all_round(noise(random, (512, 512), 7, 6), points, normals, 1.6)
    return mix(np.full_like(points, [0.10, 0.02, 0.09]), np.array([0.24, 0.25, 0.46]), 1.5 * bloom - 0.42)


def _linen(random: np.random.Generator, points: Field) -> Field:
    """Natural linen, woven, with blue stripes along it."""
    across = points[:, 0] - 0.55 + 0.10 * (points[:, 2] - FRONT)
    along = points[:, 2] - points[:, 1]
    weave = 0.5 + 0.25 * np.sin(190 * across) + 0.25 * np.sin(190 * along)
    stripes = (np.abs(np.abs(across) - 0.90) < 0.075) | (np.abs(np.abs(across) - 0.77) < 0.018)
    base = np.where(stripes[:, None], np.array([0.06, 0.14, 0.32]), np.array([0.66, 0.60, 0.48]))
    worn = _looked_up(noise(random, (512, 512), 12, 5), np.stack([across, along], axis=1), 3)
    woven: Field = base * (0.72 + 0.22 * weave + 0.22 * worn)[:, None]
    return woven


def _lit(things: list[Thing], points: Field, rays: Field, colours: Field, normals: Field, gloss: Field) -> Field:
    """Sun through a window at the left, the room's cool light, and the table's warm one from below."""
    light = LIGHT / np.linalg.norm(LIGHT)
    facing = np.clip(normals @ light, 0, 1)
    sun = facing * _window(points, light) * _unshaded(things, points + 0.012 * normals, light)
    open_air = _openness(things, points, normals)
    room = open_air * (0.55 + 0.45 * normals[:, 1]) * (0.7 - 0.3 * normals[:, 0])
    warm = open_air * np.clip(0.4 - 0.6 * normals[:, 1], 0, 1) * np.exp(-np.clip(points[:, 1], 0, 9))
    got = (
        sun[:, None] * np.array([3.5, 2.9, 2.1])
        + room[:, None] * np.array([0.46, 0.54, 0.66])
        + warm[:, None] * np.array([0.30, 0.19, 0.10])
    )
    half = light - rays
    half /= _length(half)[:, None]
    glint = gloss * (np.clip((normals * half).sum(axis=1), 0, 1) ** 70) * (0.2 + sun)
    edge = gloss * 0.30 * open_air * (1 + (normals * rays).sum(axis=1)).clip(0, 1) ** 4
    seen = colours * got + glint[:, None] * np.array([1.5, 1.4, 1.2]) + edge[:, None] * np.array([0.6, 0.7, 0.8])
    # Chosen by eye, as all strengths of light here: a film's shoulder, so that what the sun hits keeps its colour.
    developed: Field = (seen / (1 + 0.42 * seen)) ** (1 / 2.2)
    return developed


def _window(points: Field, light: Field) -> Field:
    """How much sun comes through the window: six panes, with soft edges."""
    right = np.cross([0, 1, 0], light)
    right /= np.linalg.norm(right)
    across, up = points @ right, points @ np.cross(light, right)
    glass = np.ones(len(points))
    for place, middle, pane, panes in ((across, 0.05, 1.14, 3), (up, 0.72, 1.62, 2)):
        inside = panes * pane / 2 - np.abs(place - middle)
        bar = np.abs((place - middle + panes * pane / 2 + pane / 2) % pane - pane / 2)
        glass *= np.clip(inside / 0.14 + 0.5, 0, 1) * np.clip((bar - 0.02) / 0.09, 0, 1)
    return 0.07 + 0.93 * glass


def _unshaded(things: list[Thing], points: Field, light: Field) -> Field:
    """How much of the sun each point sees: near misses on the way to it make the shadow's soft edge."""
    clear = np.ones(len(points))
    travelled = np.full(len(points), 0.02)
    # The wall lies behind everything on the way to the light.
    casting = [thing for thing in things if thing[0] != PLASTER]
    walking = np.arange(len(points))
    for _ in range(48):
        distance = _nearest(casting, points[walking] + light * travelled[walking, None])
        clear[walking] = np.minimum(clear[walking], np.clip(0.5 + 7 * distance / travelled[walking], 0, 1))
        travelled[walking] += np.clip(np.abs(distance), 0.03, 0.5)
        walking = walking[(clear[walking] > 0.01) & (travelled[walking] < 5)]
        if not len(walking):
            break
    return clear * clear * (3 - 2 * clear)


def _openness(things: list[Thing], points: Field, normals: Field) -> Field:
    """How free the surroundings are: small in corners and where one thing touches another."""
    closed = np.zeros(len(points))
    for reach in (0.03, 0.09, 0.2, 0.4):
        closed += (reach - _nearest(things, points + reach * normals)).clip(0) / reach
    return np.clip(1 - 0.30 * closed, 0.08, 1)
