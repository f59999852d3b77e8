"""An encoder ready to paint with: found, on its device, and in the precision that is fastest there.

The one place where the engine looks at a clock: what a machine can do is tried, not looked up in a list.
"""

import copy
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, Literal

import torch

from engine.encoders import VGG19, EmbeddedEncoder, Encoder, read_vgg19
from engine.errors import WeightsUnusable
from engine.weight_files import fetch_vgg19, vgg19_is_cached

EncoderName = Literal["auto", "embedded", "vgg19"]
Network = VGG19 | EmbeddedEncoder

PROBE_EDGE: Final = 32
PRECISION_EDGE: Final = 96
SPEED_EDGE: Final = 256
"""Of the pictures that are tried, in pixels."""
PROBE_LAYERS: Final = ("conv2_1",)
"""So little of the network already tells a precision that is emulated."""
EMULATED: Final = 3.0
"""Times slower than float32: a machine that computes in bfloat16 should not be. One that only emulates it took 4 to 15
times as long for these layers, 16 to 50 for the whole network, and half a minute for the whole test."""
HARDLY_SLOWER: Final = 1.3
"""Times: about what the next rung of `engine.memory`'s ladder costs."""


def load_encoder(name: EncoderName = "auto", weights: Path | None = None, device: str = "auto") -> Encoder:
    """The encoder of that name, on its device and in its fastest precision.

    Args:
        name: "auto" means VGG-19 where a weights file is named, or where there is an accelerator and the weights are
            here already; else the embedded one. Only "vgg19" may download.
        weights: a VGG-19 file.
        device: "auto", or torch's name of one.

    Raises:
        WeightsUnusable: the weights are missing, damaged or of another network.
    """
    if name == "embedded" and weights is not None:
        raise WeightsUnusable("A weights file belongs to VGG-19; leave it out, or choose that encoder.")
    where = best_device(device)
    encoder: Network
    if weights is not None:
        encoder = VGG19(read_vgg19(weights))
    elif name == "vgg19" or (name == "auto" and where.type != "cpu" and vgg19_is_cached()):
        encoder = VGG19(fetch_vgg19())
    else:
        encoder = EmbeddedEncoder.shipped()
    return prepare(encoder, where)


def prepare(encoder: Network, device: torch.device) -> Network:
    """The encoder, in float32, brought to where it will paint, in the layout and precision that are fastest there."""
    encoder = encoder.to(device).to(memory_format=torch.channels_last)
    if device.type == "cuda":
        torch.backends.cudnn.benchmark = True  # cuDNN tries its ways at each new size, and keeps the fastest
    fastest, encoder.spare_precision = _precisions(encoder)
    return encoder.to(fastest)


def seconds_per_megapixel(encoder: Encoder) -> float:
    """Of one iteration's passes through the network: what a plan of a time goes by (`engine.options.plan`)."""
    return min(_seconds_of_an_iteration(encoder, SPEED_EDGE, encoder.layers) for _ in range(3)) / (SPEED_EDGE**2 / 1e6)


def best_device(name: str = "auto") -> torch.device:
    """The device of that name; the accelerator for "auto", if there is one."""
    accelerator = torch.accelerator.current_accelerator(check_available=True) if name == "auto" else torch.device(name)
    return accelerator or torch.device("cpu")


def _precisions(encoder: Network) -> tuple[torch.dtype, torch.dtype | None]:
    """The fastest one on this machine, and the encoder's `spare_precision`: many CPUs only emulate bfloat16."""
    if encoder.device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32, None
    if encoder.device.type != "cpu":
        return torch.float32, None
    low = copy.deepcopy(encoder).to(torch.bfloat16)
    if _times_slower(low, encoder, PROBE_EDGE, PROBE_LAYERS) > EMULATED:
        return torch.float32, None
    times = _times_slower(low, encoder, PRECISION_EDGE, encoder.layers)
    if times < 1:
        return torch.bfloat16, None
    return torch.float32, torch.bfloat16 if times < HARDLY_SLOWER else None


def _times_slower(one: Encoder, other: Encoder, edge: int, layers: Sequence[str]) -> float:
    """Side by side, and by the median, because other programs come and go; the first round prepares."""
    rounds = [[_seconds_of_an_iteration(trial, edge, layers) for trial in (one, other)] for _ in range(6)]
    return median(ones / others for ones, others in rounds[1:])


def _seconds_of_an_iteration(encoder: Encoder, edge: int, layers: Sequence[str]) -> float:
    """Forward to these layers, and back to the picture."""
    picture = torch.rand((1, 3, edge, edge), device=encoder.device, requires_grad=True)
    start = time.perf_counter()
    maps = encoder(picture, layers)
    torch.stack([map_.float().mean() for map_ in maps.values()]).sum().backward()
    float(torch.as_tensor(picture.grad).sum())  # waits for an accelerator
    return time.perf_counter() - start
