"""A painting that is not finished, as a file, to go on with it later bit by bit the same."""

from pathlib import Path
from typing import Final

from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine.errors import OptionsRefused
from engine.images import save as save_file
from engine.step import Tensors

VERSION: Final = "1"
"""Of what `Step.state()` holds."""


def save_state(path: Path, state: Tensors) -> None:
    """Write a step's state, all of it or nothing.

    Raises:
        PictureRefused: the disk is full, the folder is read-only, or whatever else the system says.
    """
    tensors = {name: tensor.cpu().contiguous() for name, tensor in state.items()}
    save_file(path, save(tensors, {"atelier.state": VERSION}))


def load_state(path: Path) -> Tensors:
    """What `save_state` wrote, on the CPU.

    Raises:
        OptionsRefused: no such file, damaged, not a state, or one of another version.
    """
    try:
        with safe_open(path, framework="pt") as file:
            version = (file.metadata() or {}).get("atelier.state")
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # it cannot be iterated
    except FileNotFoundError:
        raise OptionsRefused(f"There is no file {path} to go on from.") from None
    except (SafetensorError, OSError) as error:
        raise OptionsRefused(f"{path.name} is damaged, or was not kept by --keep-state; begin anew.") from error
    if version is None:
        raise OptionsRefused(f"{path.name} was not kept by --keep-state; begin anew.")
    if version != VERSION:
        raise OptionsRefused(f"{path.name} was kept by another version of Atelier; begin anew.")
    return tensors
