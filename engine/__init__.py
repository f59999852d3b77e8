"""Atelier's engine: a photo and a painting in, the photo repainted in the painting's style out.

    for step in stylize(content, [Style(painting)], encoder, Options(size=512)):
        print(step.iteration, step.total)
    picture = step.image()

`stylize`, `Style`, `Step` and `load_encoder` are fetched on first use, so that a process which only opens pictures
(`engine.images`) or reads options never loads torch.
"""

from typing import TYPE_CHECKING, Any

from engine.errors import EngineError
from engine.options import Options

if TYPE_CHECKING:
    from engine.loading import load_encoder
    from engine.transfer import Step, Style, stylize

__all__ = ["EngineError", "Options", "Step", "Style", "load_encoder", "stylize"]

_HOMES = {
    "Step": "engine.transfer",
    "Style": "engine.transfer",
    "stylize": "engine.transfer",
    "load_encoder": "engine.loading",
}


def __getattr__(name: str) -> Any:  # Any: whatever the home module holds under that name
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
