"""A fox in the snow: an animal modelled as a distance field, its fur painted in strokes along its body.

All lengths are in fox heads: x goes right, y up from the snow, z towards us. The fox is built looking towards us and
then turned.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from engine.images import Pixels
from engine.painters.brushwork import Brush, Motif, painted
from engine.painters.canvas import SUPERSAMPLING, Field, curve, finished, gradient, mix, noise
from engine.painters.solids import (
    Place,
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
"""The fox is modelled at most so many pixels wide: the brush is not finer than that."""
VIEW: Final = 4.5
"""How much of the world is seen from the left to the right edge, where the fox sits."""
MIDDLE: Final = 1.50
"""The height in the middle of the picture."""
CAMERA: Final = np.array([0.0, 2.35, 9.0], dtype=np.float32)
FAR: Final = 24.0
LIGHT: Final = np.array([-0.70, 0.50, 0.50]) / np.linalg.norm([-0.70, 0.50, 0.50])
HAZE: Final = ("#d6dce2", "#d3cdd0", "#aab9c9", "#8ba0b6")
"""Of the air between the trees, from the snow up."""
BRUSHES: Final = (
    Brush(34, 900, 0.0, 0.2),
    Brush(18, 3600, 0.0, 0.35),
    Brush(9, 7000, 0.1, 0.6),
    Brush(5, 13000, 0.3, 0.85),
    Brush(2.8, 9000, 0.5, 2.0),
)
TAIL: Final[tuple[tuple[Place, float], ...]] = (
    ((0.30, 0.45, -1.15), 0.20),
    ((0.95, 0.32, -0.75), 0.30),
    ((1.20, 0.30, 0.00), 0.33),
    ((0.92, 0.27, 0.62), 0.27),
    ((0.42, 0.20, 0.95), 0.10),
)
"""Places along it, and how thick it is there."""

BODY, HEAD, BRUSH, EYE, NOSE, SNOW, NOTHING = range(7)
FURRED: Final = (BODY, HEAD, BRUSH)


@dataclass(frozen=True)
class Pose:
    """What differs from one fox to another: where it sits and how it turns, in radians."""

    across: float
    turn: float
    looks: float
    tilt: float
    side: float
    """+1 where the tail lies to our right, else -1."""


@dataclass(frozen=True)
class Surface:
    """What is seen: places, what they are, which way they look, the same places on the unturned body and head."""

    points: Field
    rays: Field
    kinds: Field
    normals: Field
    body: Field
    head: Field


def paint(seed: int, size: int) -> Pixels:
    """A picture of that width, four fifths as high."""
    random = np.random.default_rng(seed)
    side = random.choice((-1.0, 1.0))
    pose = Pose(
        across=-0.25 * side + random.uniform(-0.2, 0.2),
        turn=side * random.uniform(0.35, 0.75),
        looks=side * random.uniform(0.10, 0.35),
        tilt=random.uniform(-0.12, 0.12),
        side=side,
    )
    width = size * SUPERSAMPLING
    motif = _modelled(random, pose, min(size, MODEL)).enlarged(round(width * ASPECT), width)
    canvas = painted(random, motif, BRUSHES, may_stray=lambda start, end: start in FURRED and end != EYE)
    picture = mix(canvas.lit(0.5), motif.colours, 0.2 + 0.8 * np.clip(motif.detail - 0.6, 0, 0.5))
    return finished(_before_it(random, picture), size)


def _turned(points: Points, pivot: Place, turn: float, tilt: float = 0.0) -> Points:
    """The points as seen from something that has turned about the upright at the pivot, and leans to one side."""
    x, y, z = (axis - at for axis, at in zip(points, pivot, strict=True))
    c, s = np.cos(turn), np.sin(turn)
    x, z = c * x - s * z, s * x + c * z
    c, s = np.cos(tilt), np.sin(tilt)
    return c * x + s * y + pivot[0], c * y - s * x + pivot[1], z + pivot[2]


def _to_body(points: Points, pose: Pose) -> Points:
    x, y, z = points
    return _turned((x - pose.across, y, z), (0, 0, 0), pose.turn)


def _to_head(body: Points, pose: Pose) -> Points:
    """As seen from the head, with its middle at 0."""
    x, y, z = _turned(body, (0, 2.2, 0.25), pose.looks - pose.turn * 0.8, pose.tilt)
    return x, y - 2.40, z - 0.44


def _trunk(points: Points) -> Field:
    """Chest, back and legs; the left half mirrors the right."""
    x, y, z = points
    half = np.abs(x)
    mirrored = (half, y, z)
    body = ellipsoid(points, (0, 0.72, -0.72), (0.64, 0.74, 0.74))
    body = blend(body, limb(points, (0, 0.95, -0.50), (0, 1.75, 0.10), 0.56, 0.44), 0.3)
    body = blend(body, ellipsoid(points, (0, 1.55, 0.24), (0.49, 0.60, 0.42)), 0.25)
    body = blend(body, limb(points, (0, 1.70, 0.14), (0, 2.25, 0.32), 0.46, 0.38), 0.2)
    body = blend(body, ellipsoid(mirrored, (0.50, 0.52, -0.30), (0.27, 0.52, 0.52)), 0.12)
    body = blend(body, limb(mirrored, (0.50, 0.12, -0.20), (0.46, 0.10, 0.30), 0.14, 0.12), 0.1)
    body = blend(body, limb(mirrored, (0.25, 1.20, 0.32), (0.19, 0.15, 0.46), 0.20, 0.115), 0.12)
    return blend(body, ellipsoid(mirrored, (0.19, 0.09, 0.54), (0.135, 0.11, 0.19)), 0.06)


def _tail(points: Points, pose: Pose) -> tuple[Field, Field]:
    """The distance to it, and how far along it one is there, 0..1."""
    x, y, z = points
    points = (x * pose.side, y, z)
    pieces = [limb(points, start, end, thick, thin) for (start, thick), (end, thin) in pairwise(TAIL)]
    distance = pieces[0]
    for piece in pieces[1:]:
        distance = blend(distance, piece, 0.12)
    return distance, np.argmin(pieces, axis=0) / len(pieces)


def _inner_ear(mirrored: Points) -> Field:
    x, y, z = mirrored
    return ellipsoid((x - 0.20 * (y - 0.42), y, z), (0.295, 0.42, 0.10), (0.10, 0.25, 0.11))


def _face(points: Points) -> Field:
    """Skull, muzzle, cheeks and ears, without eyes and nose."""
    x, y, z = points
    half = np.abs(x)
    mirrored = (half, y, z)
    head = ellipsoid(points, (0, 0, 0), (0.40, 0.35, 0.40))
    head = blend(head, ellipsoid(mirrored, (0.28, -0.18, 0.04), (0.26, 0.19, 0.22)), 0.12)
    head = blend(head, limb(points, (0, -0.09, 0.24), (0, -0.175, 0.70), 0.20, 0.082), 0.14)
    head = blend(head, limb(points, (0, -0.22, 0.20), (0, -0.255, 0.60), 0.12, 0.055), 0.05)
    head = blend(head, ellipsoid(mirrored, (0.15, 0.13, 0.29), (0.12, 0.06, 0.10)), 0.08)
    head = carve(head, ellipsoid(mirrored, (0.165, 0.035, 0.42), (0.085, 0.055, 0.09)), 0.08)
    ear = limb((half, y, z * 1.7), (0.25, 0.22, -0.02), (0.37, 0.74, -0.05), 0.185, 0.025) * 0.75
    head = blend(head, ear, 0.07)
    return carve(head, _inner_ear(mirrored), 0.03)


def _eyeballs(points: Points) -> Field:
    x, y, z = points
    aside = np.abs(x) - 0.172
    # Almonds that rise outwards.
    return length(aside, (y - 0.025 - 0.35 * aside) * 1.4, z - 0.320) - 0.076


def _snow(points: Points) -> Field:
    x, y, z = points
    mounds = 0.13 * np.sin(1.3 * x + 0.7 * z) + 0.09 * np.sin(2.3 * z - 1.1 * x + 2) + 0.025 * np.sin(6 * x + 3 * z)
    # It is pressed down round the fox.
    distance: Field = (y + 0.02 - 0.8 * mounds * np.clip((x * x + z * z) / 3 - 0.3, 0, 1)) * 0.9
    return distance


def _distances(points: Points, pose: Pose) -> list[Field]:
    """To body, head, tail, eyes, nose and snow, in that order."""
    body = _to_body(points, pose)
    head = _to_head(body, pose)
    nose = ellipsoid(head, (0, -0.145, 0.775), (0.068, 0.052, 0.05))
    return [_trunk(body), _face(head), _tail(body, pose)[0], _eyeballs(head), nose, _snow(points)]


def _modelled(random: np.random.Generator, pose: Pose, width: int) -> Motif:
    """The fox, the snow and the woods, in the light of a low sun."""
    height = round(width * ASPECT)
    scene = partial(_distances, pose=pose)
    down, across = np.mgrid[ASPECT / 2 : -ASPECT / 2 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
    rays = np.stack([across * VIEW, down * VIEW + MIDDLE - CAMERA[1], np.full_like(down, -CAMERA[2])], axis=-1)
    rays = units(rays.reshape(-1, 3))
    travelled = walk(CAMERA, rays, scene, 5.5, FAR)
    seen = np.flatnonzero(travelled < FAR)
    points = CAMERA + rays[seen] * travelled[seen, None]
    body = _to_body(axes(points), pose)
    head = np.stack(_to_head(body, pose), axis=1)
    surface = Surface(points, rays[seen], kinds(points, scene), normals(points, scene), np.stack(body, axis=1), head)

    values = np.zeros((height * width, 8))
    values[:, :3] = _woods(random, height, width).reshape(-1, 3)
    values[:, 3:] = (np.pi / 2, 0.15, 1.5, 0.03, NOTHING)
    flow = _flow(pose, surface)
    lit = _lit(surface, flow, _coloured(random, pose, surface), scene)
    far = np.clip((travelled[seen] - 9.5) / 11, 0, 1) ** 0.8
    lit = mix(lit, gradient(np.zeros(1), HAZE), far)
    detail, lengths, spread = (
        np.select([surface.kinds == kind for kind in (BODY, HEAD, BRUSH, EYE, NOSE, SNOW)], choices)
        for choices in (
            (0.4, 0.6, 0.4, 1.0, 0.8, 0.1),
            (1.7, 1.2, 2.0, 0.6, 0.6, 1.6),
            (0.14, 0.09, 0.14, 0, 0.03, 0.02),
        )
    )
    x, y, z = surface.head.T
    detail = detail + 0.4 * (surface.kinds == HEAD) * np.exp(-(((np.abs(x) - 0.17) / 0.13) ** 2) - (y / 0.10) ** 2) * (
        z > 0
    )
    angles = np.arctan2(-flow[:, 1], flow[:, 0])
    values[seen] = np.column_stack([lit, angles, detail, lengths, spread, surface.kinds])
    picture = values.reshape(height, width, 8)
    fine = Image.fromarray((200 * np.clip(picture[..., 4], 0, 1.2)).astype(np.uint8))
    fine = fine.filter(ImageFilter.GaussianBlur(width / 300))
    return Motif(
        picture[..., :3], picture[..., 3], np.asarray(fine) / 200, picture[..., 5], picture[..., 6], picture[..., 7]
    )


def _woods(random: np.random.Generator, height: int, width: int) -> Field:
    """Trunks in haze, row before row, the far ones paler, and the boughs between them."""
    horizon = 0.47 * height
    down = np.mgrid[0:height, 0:width][0] / horizon
    boughs = noise(random, (height, width), cells=14, octaves=4, stretch=0.5)
    air = gradient(np.clip(1 - down + 0.3 * (boughs - 0.5), 0, 1), HAZE)
    air = mix(air, np.array([0.50, 0.58, 0.66]), np.clip(boughs * 2 - 0.9, 0, 1) * np.clip(1.1 - down, 0, 1) * 0.8)
    for near in (0.25, 0.5, 0.8):
        canvas = Image.fromarray((np.clip(air, 0, 1) * 255).astype(np.uint8))
        draw = ImageDraw.Draw(canvas)
        foot = horizon * (1.04 + 0.20 * near)
        for at in np.sort(random.uniform(-0.02, 1.02, round(17 - 9 * near))) * width:
            thick = width * random.uniform(0.007, 0.014) * (0.5 + 1.6 * near)
            lean = random.normal(0, 0.02) * height
            bark = gradient(np.array([near * random.uniform(0.75, 1.1)]), ["#cfd6dc", "#8f9aa5", "#54585c"])[0]
            dark, lit = (tuple((np.clip(bark * tone, 0, 1) * 255).astype(int)) for tone in (0.92, 1.22))
            trunk = [
                (at - thick / 2, foot),
                (at + thick / 2, foot),
                (at + lean + thick / 3, 0),
                (at + lean - thick / 3, 0),
            ]
            draw.polygon(trunk, fill=dark)
            draw.polygon([trunk[0], (at - thick / 6, foot), (at + lean - thick / 8, 0), trunk[3]], fill=lit)
            for _ in range(round(3 + 6 * near)):
                rise, reach = random.uniform(0.05, 0.75) * foot, random.normal(0, 0.05) * width
                start = (at + lean * (1 - rise / foot), rise)
                draw.line(
                    [start, (start[0] + reach, rise - 0.5 * abs(reach))], fill=dark, width=max(1, round(thick / 5))
                )
        air = np.asarray(canvas.filter(ImageFilter.GaussianBlur((1 - near) * width / 250))) / 255
    return air


def _flow(pose: Pose, surface: Surface) -> Field:
    """The way the fur lies, and the snow, as directions along the surface."""
    x, y, z = surface.head.T
    ahead = np.stack([x, y + 0.15, z - 0.80], axis=1)
    ear = (y > 0.26) & (np.abs(x) > 0.12)
    ahead = np.where(ear[:, None], np.array([0.0, 1.0, -0.1]) + 0.35 * np.sign(x)[:, None] * np.eye(3)[0], ahead)
    ahead = _back(units(ahead), pose.looks - 0.8 * pose.turn + pose.turn)
    chest = np.clip(surface.body[:, 2] / 0.4, 0, 1)
    fall = np.stack([0.5 * surface.body[:, 0], -1 + 0 * chest, -0.9 * (1 - chest)], axis=1)
    fall = _back(fall, pose.turn)
    places = np.array([place for place, _ in TAIL]) * [pose.side, 1, 1]
    piece = np.round(_tail(axes(surface.body), pose)[1] * (len(TAIL) - 1)).astype(int)
    sweep = _back((places[1:] - places[:-1])[piece], pose.turn)
    drift = np.stack([np.ones_like(x), 0 * x, 0.3 * np.sin(2 * surface.points[:, 0])], axis=1)
    flow = np.select(
        [(surface.kinds == kind)[:, None] for kind in (HEAD, BRUSH, SNOW)], [ahead, sweep, drift], default=fall
    )
    return units(flow - dots(flow, surface.normals)[:, None] * surface.normals)


def _back(directions: Field, turn: float) -> Field:
    """Directions on what has turned, as directions in the world."""
    c, s = np.cos(turn), np.sin(turn)
    x, y, z = directions.T
    return np.stack([c * x + s * z, y, c * z - s * x], axis=1)


def _coloured(random: np.random.Generator, pose: Pose, surface: Surface) -> Field:
    """The colours in linear light: red fur, white below, black stockings and ears."""
    ragged = tiled(noise(random, (512, 512), 30, 4), surface.points) - 0.5
    warm = gradient(np.clip(0.55 + 1.1 * ragged, 0, 1), ["#8a3d12", "#c9601c", "#e58a37"])
    white, black = np.array([0.93, 0.90, 0.84]), np.array([0.10, 0.08, 0.08])

    x, y, z = surface.body.T
    bib = np.clip(0.40 - (x / 0.36) ** 2 + 0.5 * ragged + 1.2 * (z - 0.25), 0, 0.25) * 4 * np.clip((y - 0.75) * 4, 0, 1)
    stockings = np.clip((0.80 - y + 0.8 * ragged) * 3, 0, 1) * np.clip((z - 0.10) * 6, 0, 1)
    body = mix(mix(warm, white, bib), black, 0.92 * stockings)

    along = _tail(axes(surface.body), pose)[1] + 0.2 * ragged
    brush = mix(mix(warm, black, 0.35 * np.clip(4 * along - 0.8, 0, 1)), white, np.clip(10 * (along - 0.68), 0, 1))

    x, y, z = surface.head.T
    half = np.abs(x)
    below = np.clip(
        (-0.115 + 0.10 * np.clip(half / 0.3, 0, 1) - 0.10 * np.clip(z - 0.3, 0, 1) - y + 0.10 * ragged) * 14, 0, 1
    )
    head = mix(warm * np.array([1.05, 1.0, 0.95]), white, below)
    muzzle = np.exp(-(((half - 0.085) / 0.035) ** 2) - (((z - 0.52) / 0.14) ** 2)) * (y < -0.02)
    mouth = np.exp(-(((y + 0.235 - 0.05 * np.clip(half / 0.15, 0, 1)) / 0.011) ** 2)) * (z > 0.30)
    rims = np.exp(-((np.hypot(half - 0.172, 1.4 * (y - 0.022 - 0.35 * (half - 0.172))) / 0.098) ** 4)) * (z > 0.1)
    tear = np.exp(-(((half - 0.115 - 0.5 * (y + 0.02)) / 0.022) ** 2)) * (y > -0.12) * (y < 0.0) * (z > 0.25)
    ear = np.clip((y - 0.30) * 8, 0, 1) * (half > 0.12)
    inside = ear * np.clip(1 - _inner_ear((half, y, z)) / 0.035, 0, 1)
    lines = np.maximum(0.6 * mouth, np.maximum(0.95 * rims, 0.6 * tear))
    head = mix(mix(head, black, 0.55 * muzzle), black, 0.8 * lines)
    head = mix(head, black, ear * np.clip(0.55 + 2.5 * (y - 0.55), 0.25, 0.95))
    head = mix(head, np.array([0.85, 0.76, 0.66]), 0.85 * inside)

    snow = np.array([0.94, 0.95, 0.97]) - 0.05 * ragged[:, None]
    colours = np.select(
        [(surface.kinds == kind)[:, None] for kind in (HEAD, BRUSH, EYE, NOSE, SNOW)],
        [head, brush, _gaze(pose, surface.head), np.full_like(head, 0.10), snow],
        default=body,
    )
    linear: Field = colours**2.2
    return linear


def _gaze(pose: Pose, head: Field) -> Field:
    """Amber eyes with upright pupils that look at us, and the sky in them."""
    side = np.sign(head[:, :1])
    outwards = units(head - np.concatenate([0.172 * side, 0 * side + 0.025, 0 * side + 0.318], axis=1))
    turn = pose.looks + 0.2 * pose.turn
    us = np.array([-np.sin(turn) * 0.7, 0.0, 1.0])
    x, y, _ = (outwards - units(us[None])).T
    apart = np.hypot(x, y)
    iris = gradient(np.clip(apart / 0.75 + 0.55 * y, 0, 1), ["#f0b23c", "#d98a1e", "#5a2f0c"])
    iris = mix(iris, np.array([0.03, 0.02, 0.02]), np.clip((0.30 - np.hypot(x * 1.6, y * 0.8)) * 14, 0, 1))
    return mix(iris, np.array([1.0, 1.0, 1.0]), np.clip((0.15 - np.hypot(x + 0.24, y - 0.22)) * 14, 0, 1))


def _lit(surface: Surface, flow: Field, colours: Field, scene: Scene) -> Field:
    """A low sun, the blue sky, the light that comes back from the snow, and a gleam along the fur."""
    outwards = surface.normals
    x, y, z = outwards.T
    sun = unshaded(surface.points + 0.03 * outwards, LIGHT, scene)
    air = openness(surface.points, outwards, scene, (0.08, 0.2, 0.5))
    # Beside the fox lie the shadows of trees that we do not see.
    beside = surface.points @ np.array([0.58, 0.0, 0.81])
    barred = np.clip(2.5 * (np.sin(2.1 * beside + 0.8) + np.sin(3.7 * beside)) - 1.2, 0, 1) * (surface.kinds == SNOW)
    sun = sun * (1 - 0.85 * barred * np.clip((np.abs(beside) - 0.9) * 3, 0, 1))
    is_fur = np.isin(surface.kinds, FURRED)
    soft = np.where(is_fur, 0.25, 0.05)
    key = np.clip((dots(outwards, LIGHT) + soft) / (1 + soft), 0, 1) * sun
    got = key[:, None] * np.array([1.85, 1.58, 1.22])
    for light, colour in (
        (0.6 + 0.4 * y, (0.36, 0.44, 0.58)),
        (np.clip(0.35 - 0.65 * y, 0, 1), (0.34, 0.35, 0.38)),
        (np.clip(0.8 * x - 0.4 * z, 0, 1) * is_fur, (0.35, 0.40, 0.48)),
    ):
        got = got + (air * light)[:, None] * np.array(colour)
    half = units(LIGHT - surface.rays)
    sheen = is_fur * 0.10 * np.clip(1 - dots(flow, half) ** 2, 0, 1) ** 8 * (0.1 + sun) * air
    gleam = (surface.kinds == NOSE) * 0.5 * np.clip(dots(outwards, half), 0, 1) ** 20
    seen = colours * got + (sheen + gleam)[:, None] * np.array([1.0, 0.93, 0.82])
    # Chosen by eye, as all strengths of light here: a film's shoulder, so that what the sun hits keeps its colour.
    developed: Field = (seen / (1 + 0.35 * seen)) ** (1 / 2.2)
    return developed


def _before_it(random: np.random.Generator, picture: Field) -> Field:
    """The picture with dry grasses that stand in the snow along its lower edge, and flakes in the air."""
    height, width = picture.shape[:2]
    canvas = Image.fromarray((np.clip(picture, 0, 1) * 255).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    for tuft in random.choice((0.06, 0.2, 0.82, 0.95), 3, replace=False):
        for _ in range(26):
            foot = np.array([(tuft + random.normal(0, 0.035)) * width, random.uniform(0.90, 1.03) * height])
            tall, lean = random.uniform(0.08, 0.30) * height, random.normal(0.06, 0.07) * width
            blade = curve(
                np.stack([foot, foot + np.array([0.25 * lean, -0.6 * tall]), foot + np.array([lean, -tall])]), 10
            )
            straw = gradient(random.uniform(0, 1, 1), ["#5b4326", "#a88149", "#d9bd84"])[0]
            fill = tuple((straw * 255).astype(int))
            for index in range(len(blade) - 1):
                thick = width / 420 * (1 - 0.7 * index / len(blade))
                draw.line([*blade[index], *blade[index + 1]], fill=fill, width=max(1, round(thick)))
    veil = Image.new("L", canvas.size)
    flakes = ImageDraw.Draw(veil)
    for across, down in random.uniform(0, 1, (90, 2)) * (width, height):
        radius = width / 1024 * random.uniform(0.8, 3.2)
        flakes.ellipse(
            (across - radius, down - radius, across + radius, down + radius), fill=int(random.uniform(110, 230))
        )
    veil = veil.filter(ImageFilter.GaussianBlur(width / 1400))
    return mix(np.asarray(canvas) / 255, np.array([0.97, 0.98, 1.0]), np.asarray(veil) / 255)
