"""The pictures from which the embedded encoder learns: crops, imagined pictures, and those that it is painting itself.

Clean photos and paintings are not enough: an optimiser that is steered by a small network finds noise that this
network likes and its teacher does not. So a pool of pictures is kept that the pupil stylises with its weights of the
moment, by the default recipe, some steps at each visit, and now and then its teacher does; and it is taught what VGG-19
sees before and after. The pool was the largest single gain.

What the teacher sees costs far more than to learn from it, so each picture is kept with it and drawn several times.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from engine.canvas import Canvas
from engine.coarse_to_fine import INGREDIENTS, content_weights
from engine.descent import Descent, Pace
from engine.encoders import Encoder
from engine.errors import OptionsRefused
from engine.images import open_picture
from engine.imagined import imagine
from engine.memory import Rung
from engine.objective import Objective
from engine.options import Options
from engine.slopes import Slope
from engine.step import BLEED, Style, to_pixels, to_tensor
from engine.targets import MeasureCache, Painting

PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
LONGEST_EDGE: Final = 768
"""Larger pictures are reduced to it when they are read: crops are taken at every smaller scale anyway."""


def read_folder(folder: Path, held_out: Sequence[str]) -> list[Tensor]:
    """Every picture in the folder whose stem is not held out, shape (1, 3, height, width), bfloat16, in 0..1.

    Raises:
        OptionsRefused: there is none.
    """
    pictures = []
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() in PICTURE_SUFFIXES and path.stem not in held_out:
            picture = to_tensor(open_picture(path.read_bytes()), torch.device("cpu"))
            factor = min(1.0, LONGEST_EDGE / max(picture.shape[-2:]))
            pictures.append(_resample(picture, factor).bfloat16())
    if not pictures:
        raise OptionsRefused(f"There is no picture to learn from in {folder}.")
    return pictures


class Crops:
    """An endless supply of crops at random scales, disturbed so that few pictures teach as many do."""

    def __init__(self, photos: Sequence[Tensor], paintings: Sequence[Tensor], random: torch.Generator) -> None:
        self.photos = photos
        self.paintings = paintings
        self.random = random

    def clean(self, edge: int, *, of_painting: bool | None = None) -> Tensor:
        """One undisturbed crop, shape (1, 3, edge, edge); of a painting or a photo, or of either."""
        if of_painting is None:
            of_painting = self.chance(0.5)
        pictures = self.paintings if of_painting else self.photos
        picture = pictures[self.below(len(pictures))].float()
        shortest = min(picture.shape[-2:])
        # Between the finest detail and the whole picture, evenly by octave.
        window = round(shortest * (edge / shortest) ** self.uniform(0, 1)) if shortest > edge else shortest
        top = self.below(picture.shape[-2] - window + 1)
        left = self.below(picture.shape[-1] - window + 1)
        crop = picture[..., top : top + window, left : left + window]
        crop = functional.interpolate(crop, (edge, edge), mode="bicubic", antialias=True, align_corners=False)
        return crop.flip(-1).clamp(0, 1) if self.chance(0.5) else crop.clamp(0, 1)

    def imagined(self, edge: int) -> Tensor:
        """A picture of nothing that was ever seen (`engine.imagined`), shape (1, 3, edge, edge)."""
        return to_tensor(imagine(edge, np.random.default_rng(self.below(2**31))), torch.device("cpu"))

    def disturbed(self, edge: int) -> Tensor:
        """A crop or an imagined one, perhaps blended with another, in other colours, blurred or noisy."""
        crop = self.imagined(edge) if self.chance(0.2) else self.clean(edge)
        if self.chance(0.2):
            crop = crop.lerp(self.clean(edge), self.uniform(0.2, 0.8))
        if self.chance(0.3):
            crop = crop[:, torch.randperm(3, generator=self.random)]
        if self.chance(0.5):
            gain = 1 + 0.4 * self._normal(1, 3, 1, 1)
            crop = (crop - 0.5) * gain + 0.5 + 0.15 * self._normal(1, 3, 1, 1)
        if self.chance(0.1):
            small = functional.avg_pool2d(crop, 4)
            crop = functional.interpolate(small, (edge, edge), mode="bilinear", align_corners=False)
        if self.chance(0.4):
            crop = crop + self.uniform(0, 0.15) * self._normal(*crop.shape)
        return crop.clamp(0, 1)

    def chance(self, probability: float) -> bool:
        """Whether luck will have it."""
        return self.uniform(0, 1) < probability

    def uniform(self, low: float, high: float) -> float:
        """A number between the two."""
        return low + (high - low) * torch.rand((), generator=self.random).item()

    def below(self, end: int) -> int:
        """A whole number from 0."""
        return int(torch.randint(end, (), generator=self.random).item())

    def one_of(self, shares: Mapping[str, float]) -> str:
        """Each as often as its share of them."""
        number = torch.multinomial(torch.tensor(list(shares.values())), 1, generator=self.random)
        return list(shares)[int(number)]

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random)


@dataclass
class _Easel:
    """A picture on its way from a content to a style, by the pupil's own weights."""

    canvas: Canvas
    descent: Descent
    edges: list[int]
    """Of the scales to come with their bleed, in pixels; the first is this one's."""
    steps_left: int
    """At this scale."""

    def objective(self, encoder: Encoder) -> Objective:
        """The recipe's, as the pupil sees content and style now."""
        inner = self.edges[0] - 2 * BLEED
        return self.canvas.objective(
            inner,
            inner,
            encoder,
            Rung(encoder.precision),
            content_weights(self.canvas.options.strength, encoder),
            INGREDIENTS.layer_weights,
            INGREDIENTS.smoothness_weight,
        )


@dataclass(frozen=True)
class Visit:
    """Some steps of a painting."""

    pictures: Tensor
    """Before and after, shape (2, 3, edge, edge)."""
    painting: Painting
    """What is painted after."""
    edge: int
    """At which size, in pixels."""


@dataclass
class Pool:
    """Pictures that the pupil is painting by the default recipe, scale by scale.

    Args:
        crops: whence contents and styles come.
        edges: of the scales with their bleed, in pixels.
        device: to paint on.
        size: pictures in work at a time.
        steps_a_visit: steps between two looks of the teacher.
    """

    crops: Crops
    edges: Sequence[int]
    device: torch.device
    size: int = 24
    steps_a_visit: int = 4
    easels: list[_Easel] = field(default_factory=list)

    def visit(self, encoder: Encoder) -> Visit:
        """Paint on at one of them with that encoder."""
        if len(self.easels) < self.size:
            self.easels.append(self._begin())
            number = len(self.easels) - 1
        else:
            number = self.crops.below(self.size)
        easel = self.easels[number]
        if easel.steps_left <= 0:
            easel.edges.pop(0)
            if easel.edges:
                inner = easel.edges[0] - 2 * BLEED
                easel.descent.move_to(inner, inner)
                easel.steps_left = self._steps()
            else:
                easel = self.easels[number] = self._begin()
        objective = easel.objective(encoder)
        before = easel.descent.picture.detach().clone()
        for _ in range(self.steps_a_visit):
            easel.descent.step(objective, seed=self.crops.below(2**31))
        easel.steps_left -= self.steps_a_visit
        pictures = torch.cat([before, easel.descent.picture.detach()])
        return Visit(pictures, easel.canvas.paintings[0], easel.edges[0] - 2 * BLEED)

    def _begin(self) -> _Easel:
        crops = self.crops
        edges = sorted(self.edges)[crops.below(len(self.edges)) :]
        first, last = edges[0] - 2 * BLEED, edges[-1] - 2 * BLEED
        content, style = (to_pixels(crops.clean(last, of_painting=of_painting)) for of_painting in (False, True))
        options = Options(
            strength=1 + crops.below(99),
            start="content" if crops.chance(0.7) else "noise",
            statistic="moments" if crops.chance(0.8) else "gram",
            seed=crops.below(2**31),
        )
        canvas = Canvas(content, [Style(style)], self.device, options, (last, last), MeasureCache())
        rate = 10 ** crops.uniform(-2, -1)
        descent = Descent(canvas.start(first, first), Pace(rate=rate))
        return _Easel(canvas, descent, edges, self._steps())

    def _steps(self) -> int:
        return int(10 ** self.crops.uniform(0.6, 2))


@dataclass(frozen=True)
class Lesson:
    """A picture, or one before and after some steps of painting, and what the teacher sees there."""

    picture: Tensor
    """Shape (1 or 2, 3, edge, edge), float16, in 0..1."""
    seen: Mapping[str, Tensor]
    """By layer, standardised projections, float16."""
    slope: Slope | None = None
    """At the first picture."""

    @property
    def pixels(self) -> int:
        """Of all its pictures."""
        return self.picture.shape[0] * self.picture.shape[-1] * self.picture.shape[-2]


class Replay:
    """Lessons to be drawn again (Lin 1992, of reinforcement learning), the newest so many pixels of each edge."""

    def __init__(self, most_pixels: int) -> None:
        self.most_pixels = most_pixels
        self.lessons: dict[int, deque[Lesson]] = {}

    def keep(self, lesson: Lesson) -> None:
        """The oldest of its edge go, if there are too many."""
        kept = self.lessons.setdefault(lesson.picture.shape[-1], deque())
        kept.append(lesson)
        while len(kept) > 1 and sum(one.pixels for one in kept) > self.most_pixels:
            kept.popleft()

    def draw(self, pixels: int, below: Callable[[int], int]) -> list[Lesson]:
        """Lessons of one edge with about so many pixels; the same one may come twice."""
        edges = sorted(self.lessons)
        edge = edges[below(len(edges))]
        kept = self.lessons[edge]
        drawn = [kept[below(len(kept))]]
        while sum(lesson.pixels for lesson in drawn) + edge**2 <= pixels:
            drawn.append(kept[below(len(kept))])
        return drawn


def _resample(picture: Tensor, factor: float) -> Tensor:
    if factor >= 1:
        return picture
    size = [round(edge * factor) for edge in picture.shape[-2:]]
    return functional.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
