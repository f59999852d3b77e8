"""The command line: `python -m engine CONTENT STYLE -o OUT` (also `atelier paint`).

Progress goes to standard error. Exit codes: 0 painted, 2 refused (one sentence says why), 130 stopped by Ctrl-C, with
the picture as it stood.
"""

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from tqdm import tqdm

from engine.arguments import check_outputs, parser, to_mask_paths, to_options, to_weights
from engine.errors import EngineError, PictureRefused
from engine.heap import keep_what_is_freed
from engine.images import file_bytes, open_picture, open_with_alpha, save
from engine.options import plan

if TYPE_CHECKING:
    from engine.step import Step

LOSSES_EVERY: Final = 50  # iterations, as the seed article prints them
PLANNED_SHARE: Final = 0.85
"""Of the seconds that are given: losses, paintings' measures and the last picture take time too."""
STOPPED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    wishes = parser().parse_intermixed_args(arguments)  # or a style behind an option would not be one
    keep_what_is_freed()
    try:
        with _told_to_stop() as stop:
            _paint(wishes, stop)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED
    return STOPPED if stop.is_set() else 0


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """Set by the first Ctrl-C; the second one interrupts at once."""
    stop = Event()

    def ask(_: int, __: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _paint(wishes: argparse.Namespace, stop: Event) -> None:
    began = time.perf_counter()
    # Everything that can be refused is refused before the first second of painting.
    options = to_options(wishes)
    check_outputs(wishes)
    weights = to_weights(wishes.mix, len(wishes.styles))
    mask_paths = to_mask_paths(wishes.mask, len(wishes.styles))
    content, alpha = _open(wishes.content, open_with_alpha)
    paintings = [_open(path, open_picture) for path in wishes.styles]
    masks = {number: _open(path, open_picture).mean(axis=2).astype(np.uint8) for number, path in mask_paths.items()}

    from engine.loading import load_encoder, seconds_per_megapixel  # here, because torch takes seconds
    from engine.resume import load_state, save_state
    from engine.transfer import Style, stylize

    resume = load_state(wishes.resume) if wishes.resume else None
    encoder = load_encoder(wishes.encoder, wishes.weights, wishes.device)
    if wishes.seconds is not None:
        options = plan(options, PLANNED_SHARE * wishes.seconds, seconds_per_megapixel(encoder))
    styles = [Style(paintings[number], weight, masks.get(number)) for number, weight in enumerate(weights)]
    steps = stylize(content, styles, encoder, options, resume=resume)

    ready = time.perf_counter()
    losses: list[dict[str, Any]] = []  # Any: a row of a report
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}", leave=False) as bar:
        for step in steps:
            bar.update(100 * step.work - bar.n)
            if step.iteration % LOSSES_EVERY == 0 or step.iteration == step.total:
                losses.append(_row(step))
                if options.recipe == "gatys":
                    bar.write(_shares(losses[-1]), file=sys.stderr)
            if stop.is_set() or (wishes.seconds is not None and time.perf_counter() - ready > wishes.seconds):
                break
        result = step.colours() if wishes.bits == 16 else step.image()
    painted = time.perf_counter()
    save(wishes.output, file_bytes(wishes.output.suffix, result, alpha, wishes.bits))
    told = [step.note] if step.note else []
    if step.work < 1:
        told.append(
            f"Stopped at iteration {step.iteration} of {step.total}; {wishes.output.name} is the picture so far."
        )
        if wishes.keep_state:
            save_state(wishes.keep_state, step.state())
            told.append(f"To go on from here, give the same command with --resume {wishes.keep_state}.")
    for sentence in told:
        print(sentence, file=sys.stderr)
    if wishes.report:
        report = {
            "encoder": encoder.name,
            "device": str(encoder.device),
            "recipe": options.recipe,
            "options": asdict(options),
            "content_size": content.shape[1::-1],
            "style_sizes": [painting.shape[1::-1] for painting in paintings],
            "result_size": result.shape[1::-1],
            "iterations": step.iteration,
            "notes": told,
            "setup_seconds": round(ready - began, 3),
            "paint_seconds": round(painted - ready, 3),
            "peak_memory_bytes": _peak_memory_bytes(encoder.device.type),
            "losses": losses,
        }
        save(wishes.report, (json.dumps(report, indent=2) + "\n").encode())


def _row(step: "Step") -> dict[str, Any]:
    found = step.losses()
    return {"iteration": step.iteration, "scale": step.scale, "total": found.total, **asdict(found)}


def _shares(row: dict[str, Any]) -> str:
    shares = ", ".join(f"{term} {row[term] / row['total']:.2f}" for term in ("content", "style"))
    return f"iteration {row['iteration']}: loss {row['total']:.2f} ({shares})"


Opened = TypeVar("Opened")


def _open(path: Path, how: Callable[[bytes], Opened]) -> Opened:
    try:
        return how(path.read_bytes())
    except OSError as error:
        raise PictureRefused(f"{path} cannot be read: {error.strerror}.") from error
    except PictureRefused as error:
        raise PictureRefused(f"{path.name}: {error}") from error


def _peak_memory_bytes(device_type: str) -> int:
    """Of the accelerator where there is one, else of this process."""
    if device_type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main())
