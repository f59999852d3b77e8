"""What a style asks of a picture through one layer, pixel by pixel: the teacher's slope, which the pupil is to have.

A painting follows slopes, not features, and a network may be right about what it sees and wrong about what would change
it: a pupil that had learned without was off by 0.11 of the variance of VGG-19's features at conv4_1, and by half of its
slopes. So pupil and teacher are pulled alike, by what the style asks of the teacher's map, and the pupil learns to
answer with the same change of the picture. Drucker & LeCun, "Improving generalization performance using double
backpropagation" (1992); Czarnecki et al., arXiv:1706.04859, who match derivatives along directions as here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from engine.encoders import Look
from engine.losses import TINY, relative_distance
from engine.statistics import STATISTICS, whole

SLOPE_LAYERS: Final = {"conv3_1": 0.3, "conv4_1": 0.7}
"""How often each is asked for. Without, slopes were off by 0.14 of their square at conv2_1, 0.26 and 0.48 at these."""


@dataclass(frozen=True)
class Slope:
    """At one layer of one picture."""

    layer: str
    pull: Tensor
    """How the layer's map should change, shape (1, components, height, width), float16."""
    answer: Tensor
    """How the picture must change for that, shape (1, 3, edge, edge), float16, of unit mean square."""


def slope_towards(wanted: Tensor, look: Look, picture: Tensor, layer: str) -> Slope:
    """What the recipe's distance to a style, as its moments at that layer are, asks of a picture."""
    picture = picture.detach().requires_grad_()
    map_ = look(picture, [layer])[layer]
    moments = STATISTICS["moments"]
    distance = moments.towards(wanted)(moments.measure(whole(map_), None, 0), 0)
    (pull,) = torch.autograd.grad(distance, map_, retain_graph=True)
    (answer,) = torch.autograd.grad(map_, picture, pull)
    size = answer.square().mean().sqrt() + TINY
    return Slope(layer, (pull / size).half(), (answer / size).half())


def slope_error(look: Look, picture: Tensor, slopes: Sequence[Slope]) -> Tensor:
    """The squared error of the pupil's answers to the same pulls as a share of the teacher's: 1 is as bad as no answer.

    Args:
        look: the pupil's.
        picture: shape (len(slopes), 3, edge, edge).
        slopes: one for each picture, all of one layer.
    """
    picture = picture.detach().requires_grad_()
    layer = slopes[0].layer
    map_ = look(picture, [layer])[layer]
    pull = torch.cat([slope.pull for slope in slopes]).to(map_.dtype)
    (answer,) = torch.autograd.grad(map_, picture, pull, create_graph=True)
    pairs = zip(answer, (slope.answer[0] for slope in slopes), strict=True)
    return torch.stack([relative_distance(found, true) for found, true in pairs]).mean()
