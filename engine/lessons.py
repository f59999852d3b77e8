"""The pictures from which the embedded encoder learns: clean crops, and pictures that it is painting itself.

Clean photos and paintings are not enough: an optimiser that is steered by a small network finds noise that this
network likes and its teacher does not. So the pupil keeps a pool of pictures that it is stylising with its weights of
the moment, some steps at each visit, and is taught what VGG-19 sees in them. This was the largest single gain.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engine.encoders import CONTENT_LAYER, LAYERS, STYLE_LAYERS
from engine.errors import OptionsRefused
from engine.images import open_picture
from engine.losses import gram_matrix, relative_distance, total_variation
from engine.step import to_tensor

PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
LONGEST_EDGE: Final = 768
"""Larger pictures are reduced to it when they are read: crops are taken at every smaller scale anyway."""

Features = Callable[[Tensor, Sequence[str]], dict[str, Tensor]]


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
            of_painting = self._chance(0.5)
        pictures = self.paintings if of_painting else self.photos
        picture = pictures[self._below(len(pictures))].float()
        shortest = min(picture.shape[-2:])
        # Between the finest detail and the whole picture, evenly by octave.
        window = round(shortest * (edge / shortest) ** self._uniform(0, 1)) if shortest > edge else shortest
        top = self._below(picture.shape[-2] - window + 1)
        left = self._below(picture.shape[-1] - window + 1)
        crop = picture[..., top : top + window, left : left + window]
        crop = functional.interpolate(crop, (edge, edge), mode="bicubic", antialias=True, align_corners=False)
        return crop.flip(-1).clamp(0, 1) if self._chance(0.5) else crop.clamp(0, 1)

    def disturbed(self, edge: int) -> Tensor:
        """One crop, perhaps blended with another, with its colours shuffled or shifted, blurred or noisy."""
        crop = self.clean(edge)
        if self._chance(0.2):
            crop = crop.lerp(self.clean(edge), self._uniform(0.2, 0.8))
        if self._chance(0.3):
            crop = crop[:, torch.randperm(3, generator=self.random)]
        if self._chance(0.5):
            gain = 1 + 0.4 * self._normal(1, 3, 1, 1)
            crop = (crop - 0.5) * gain + 0.5 + 0.15 * self._normal(1, 3, 1, 1)
        if self._chance(0.1):
            small = functional.avg_pool2d(crop, 4)
            crop = functional.interpolate(small, (edge, edge), mode="bilinear", align_corners=False)
        if self._chance(0.4):
            crop = crop + self._uniform(0, 0.15) * self._normal(*crop.shape)
        return crop.clamp(0, 1)

    def _chance(self, probability: float) -> bool:
        return self._uniform(0, 1) < probability

    def _uniform(self, low: float, high: float) -> float:
        return low + (high - low) * torch.rand((), generator=self.random).item()

    def _below(self, end: int) -> int:
        return int(torch.randint(end, (), generator=self.random).item())

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random)


@dataclass
class _Canvas:
    """A picture on its way from a content to a style, by the pupil's own weights."""

    picture: Tensor
    content: Tensor
    style: Tensor
    content_weight: float
    adam: torch.optim.Adam
    steps_left: int


@dataclass
class Pool:
    """Pictures that the pupil is painting; every visit takes some steps of the default recipe's descent."""

    crops: Crops
    edges: Sequence[int]
    size: int = 24
    steps_a_visit: int = 3
    canvases: list[_Canvas] = field(default_factory=list)

    def visit(self, pupil: Features) -> Tensor:
        """Paint on at one canvas with the pupil's features; its picture, shape (1, 3, edge, edge)."""
        random = self.crops.random
        if len(self.canvases) < self.size:
            self.canvases.append(self._begin())
        index = int(torch.randint(len(self.canvases), (), generator=random).item())
        canvas = self.canvases[index]
        if canvas.steps_left <= 0:
            canvas = self.canvases[index] = self._begin()
        with torch.no_grad():  # the weights have moved since the last visit, and the targets with them
            content = pupil(canvas.content, [CONTENT_LAYER])[CONTENT_LAYER]
            grams = {layer: gram_matrix(map_) for layer, map_ in pupil(canvas.style, STYLE_LAYERS).items()}
        for _ in range(self.steps_a_visit):
            canvas.adam.zero_grad()
            found = pupil(canvas.picture, LAYERS)
            style = torch.stack([relative_distance(gram_matrix(found[layer]), grams[layer]) for layer in STYLE_LAYERS])
            loss = (
                canvas.content_weight * relative_distance(found[CONTENT_LAYER], content)
                + style.sum()
                + total_variation(canvas.picture)
            )
            (canvas.picture.grad,) = torch.autograd.grad(loss, canvas.picture)
            canvas.adam.step()
            with torch.no_grad():
                canvas.picture.clamp_(0, 1)
        canvas.steps_left -= self.steps_a_visit
        return canvas.picture.detach().clone()

    def _begin(self) -> _Canvas:
        uniform = self.crops._uniform
        edge = self.edges[self.crops._below(len(self.edges))]
        content = self.crops.clean(edge, of_painting=False)
        start = content.clone() if self.crops._chance(0.7) else torch.rand(content.shape, generator=self.crops.random)
        picture = start.contiguous().requires_grad_()
        return _Canvas(
            picture=picture,
            content=content,
            style=self.crops.clean(edge, of_painting=True),
            content_weight=10 ** uniform(-2, 0.7),
            adam=torch.optim.Adam([picture], lr=10 ** uniform(-2, -1.2), betas=(0.9, 0.99)),
            steps_left=int(10 ** uniform(0.8, 2.4)),
        )


def _resample(picture: Tensor, factor: float) -> Tensor:
    if factor >= 1:
        return picture
    size = [round(edge * factor) for edge in picture.shape[-2:]]
    return functional.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
