"""What the pupil is to see: VGG-19's feature maps, projected on the few directions that hold most of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.encoders import Encoder


@dataclass(frozen=True)
class Basis:
    """One layer's principal components, and what makes the projection's values of unit size."""

    components: Tensor
    """Shape (kept, channels), orthonormal rows."""
    mean: Tensor
    """Shape (kept,), of the projection."""
    deviation: Tensor
    """Scalar: root mean square of the projection about its mean, one number for the layer."""

    def project(self, features: Tensor) -> Tensor:
        """Shape (batch, channels, …) to (batch, kept, …), of zero mean and unit mean square."""
        projected = torch.einsum("kc,bchw->bkhw", self.components, features.float())
        return (projected - self.mean.view(1, -1, 1, 1)) / self.deviation


@dataclass(frozen=True)
class Projection:
    """The teacher, seen through a basis at each layer."""

    teacher: Encoder
    bases: Mapping[str, Basis]

    def __call__(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """Standardised projections, float32, with a slope where the picture asks for one."""
        maps = self.teacher(picture.to(self.teacher.device), layers)
        return {layer: self.bases[layer].project(map_) for layer, map_ in maps.items()}


def principal_components(teacher: Encoder, crops: Iterable[Tensor], kept: Mapping[str, int]) -> dict[str, Basis]:
    """The top eigenvectors of each layer's second moment, as many as the pupil has channels there.

    Of the uncentred second moment, because Gram matrices are uncentred too.
    """
    moments: dict[str, Tensor] = {}
    means: dict[str, Tensor] = {}
    with torch.no_grad():
        for count, crop in enumerate(crops, start=1):
            for layer, features in teacher(crop.to(teacher.device), tuple(kept)).items():
                flat = features[0].float().flatten(start_dim=1)
                moment, mean = flat @ flat.T / flat.shape[1], flat.mean(dim=1)
                moments[layer] = moments[layer].lerp(moment, 1 / count) if layer in moments else moment
                means[layer] = means[layer].lerp(mean, 1 / count) if layer in means else mean
    bases = {}
    for layer, moment in moments.items():
        energies, vectors = torch.linalg.eigh(moment.cpu().double())
        components = vectors[:, -kept[layer] :].T.float().contiguous().to(moment.device)
        mean = components @ means[layer]
        variance = (float(energies[-len(components) :].sum()) - mean.square().sum()) / len(components)
        bases[layer] = Basis(components, mean, variance.sqrt())
    return bases
