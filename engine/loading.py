"""An encoder ready to paint with: found, on its device, and in the precision that is fastest there.

The one place where the engine looks at a clock: what a machine can do is tried, not looked up in a list.
"""

import copy
import time
from pathlib import Path
from statistics import median
from typing import Final, Literal

import torch

from engine.encoders import LAYERS, VGG19, EmbeddedEncoder, Encoder, fetch_vgg19, read_vgg19, vgg19_is_cached
from engine.errors import WeightsUnusable

EncoderName = Literal["auto", "embedded", "vgg19"]

PRECISION_EDGE: Final = 96
SPEED_EDGE: Final = 256
"""Of the pictures that are tried, in pixels."""


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
    where = torch.device(_best_device() if device == "auto" else device)
    if weights is not None:
        encoder: VGG19 | EmbeddedEncoder = VGG19(read_vgg19(weights))
    elif name == "vgg19" or (name == "auto" and where.type != "cpu" and vgg19_is_cached()):
        encoder = VGG19(fetch_vgg19())
    else:
        encoder = EmbeddedEncoder.shipped()
    encoder = encoder.to(where).to(memory_format=torch.channels_last)
    if where.type == "cuda":
        torch.backends.cudnn.benchmark = True  # cuDNN tries its ways at each new size, and keeps the fastest
    return encoder.to(_fastest_precision(encoder))


def seconds_per_megapixel(encoder: Encoder) -> float:
    """Of one iteration's passes through the network: what a plan of a time goes by (`engine.options.plan`)."""
    return min(_seconds_of_an_iteration(encoder, SPEED_EDGE) for _ in range(3)) / (SPEED_EDGE**2 / 1e6)


def _best_device() -> str:
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    return accelerator.type if accelerator else "cpu"


def _fastest_precision(encoder: VGG19 | EmbeddedEncoder) -> torch.dtype:
    """bfloat16 where this machine runs the encoder faster in it: many CPUs only emulate it."""
    if encoder.device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if encoder.device.type != "cpu":
        return torch.float32
    low, full = (copy.deepcopy(encoder).to(precision) for precision in (torch.bfloat16, torch.float32))
    # Side by side, and by the median, because other programs come and go; the first round prepares.
    rounds = [[_seconds_of_an_iteration(trial, PRECISION_EDGE) for trial in (low, full)] for _ in range(6)]
    return torch.bfloat16 if median(lower / fuller for lower, fuller in rounds[1:]) < 1 else torch.float32


def _seconds_of_an_iteration(encoder: Encoder, edge: int) -> float:
    """Forward to every layer that a recipe asks for, and back to the picture."""
    picture = torch.rand((1, 3, edge, edge), device=encoder.device, requires_grad=True)
    start = time.perf_counter()
    maps = encoder(picture, LAYERS)
    torch.stack([map_.float().mean() for map_ in maps.values()]).sum().backward()
    float(torch.as_tensor(picture.grad).sum())  # waits for an accelerator
    return time.perf_counter() - start
