"""What a pupil knows, taken up by one of another shape: wider, deeper or narrower.

Growing changes nothing of what it does. Made narrower, it loses as little as can be: what a channel that goes would
have said is told, as well as a linear function can, by those that stay, and that function goes into the weights of
whoever looked at it. Luo et al., "ThiNet" (arXiv:1707.06342), choose channels and refit by least squares too; here they
are chosen as a Cholesky factorisation chooses its pivots.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from engine.encoders import EmbeddedEncoder, Encoder
from engine.errors import WeightsUnusable
from engine.projection import Basis

RIDGE: Final = 1e-6
"""Share of the mean energy that is added to every channel's, before equations are solved."""
HEADS_RIDGE: Final = 1e-4
"""The same, for what heads are fitted to."""


def grow(encoder: EmbeddedEncoder, weights: Mapping[str, Tensor]) -> None:
    """Make the encoder do what a narrower or shallower one does: its weights, no weight from new channels to old ones,
    and a convolution that changes nothing where it has none.

    Raises:
        WeightsUnusable: it is no narrower or shallower one.
    """
    sizes = {name: tensor.shape for name, tensor in encoder.state_dict().items()}
    for name, tensor in weights.items():
        if name not in sizes or any(old > new for old, new in zip(tensor.shape, sizes[name], strict=False)):
            raise WeightsUnusable(
                "The weights to begin with are of a deeper pupil; choose depths like theirs, or greater ones."
            )
    with torch.no_grad():
        for layer, convolution in convolutions(encoder.convolutions).items():
            known = weights.get(f"convolutions.{layer}.weight")
            if known is None:
                nn.init.dirac_(convolution.weight)
                continue
            wide, deep = known.shape[:2]
            grown = convolution.state_dict()
            grown["weight"][:wide, deep:] = 0
            grown["weight"][:wide, :deep] = known.float()
            grown["bias"][:wide] = weights[f"convolutions.{layer}.bias"].float()


def narrow(weights: Mapping[str, Tensor], widths: Sequence[int], pictures: Iterable[Tensor]) -> dict[str, Tensor]:
    """Weights of a pupil whose blocks have no more channels than that; its heads are to be fitted anew.

    Args:
        weights: of an embedded encoder.
        widths: channels of the four blocks; a block that has no more stays as it is.
        pictures: what the channels are compared on, each of shape (1, 3, height, width).
    """
    encoder = EmbeddedEncoder.of(weights)
    if all(has <= width for has, width in zip(encoder.widths, widths, strict=True)):
        return dict(weights)
    moments = second_moments(encoder, pictures)
    names = list(encoder.convolutions)
    narrowed = {name: tensor.float() for name, tensor in weights.items() if name.startswith("convolutions.")}
    for name, behind in zip(names, [*names[1:], None], strict=True):
        width, moment = widths[int(name[4]) - 1], moments[name]
        if width >= len(moment) - 1:
            continue
        onlookers = [weights[f"heads.{layer}.weight"] for layer, tapped in encoder.tapped.items() if tapped == name]
        if behind:
            onlookers.append(narrowed[f"convolutions.{behind}.weight"])
        counts = torch.stack([looks.double().square().sum(dim=(0, 2, 3)) / looks.square().sum() for looks in onlookers])
        kept = telling(moment, counts.sum(dim=0), width)
        told = by_those(moment, kept)
        for kind in ("weight", "bias"):
            narrowed[f"convolutions.{name}.{kind}"] = narrowed[f"convolutions.{name}.{kind}"][kept]
        if behind:
            looks = narrowed[f"convolutions.{behind}.weight"].double()
            narrowed[f"convolutions.{behind}.weight"] = torch.einsum("oiyx,ik->okyx", looks, told[:, :-1]).float()
            always = torch.einsum("oiyx,i->o", looks, told[:, -1]).float()
            narrowed[f"convolutions.{behind}.bias"] = narrowed[f"convolutions.{behind}.bias"] + always
    for layer, tapped in encoder.tapped.items():
        channels = len(narrowed[f"convolutions.{tapped}.weight"])
        narrowed[f"heads.{layer}.weight"] = torch.zeros(channels, channels, 1, 1)
        narrowed[f"heads.{layer}.bias"] = torch.zeros(channels)
    return narrowed


def second_moments(encoder: EmbeddedEncoder, pictures: Iterable[Tensor]) -> dict[str, Tensor]:
    """Of every convolution's channels behind its ReLU and a one, shape (channels + 1, channels + 1), float64."""
    moments: dict[str, Tensor] = {}

    def add(name: str, _: nn.Module, __: tuple[Tensor, ...], map_: Tensor) -> None:
        channels = functional.pad(functional.relu(map_[0]).flatten(start_dim=1).double(), (0, 0, 0, 1), value=1.0)
        moments[name] = moments.get(name, 0) + channels @ channels.T / channels.shape[1]

    hooks = [module.register_forward_hook(partial(add, name)) for name, module in encoder.convolutions.items()]
    with torch.no_grad():
        for picture in pictures:
            encoder(picture, encoder.layers)
    for hook in hooks:
        hook.remove()
    return moments


def telling(moment: Tensor, counts: Tensor, width: int) -> list[int]:
    """Which channels tell most of all of them, each counting so much, when a constant is known; in their old order."""
    mean = moment[:-1, -1:]
    covariance = moment[:-1, :-1] - mean @ mean.T / moment[-1, -1]
    untold = counts.sqrt()[:, None] * covariance * counts.sqrt()
    kept: list[int] = []
    for _ in range(width):
        told = untold.square().sum(dim=0) / untold.diagonal().clamp(min=RIDGE * untold.diagonal().max() + 1e-300)
        told[kept] = -1
        best = int(told.argmax())
        kept.append(best)
        untold = untold - untold[:, [best]] @ untold[[best]] / untold[best, best].clamp(min=1e-300)
    return sorted(kept)


def by_those(moment: Tensor, kept: Sequence[int]) -> Tensor:
    """Least squares: every channel by those that are kept and a one, shape (channels, len(kept) + 1)."""
    with_one = torch.tensor([*kept, len(moment) - 1])
    ridge = RIDGE * moment.diagonal()[:-1].mean() * torch.eye(len(with_one), dtype=moment.dtype)
    ridge[-1, -1] = 0
    told: Tensor = torch.linalg.solve(moment[with_one][:, with_one] + ridge, moment[with_one, :-1]).T
    return told


def fit_heads(
    encoder: EmbeddedEncoder, bases: Mapping[str, Basis], teacher: Encoder, pictures: Iterable[Tensor]
) -> None:
    """Least squares: the best heads for the convolutions as they are, over these pictures."""
    products: dict[str, tuple[Tensor, Tensor]] = {}
    with torch.no_grad():
        for picture in pictures:
            found = encoder.trunk(picture.to(encoder.device), encoder.layers)
            for layer, map_ in teacher(picture.to(teacher.device), encoder.layers).items():
                inputs = functional.pad(found[layer][0].flatten(start_dim=1), (0, 0, 0, 1), value=1.0)
                wanted = bases[layer].project(map_)[0].flatten(start_dim=1)
                inner, cross = inputs @ inputs.T, wanted @ inputs.T
                before = products.get(layer)
                products[layer] = (inner, cross) if before is None else (before[0] + inner, before[1] + cross)
        for layer, (inner, cross) in products.items():
            ridge = HEADS_RIDGE * inner.diagonal().mean() * torch.eye(len(inner), device=inner.device)
            solved = torch.linalg.solve(inner + ridge, cross.T).T
            encoder.heads[layer].load_state_dict({"weight": solved[:, :-1, None, None], "bias": solved[:, -1]})


def initialise(encoder: EmbeddedEncoder) -> None:
    """He's initialisation for the convolutions; heads, which are 1×1, begin small."""
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d):
            if layer.kernel_size == (1, 1):
                nn.init.normal_(layer.weight, std=0.5 / math.sqrt(layer.in_channels))
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


def convolutions(modules: nn.ModuleDict) -> dict[str, nn.Conv2d]:
    """Of an encoder's convolutions or heads, by layer."""
    return {layer: module for layer, module in modules.items() if isinstance(module, nn.Conv2d)}
