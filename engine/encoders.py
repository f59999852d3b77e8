"""The two encoders, pictures in and feature maps out: VGG-19, and the small one that ships with Atelier.

Both take a picture of shape (batch, 3, height, width), RGB in 0..1, and give feature maps by the names of VGG-19's
layers (`conv4_2` always means after its ReLU; the embedded encoder predicts a linear projection of that map). Pooling
halves height and width (rounding down) between blocks, so that an edge of `SMALLEST_EDGE` still reaches conv5_1.
"""

import copy
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Literal, Protocol, Self, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from engine.errors import Cancelled, WeightsUnusable
from engine.weight_files import read_network, read_tensors

STYLE_LAYERS: Final = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv5_1")
CONTENT_LAYER: Final = "conv4_2"
LAYERS: Final = ("conv1_1", "conv2_1", "conv3_1", "conv4_1", "conv4_2", "conv5_1")
"""Those that a recipe asks for, shallow to deep."""

SMALLEST_EDGE: Final = 32
"""In pixels: two cells are left at conv5_1."""

# torchvision's layer numbers in vgg19().features, up to the deepest one that any recipe asks for.
VGG19_CONVOLUTIONS: Final = {
    "conv1_1": 0,
    "conv1_2": 2,
    "conv2_1": 5,
    "conv2_2": 7,
    "conv3_1": 10,
    "conv3_2": 12,
    "conv3_3": 14,
    "conv3_4": 16,
    "conv4_1": 19,
    "conv4_2": 21,
    "conv4_3": 23,
    "conv4_4": 25,
    "conv5_1": 28,
}

VGG19_POOLINGS: Final = (4, 9, 18, 27)
VGG19_WIDTHS: Final = (64, 128, 256, 512, 512)

# ImageNet's mean and deviation, with which torchvision's networks were trained.
MEAN: Final = (0.485, 0.456, 0.406)
DEVIATION: Final = (0.229, 0.224, 0.225)

# Oxford's VGG saw pixels in 0..255 and answers 255 × 0.226 times as strongly as a network that sees them at unit
# deviation, as torchvision's does. Its first weights tell: root mean square 11 against about 0.2.
OXFORD_SCALE: Final = 255 * sum(DEVIATION) / 3
OXFORD_WEIGHT_RMS: Final = 2.0

EMBEDDED_WEIGHTS: Final = Path(__file__).parent / "weights" / "embedded.safetensors"
EMBEDDED_SHA256: Final = Path(__file__).parent / "weights" / "embedded.sha256"


Border = Literal["replicate", "zeros"]
Pooling = Literal["average", "max"]


class Encoder(Protocol):
    """Named layers in, feature maps out."""

    @property
    def name(self) -> str:
        """Which one it is: embedded or vgg19."""

    @property
    def device(self) -> torch.device:
        """Where pictures must lie."""

    @property
    def precision(self) -> torch.dtype:
        """Of the feature maps."""

    @property
    def spare_precision(self) -> torch.dtype | None:
        """A lower one in which this machine runs the network hardly slower, to save memory; None: there is none."""

    @property
    def reach(self) -> int:
        """How far a place of the deepest map looks to each side, in pixels, rounded up to a multiple of 16."""

    @property
    def content_gain(self) -> float:
        """What the photo counts, times what it counts with VGG-19, for the same look at the same strength."""

    @property
    def layers(self) -> Sequence[str]:
        """Those of `LAYERS` that it knows, shallow to deep; a recipe does without the others."""

    @property
    def fingerprint(self) -> str:
        """Tells two networks, or two precisions of one, apart."""

    def thrifty(self, precision: torch.dtype, *, checkpoints: bool) -> "Encoder":
        """The same network in that precision; with checkpoints it keeps less for the way back and computes it again."""

    def until(self, is_cancelled: Callable[[], bool]) -> "Encoder":
        """The same network, which asks so before each block that it runs, and then raises `Cancelled`."""

    def __call__(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """The feature maps of those layers, shape (batch, channels, height', width'), in the encoder's precision."""

    def trunk(self, picture: Tensor, layers: Collection[str]) -> dict[str, Tensor]:
        """What each layer's head makes its map of; the map itself where there is none."""

    def head(self, layer: str) -> nn.Conv2d | None:
        """The 1×1 convolution, if any, between trunk and map. What is measured before it can be led through it
        afterwards, which costs less than to lead the features through.
        """


Maps = dict[str, Tensor]
Look = Callable[[Tensor, Collection[str]], Maps]
"""What an encoder does, whoever does it: a picture and the names of layers in, their feature maps out."""


def normalise(picture: Tensor) -> Tensor:
    """The picture, RGB in 0..1, with ImageNet's mean and deviation taken off; same shape."""
    channels = zip(picture.unbind(dim=1), MEAN, DEVIATION, strict=True)
    return torch.stack([(channel - mean) / deviation for channel, mean, deviation in channels], dim=1)


def halve(map_: Tensor) -> Tensor:
    """As `functional.avg_pool2d(map_, 2)`, whose way back takes a CPU two to three times as long in bfloat16."""
    halved: Tensor = _Halving.apply(map_) if map_.device.type == "cpu" else functional.avg_pool2d(map_, 2)
    return halved


class _Halving(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, map_: Tensor) -> Tensor:  # Any: torch types it nowhere
        ctx.odd = map_.shape[-2] % 2, map_.shape[-1] % 2
        return functional.avg_pool2d(map_, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:  # Any: as above
        doubled = functional.interpolate(gradients[0] / 4, scale_factor=2, mode="nearest")
        below, behind = ctx.odd
        return functional.pad(doubled, (0, behind, 0, below)) if below or behind else doubled


class AveragePooling(nn.Module):
    """Of a network, between its blocks."""

    def forward(self, map_: Tensor) -> Tensor:
        """See `halve`."""
        return halve(map_)


class _Network(nn.Module):
    """What both encoders are: blocks between poolings, run one after the other."""

    checkpoints = False
    is_cancelled: Callable[[], bool] | None = None
    spare_precision: torch.dtype | None = None
    content_gain = 1.0
    layers: Sequence[str] = LAYERS

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return next(self.parameters()).device

    @property
    def precision(self) -> torch.dtype:
        """Of the weights, and so of the maps."""
        return next(self.parameters()).dtype

    @cached_property
    def fingerprint(self) -> str:
        """Of every layer with its border and pooling, every weight, and the precision."""
        digest = hashlib.sha256(f"{self} {self.precision}".encode())
        for name, tensor in self.state_dict().items():
            digest.update(name.encode() + tensor.float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def thrifty(self, precision: torch.dtype, *, checkpoints: bool) -> Self:
        """The same network in that precision; with checkpoints it keeps less for the way back and computes it again."""
        twin = self if precision == self.precision else copy.deepcopy(self).to(precision)
        twin = copy.copy(twin)
        twin.checkpoints = checkpoints
        twin.__dict__.pop("fingerprint", None)
        return twin

    def until(self, is_cancelled: Callable[[], bool]) -> Self:
        """The same network, which asks so before each block that it runs, and then raises `Cancelled`."""
        twin = copy.copy(self)
        twin.is_cancelled = lambda: is_cancelled()  # a copy of the network must not copy what it asks
        twin.__dict__["fingerprint"] = self.fingerprint  # taken of all weights once, not for every painting
        return twin

    def _run(self, blocks: list[Callable[[Tensor], tuple[Tensor, Maps]]], out: Tensor) -> Maps:
        """The maps of every block. Chen et al., arXiv:1604.06174: with checkpoints only the blocks' inputs are kept."""
        maps: Maps = {}
        for block in blocks:
            if self.is_cancelled and self.is_cancelled():
                raise Cancelled("The painting was stopped; ask for it again if you want it after all.")
            if self.checkpoints and out.requires_grad:
                out, found = checkpoint(block, out, use_reentrant=False, preserve_rng_state=False)
            else:
                out, found = block(out)
            maps |= found
        return maps


class VGG19(_Network):
    """Simonyan & Zisserman, arXiv:1409.1556: the network of Gatys et al., with average pooling as they advise.

    Args:
        weights: `features.N.weight` and `features.N.bias` in torchvision's numbering, float32.
        border: what surrounds the picture at conv1_1. "replicate" leaves no dark rim; the network was trained with
            "zeros". Later layers always see zeros.
        pooling: "average", or "max" as the network was trained (the scorer's, which must not be the recipe's).
        last: the deepest layer that will be asked for; what lies behind it is not built.
    """

    name = "vgg19"
    reach = 80
    """conv5_1 sees 156 pixels: 70 before the first and 69 behind the last of its own sixteen."""

    def __init__(
        self,
        weights: Mapping[str, Tensor],
        *,
        border: Border = "replicate",
        pooling: Pooling = "average",
        last: str = "conv5_1",
    ) -> None:
        super().__init__()
        with torch.device("meta"):  # no time for random numbers
            network = _vgg19_layers(border, pooling, last)
        network.load_state_dict(
            {name: weights[f"features.{name}"].float() for name in network.state_dict()}, assign=True
        )
        self.network = network.eval().requires_grad_(False)
        self.weights = weights

    def forward(self, picture: Tensor, layers: Collection[str]) -> Maps:
        """The feature maps of those layers."""
        return self.activations(normalise(picture), layers)

    def trunk(self, picture: Tensor, layers: Collection[str]) -> Maps:
        """The same: there are no heads."""
        return self.forward(picture, layers)

    def head(self, layer: str) -> nn.Conv2d | None:
        """There are none."""

    def activations(self, normalised: Tensor, layers: Collection[str]) -> Maps:
        """The feature maps of those layers, of a picture that has ImageNet's mean and deviation taken off already."""
        wanted = {VGG19_CONVOLUTIONS[layer] + 1: layer for layer in layers}
        starts = [index for index in VGG19_POOLINGS if index < max(wanted)]
        blocks: list[Callable[[Tensor], tuple[Tensor, Maps]]] = [
            partial(self._block, range(start, end), wanted)
            for start, end in zip([0, *starts], [*starts, max(wanted) + 1], strict=True)
        ]
        return self._run(blocks, normalised.to(dtype=self.precision, memory_format=torch.channels_last))

    def _block(self, indices: range, wanted: Mapping[int, str], out: Tensor) -> tuple[Tensor, Maps]:
        maps: Maps = {}
        for index in indices:
            out = self.network[index](out)
            if index in wanted:
                maps[wanted[index]] = out
        return out, maps

    def as_in_the_article(self) -> "VGG19":
        """The same network as the seed article runs it: float32, zeros around it, activations on torchvision's scale.

        The article's losses are not relative, so that its weights of 1e4 and 1e2 mean something on that scale only.
        """
        return VGG19(to_torchvision_scale(self.weights), border="zeros").to(self.device)


def _vgg19_layers(border: Border = "zeros", pooling: Pooling = "max", last: str = "conv5_1") -> nn.Sequential:
    """torchvision's `vgg19().features`, number by number, to the ReLU of that layer.

    Written out, because importing torchvision takes as long as importing torch, three seconds: a tenth of a draft.
    """
    layers: list[nn.Module] = []
    channels = 3
    for name, number in VGG19_CONVOLUTIONS.items():
        if number > len(layers):
            layers.append(nn.MaxPool2d(2) if pooling == "max" else AveragePooling())
        width = VGG19_WIDTHS[int(name[4]) - 1]
        around = border if name == "conv1_1" else "zeros"
        # Not in place, or a ReLU would overwrite a map that we hand out.
        layers += [nn.Conv2d(channels, width, 3, padding=1, padding_mode=around), nn.ReLU()]
        channels = width
        if name == last:
            break
    return nn.Sequential(*layers)


def vgg19_shapes() -> dict[str, torch.Size]:
    """Of VGG-19's convolutions up to conv5_1, by their names in a weights file."""
    with torch.device("meta"):
        return {f"features.{name}": tensor.shape for name, tensor in _vgg19_layers().state_dict().items()}


def to_torchvision_scale(weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The same network with activations `OXFORD_SCALE` times weaker, if these are Oxford's weights; else as they are.

    Exact, not approximate: convolution, ReLU and average pooling all commute with a positive factor, so the first
    weights and every bias divided by it divide every activation by it.
    """
    first = weights["features.0.weight"].float()
    if first.square().mean().sqrt() < OXFORD_WEIGHT_RMS:
        return weights
    return {
        name: tensor.float() / OXFORD_SCALE if name == "features.0.weight" or name.endswith(".bias") else tensor
        for name, tensor in weights.items()
    }


def read_vgg19(path: Path) -> Mapping[str, Tensor]:
    """VGG-19's convolutions up to conv5_1 from a `.safetensors` or `.pth` file, checked by name and shape.

    Raises:
        WeightsUnusable: no such file, not such a file, or not VGG-19's weights.
    """
    return read_network(path, vgg19_shapes(), "VGG-19")


class EmbeddedEncoder(_Network):
    """The encoder that ships with Atelier: a plain narrow network that was taught by VGG-19 (`engine.distill`).

    Blocks of 3×3 convolutions and ReLUs with average pooling between them, as VGG-19's, and at each of its layers a
    linear 1×1 head that predicts the projection of VGG-19's feature map on its top principal components. Gram matrices
    and distances of the projection stand for those of the map itself. In the third block they look one convolution
    later than VGG-19 has it, and in the fourth at its last two, since what is narrower has to be deeper. conv5_1 is
    left out: pictures were as good without.

    Args:
        widths: channels of the four blocks, which are also the components that each block's heads predict.
        depths: convolutions of the four blocks, two at least in the third and the fourth.
    """

    name = "embedded"
    layers = LAYERS[:-1]
    content_gain = 0.38
    """A projection leaves out what no component holds, so that less of the style pulls. Found on pairs of list A."""

    WIDTHS: Final = (16, 32, 96, 192)
    DEPTHS: Final = (2, 2, 4, 3)

    def __init__(self, widths: Sequence[int] = WIDTHS, depths: Sequence[int] = DEPTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        self.convolutions = nn.ModuleDict()
        self.heads = nn.ModuleDict()
        self.tapped: dict[str, str] = {}
        """By layer, the convolution that its head looks at."""
        channels, sees = 3, 0
        for block, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            names = [f"conv{block + 1}_{number + 1}" for number in range(depth)]
            for name in names:
                # The teacher sees the picture's own border at conv1_1 and zeros later; so does the pupil.
                border: Border = "replicate" if name == "conv1_1" else "zeros"
                self.convolutions[name] = nn.Conv2d(channels, width, 3, padding=1, padding_mode=border)
                channels, sees = width, sees + 2**block
            later = (0, 0, 1, depth - 2)[block]
            for name, tapped in zip(names, names[later:], strict=False):
                if name in self.layers:
                    self.tapped[name] = tapped
                    self.heads[name] = nn.Conv2d(width, width, 1)
        self.reach = -(-sees // 16) * 16

    def forward(self, picture: Tensor, layers: Collection[str]) -> Maps:
        """The predicted projections of VGG-19's feature maps at those layers."""
        return {layer: self.heads[layer](map_) for layer, map_ in self.trunk(picture, layers).items()}

    def head(self, layer: str) -> nn.Conv2d | None:
        """Of that layer."""
        return cast("nn.Conv2d", self.heads[layer])

    def trunk(self, picture: Tensor, layers: Collection[str]) -> Maps:
        """What the heads of those layers look at."""
        deepest = max(self.tapped[layer] for layer in layers)
        blocks: list[Callable[[Tensor], tuple[Tensor, Maps]]] = [
            partial(self._block, [name for name in self.convolutions if name[4] == block and name <= deepest], layers)
            for block in "1234"[: int(deepest[4])]
        ]
        return self._run(blocks, normalise(picture).to(dtype=self.precision, memory_format=torch.channels_last))

    def _block(self, names: list[str], layers: Collection[str], out: Tensor) -> tuple[Tensor, Maps]:
        maps: Maps = {}
        if names[0][4] != "1":
            out = halve(out)
        wanted = {self.tapped[layer]: layer for layer in layers}
        for name in names:
            out = functional.relu(self.convolutions[name](out))
            if layer := wanted.get(name):
                maps[layer] = out
        return out, maps

    @classmethod
    def shipped(cls) -> Self:
        """The encoder with the weights that ship with Atelier.

        Raises:
            WeightsUnusable: the file is missing, or is not the one that was shipped.
        """
        if not EMBEDDED_WEIGHTS.is_file():
            raise WeightsUnusable(
                "The embedded encoder's weights are missing from this installation; install it again."
            )
        found = hashlib.sha256(EMBEDDED_WEIGHTS.read_bytes()).hexdigest()
        if found != EMBEDDED_SHA256.read_text().split()[0]:
            raise WeightsUnusable("The embedded encoder's weights are damaged; install Atelier again.")
        return cls.of(read_tensors(EMBEDDED_WEIGHTS))

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> Self:
        """The encoder with these weights, as wide and as deep as they are.

        Raises:
            WeightsUnusable: they are not an embedded encoder's.
        """
        widths: dict[str, int] = {}
        depths: dict[str, int] = {}
        for name, tensor in weights.items():
            if name.startswith("convolutions.") and name.endswith(".weight"):
                block = name.removeprefix("convolutions.conv")[0]
                widths[block], depths[block] = tensor.shape[0], depths.get(block, 0) + 1
        encoder = cls([widths[block] for block in sorted(widths)], [depths[block] for block in sorted(depths)])
        try:
            encoder.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
        except RuntimeError as error:
            raise WeightsUnusable("The file holds no embedded encoder's weights; choose another one.") from error
        return encoder.eval().requires_grad_(False)
