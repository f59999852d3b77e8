"""Networks' weights as files: read, checked and fetched, each refusal with a sentence."""

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor

from engine.errors import WeightsUnusable


def read_tensors(path: Path) -> Mapping[str, Tensor]:
    """What a weights file holds, by name.

    Raises:
        WeightsUnusable: no such file, or none of weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if not path.is_file():
        raise WeightsUnusable(f"There is no weights file {path}.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        if path.suffix in (".pth", ".pt"):
            found = torch.load(path, map_location="cpu", weights_only=True)
            if isinstance(found, dict) and all(isinstance(tensor, Tensor) for tensor in found.values()):
                return found
            raise WeightsUnusable(f"{path.name} holds no table of weights by name.")
    except (SafetensorError, UnpicklingError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise WeightsUnusable(f"{path.name} is damaged or no weights file; fetch it again.") from error
    raise WeightsUnusable(f"{path.name} must end in .safetensors or .pth.")


def read_network(path: Path, shapes: Mapping[str, torch.Size], kind: str) -> Mapping[str, Tensor]:
    """The weights of these names and shapes, in float32; the file may hold more.

    Args:
        path: of a `.safetensors` or `.pth` file.
        shapes: by name.
        kind: of network, for the sentence that refuses another.

    Raises:
        WeightsUnusable: no such file, not such a file, or not this network's weights.
    """
    weights = read_tensors(path)
    for name, expected in shapes.items():
        found = weights.get(name)
        if found is None:
            raise WeightsUnusable(f"{path.name} is not a {kind}: it has no {name}.")
        if found.shape != expected:
            raise WeightsUnusable(
                f"{path.name} is not a {kind}: {name} has shape {tuple(found.shape)}, not {tuple(expected)}."
            )
        if not torch.isfinite(found).all():
            raise WeightsUnusable(f"{path.name} is damaged: {name} holds numbers that are none; fetch it again.")
    return {name: weights[name].float() for name in shapes}


def fetch_vgg19() -> Mapping[str, Tensor]:
    """torchvision's own VGG-19 weights: from its cache, else downloaded (548 MB) and checked by hash.

    Raises:
        WeightsUnusable: they are not here and cannot be had.
    """
    from torchvision.models import VGG19_Weights

    try:
        weights: Mapping[str, Tensor] = VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, no space, or a wrong hash
        raise WeightsUnusable(
            "VGG-19's weights are not here and could not be downloaded; name a file with --weights or engine.weights, "
            "or use the embedded encoder."
        ) from error
    return weights


def vgg19_is_cached() -> bool:
    """Whether torchvision's download lies in torch's cache already."""
    from torchvision.models import VGG19_Weights

    return (Path(torch.hub.get_dir()) / "checkpoints" / Path(VGG19_Weights.IMAGENET1K_V1.url).name).is_file()
