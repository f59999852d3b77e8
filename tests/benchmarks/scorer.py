"""The judge: how far a picture is from a painting's style and from a photo's content, by what no recipe optimises.

VGG-19 with max pooling, as it was trained, at conv1_2, conv2_2, conv3_3 and conv4_3: other layers and other pooling
than any recipe's. Style is the squared 2-Wasserstein distance between Gaussians of the feature vectors, as a share of
the painting's energy; content is one minus the centred cosine of the feature maps, place by place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from engine.encoders import VGG19, read_vgg19
from engine.images import Pixels
from engine.step import resize, to_tensor

STYLE_LAYERS: Final = ("conv1_2", "conv2_2", "conv3_3", "conv4_3")
CONTENT_LAYERS: Final = ("conv3_3", "conv4_3")


@dataclass(frozen=True)
class Score:
    """Both are 0 for a perfect match; content comes near 1 where nothing is left of the photo."""

    style: float
    content: float


class Scorer:
    """Scores pictures with one VGG-19 file."""

    def __init__(self, weights: Path) -> None:
        self.encoder = VGG19(read_vgg19(weights), pooling="max", last="conv4_3").to(memory_format=torch.channels_last)

    @torch.no_grad()
    def score(self, picture: Pixels, content: Pixels, style: Pixels) -> Score:
        """Compare at the picture's own size; the painting is reduced to the same long edge."""
        height, width = picture.shape[:2]
        cpu = torch.device("cpu")
        found = self.encoder(to_tensor(picture, cpu), STYLE_LAYERS)
        photo = self.encoder(resize(to_tensor(content, cpu), height, width).clamp(0, 1), CONTENT_LAYERS)
        painting = to_tensor(style, cpu)
        factor = min(1.0, max(height, width) / max(painting.shape[-2:]))
        painting = resize(painting, *(round(edge * factor) for edge in painting.shape[-2:])).clamp(0, 1)
        return Score(
            style=style_distance(found, self.encoder(painting, STYLE_LAYERS)),
            content=content_distance(found, photo),
        )


def style_distance(found: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> float:
    """Mean over the layers of the squared Wasserstein-2 distance, divided by the target's mean squared length."""
    distances = []
    for layer in STYLE_LAYERS:
        (mean, covariance), (wanted_mean, wanted) = _gaussian(found[layer]), _gaussian(target[layer])
        root = _square_root(wanted)
        cross = torch.linalg.eigvalsh(root @ covariance @ root).clamp(min=0).sqrt().sum()
        squared = (mean - wanted_mean).square().sum() + covariance.trace() + wanted.trace() - 2 * cross
        distances.append(squared / (wanted_mean.square().sum() + wanted.trace()))
    return float(torch.stack(distances).mean())


def content_distance(found: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> float:
    """Mean over layers and places of 1 - cosine, after each channel's own mean is taken off."""
    distances = []
    for layer in CONTENT_LAYERS:
        one, other = (map_ - map_.mean(dim=(2, 3), keepdim=True) for map_ in (found[layer], target[layer]))
        distances.append(1 - torch.cosine_similarity(one, other, dim=1).mean())
    return float(torch.stack(distances).mean())


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    flat = features[0].flatten(start_dim=1).double()
    mean = flat.mean(dim=1)
    centred = flat - mean[:, None]
    return mean, centred @ centred.T / flat.shape[1]


def _square_root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
