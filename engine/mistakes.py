"""What a pupil gets wrong in its lessons, in four ways, each with a slope and without a unit.

    features  what it sees, place by place
    styles    the distance between a picture's style as it sees it and as the teacher does
    changes   what some steps of painting change: the slopes that a painting follows, along the way that it goes
    slopes    what a style asks of the pixels (`engine.slopes`): those that it should follow

The first alone leaves a pupil that a painting can fool: it may be right about pictures as they are, and wrong about
what would make them better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.encoders import EmbeddedEncoder, Look
from engine.lessons import Lesson
from engine.losses import relative_distance
from engine.slopes import SLOPE_LAYERS, slope_error
from engine.statistics import STATISTICS, whole

TAUGHT: Final = EmbeddedEncoder.layers
"""The layers that a pupil is to know."""
LAYER_WEIGHTS: Final = dict(zip(TAUGHT, (0.4, 0.8, 1.5, 4.0, 1.0), strict=True))
"""What is wrong at conv4_1 costs a painting most: with the teacher's projected map there, textures were as good as with
all of the teacher's projected maps; with that at conv3_1 alone, half of the gap was closed."""
STYLES_WEIGHT: Final = 1.0
CHANGES_WEIGHT: Final = 1.0
SLOPES_WEIGHT: Final = 8.0
"""At 1.5, twelve minutes gained pictures nothing beside as many without; at 6, half a hundredth of style."""
MOST_STYLES: Final = 3
"""Pictures of a batch whose styles are compared: roots of 192 × 192 numbers take a share of the time."""
MOST_SLOPES: Final = 2
"""Pictures of a batch whose slopes are compared: the way back through a way back takes long."""


@dataclass(frozen=True)
class Mistakes:
    """By layer, as in `TAUGHT`; the slopes as in `SLOPE_LAYERS`."""

    features: Tensor
    styles: Tensor
    changes: Tensor
    slopes: Tensor
    """Not a number at a layer that was not asked for."""

    @property
    def total(self) -> Tensor:
        """What is to become less, a scalar."""
        weights = self.features.new_tensor(list(LAYER_WEIGHTS.values()))
        at_layers = weights @ (self.features + STYLES_WEIGHT * self.styles + CHANGES_WEIGHT * self.changes)
        return at_layers + SLOPES_WEIGHT * self.slopes.nansum()

    def row(self) -> Tensor:
        """All of them, one kind after the other, as `NAMES` has them."""
        return torch.cat([self.features, self.styles, self.changes, self.slopes]).detach()


NAMES: Final = (
    *(f"{of}{layer}" for of in ("", "styles_", "changes_") for layer in TAUGHT),
    *(f"slopes_{layer}" for layer in SLOPE_LAYERS),
)


def mistakes(look: Look, lessons: Sequence[Lesson]) -> Mistakes:
    """Of a pupil in these lessons.

    Args:
        look: the pupil's: standardised projections by layer.
        lessons: of one size.
    """
    rows = []
    found = look(torch.cat([lesson.picture for lesson in lessons]).float(), TAUGHT)
    for layer in TAUGHT:
        map_, seen = found[layer].float(), torch.cat([lesson.seen[layer] for lesson in lessons]).float()
        rows.append(
            torch.stack([feature_error(map_, seen), style_error(map_, seen), change_error(map_, seen, lessons)])
        )
    features, styles, changes = torch.stack(rows, dim=1)
    return Mistakes(features, styles, changes, slope_errors(look, lessons))


def slope_errors(look: Look, lessons: Sequence[Lesson]) -> Tensor:
    """By layer, of some of the lessons that have a slope, those of one layer; no numbers elsewhere."""
    sloping = [(lesson.picture[:1], lesson.slope) for lesson in lessons if lesson.slope]
    layer = sloping[0][1].layer if sloping else None
    chosen = [(picture, slope) for picture, slope in sloping if slope.layer == layer][:MOST_SLOPES]
    nothing = torch.full((), torch.nan, device=lessons[0].picture.device)
    if not chosen:
        return nothing.expand(len(SLOPE_LAYERS))
    pictures, slopes = zip(*chosen, strict=True)
    error = slope_error(look, torch.cat(pictures).float(), slopes)
    return torch.stack([error if name == layer else nothing for name in SLOPE_LAYERS])


def feature_error(found: Tensor, seen: Tensor) -> Tensor:
    """The share of the projection's variance."""
    return (found - seen).square().mean()


def style_error(found: Tensor, seen: Tensor) -> Tensor:
    """The recipe's own distance, the mean over some of the pictures.

    By the triangle inequality, it bounds by how much a painting's true distance from its style exceeds what the pupil
    takes it for.
    """
    statistic = STATISTICS["moments"]
    apart = []
    for one, other in zip(found[:MOST_STYLES], seen[:MOST_STYLES], strict=True):
        measured, wanted = (statistic.measure(whole(map_[None]), None, 0) for map_ in (one, other))
        apart.append(statistic.towards(wanted)(measured, 0))
    return torch.stack(apart).mean()


def change_error(found: Tensor, seen: Tensor, lessons: Sequence[Lesson]) -> Tensor:
    """The squared error of what changes from before to after, as a share of the change; none where nothing changes."""
    apart, at = [], 0
    for lesson in lessons:
        at += len(lesson.picture)
        if len(lesson.picture) == 2:
            apart.append(relative_distance(found[at - 1] - found[at - 2], seen[at - 1] - seen[at - 2]))
    return torch.stack(apart).mean() if apart else found.new_zeros(())
