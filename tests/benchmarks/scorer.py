"""The judge: how far a picture is from a painting's style and from a photo's content, by what no recipe optimises.

VGG-19 with max pooling, as it was trained, at conv1_2, conv2_2, conv3_3 and conv4_3: other layers and other pooling
than any recipe's. Style is the squared 2-Wasserstein distance between Gaussians of the feature vectors, as a share of
the painting's energy; content is one minus the centred cosine of the feature maps, place by place.

Three more look at the pixels alone, so that what fools every network is seen: edges, palette and grain.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engine.colours import luminance
from engine.encoders import VGG19, read_vgg19
from engine.images import Pixels
from engine.step import resize, to_tensor

STYLE_LAYERS: Final = ("conv1_2", "conv2_2", "conv3_3", "conv4_3")
CONTENT_LAYERS: Final = ("conv3_3", "conv4_3")
PALETTE_LINES: Final = 32
PALETTE_QUANTILES: Final = 1024
DARK: Final = 1e-8
"""Added to both grains, so that a flat painting divides too; a thousandth of what rounding to 8 bits makes."""
SRGB_TO_XYZ: Final = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
"""IEC 61966-2-1."""


@dataclass(frozen=True)
class Score:
    """All but the grain are 0 for a perfect match; content and edges come near 1 where nothing is left of the photo."""

    style: float
    content: float
    edges: float
    palette: float
    """In units of CIELAB: 2 is just seen side by side, 10 at a glance."""
    grain: float
    """1 is as rough as the painting, 2 has twice the energy in its finest detail."""


class Scorer:
    """Scores pictures with one VGG-19 file."""

    def __init__(self, weights: Path) -> None:
        self.encoder = VGG19(read_vgg19(weights), pooling="max", last="conv4_3").to(memory_format=torch.channels_last)

    @torch.no_grad()
    def score(self, picture: Pixels, content: Pixels, style: Pixels) -> Score:
        """Compare at the picture's own size; the painting is reduced to the same long edge."""
        height, width = picture.shape[:2]
        cpu = torch.device("cpu")
        shown, photo = to_tensor(picture, cpu), resize(to_tensor(content, cpu), height, width).clamp(0, 1)
        painting = to_tensor(style, cpu)
        factor = min(1.0, max(height, width) / max(painting.shape[-2:]))
        painting = resize(painting, *(round(edge * factor) for edge in painting.shape[-2:])).clamp(0, 1)
        found = self.encoder(shown, STYLE_LAYERS)
        return Score(
            style=style_distance(found, self.encoder(painting, STYLE_LAYERS)),
            content=content_distance(found, self.encoder(photo, CONTENT_LAYERS)),
            edges=edge_distance(shown, photo),
            palette=palette_distance(shown, painting),
            grain=grain_ratio(shown, painting),
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


def edge_distance(picture: Tensor, photo: Tensor) -> float:
    """How much of the photo's edges is missing: 1 - the correlation of how steep the luminance is, place by place.

    Args:
        picture: shape (1, 3, height, width), RGB in 0..1.
        photo: the same.
    """
    one, other = (slope - slope.mean() for slope in (_steepness(picture), _steepness(photo)))
    return 1 - float(torch.cosine_similarity(one, other, dim=0))


def palette_distance(picture: Tensor, painting: Tensor) -> float:
    """How far the picture's colours are from the painting's, wherever they are: sliced 2-Wasserstein, in CIELAB.

    Over lines that are spread evenly over all directions, always the same; times √3, so that a picture whose colours
    all differ by ten units is ten away.

    Args:
        picture: shape (1, 3, height, width), RGB in 0..1.
        painting: the same, of any size.
    """
    lines = _even_directions(PALETTE_LINES).to(picture)
    one, other = (_quantiles(lines @ cielab(shown)) for shown in (picture, painting))
    return float((3 * (one - other).square().mean()).sqrt())


def grain_ratio(picture: Tensor, painting: Tensor) -> float:
    """The energy of the picture's finest detail over the painting's: of the Laplacian of the luminance.

    Args:
        picture: shape (1, 3, height, width), RGB in 0..1.
        painting: the same, reduced to the picture's long edge.
    """
    stencil = picture.new_tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]])[None, None]
    one, other = (
        float(functional.conv2d(luminance(shown), stencil).square().mean()) + DARK for shown in (picture, painting)
    )
    return one / other


def cielab(picture: Tensor) -> Tensor:
    """Shape (3, places): L* in 0..100, a* and b*, of sRGB in daylight (D65); picture of shape (1, 3, height, width)."""
    flat = picture[0].flatten(start_dim=1)
    linear = torch.where(flat <= 0.04045, flat / 12.92, ((flat + 0.055) / 1.055) ** 2.4)
    to_xyz = linear.new_tensor(SRGB_TO_XYZ)
    shares = (to_xyz @ linear) / to_xyz.sum(dim=1, keepdim=True)  # white is one of each
    roots = torch.where(shares > (6 / 29) ** 3, shares.clamp(min=1e-9) ** (1 / 3), shares * (29 / 6) ** 2 / 3 + 4 / 29)
    x, y, z = roots
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def _steepness(picture: Tensor) -> Tensor:
    """Sobel's gradient of the luminance, blurred by about a pixel before; its length, flat."""
    binomial = picture.new_tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
    blurred = functional.conv2d(luminance(picture), torch.outer(binomial, binomial)[None, None])
    across = torch.outer(picture.new_tensor([1.0, 2.0, 1.0]), picture.new_tensor([-1.0, 0.0, 1.0]))
    slopes = functional.conv2d(blurred, torch.stack([across, across.T])[:, None])
    steep: Tensor = slopes[0].norm(dim=0).flatten()
    return steep


def _even_directions(count: int) -> Tensor:
    """Unit vectors, shape (count, 3), spread over half a sphere along a spiral by the golden angle."""
    number = torch.arange(count, dtype=torch.float64)
    height = (number + 0.5) / count
    turn = number * math.pi * (3 - math.sqrt(5))
    radius = (1 - height.square()).sqrt()
    return torch.stack([radius * turn.cos(), radius * turn.sin(), height], dim=1)


def _quantiles(shadows: Tensor) -> Tensor:
    """`PALETTE_QUANTILES` of each row, so that pictures of any size compare."""
    ordered = shadows.sort(dim=1).values
    at = (torch.arange(PALETTE_QUANTILES) + 0.5) / PALETTE_QUANTILES * ordered.shape[1]
    return ordered[:, at.long()]


def _gaussian(features: Tensor) -> tuple[Tensor, Tensor]:
    flat = features[0].flatten(start_dim=1).double()
    mean = flat.mean(dim=1)
    centred = flat - mean[:, None]
    return mean, centred @ centred.T / flat.shape[1]


def _square_root(covariance: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(covariance)
    root: Tensor = (vectors * values.clamp(min=0).sqrt()) @ vectors.T
    return root
