"""Every way the engine can refuse, each with one sentence that the person at the other end can act on.

    EngineError
    ├── PictureRefused     the bytes are no picture we can open, or it breaks a limit
    ├── OptionsRefused     the options do not fit together, or do not fit the pictures
    ├── WeightsUnusable    the encoder's weights are missing, damaged or of another network
    ├── OutOfMemory        the picture does not fit into the memory that is left
    └── Cancelled          whoever asked for the painting wants it no more

Anything else that leaves the engine is a bug, or a `ValueError` for a programmer's mistake.
"""


class EngineError(Exception):
    """A refusal: `str(error)` is one sentence for a person."""


class PictureRefused(EngineError):
    """The bytes are no picture we can open, or it breaks a limit."""


class OptionsRefused(EngineError):
    """The options do not fit together, or do not fit the pictures."""


class WeightsUnusable(EngineError):
    """The encoder's weights are missing, damaged or of another network."""


class OutOfMemory(EngineError):
    """The picture does not fit into the memory that is left; a smaller one may."""


class Cancelled(EngineError):
    """Whoever asked for the painting wants it no more."""
