"""The command line: `python -m engine CONTENT STYLE -o OUT` (also `atelier paint`).

Progress goes to standard error. Exit codes: 0 painted, 2 refused (one sentence says why), 130 stopped by Ctrl-C.
"""

import argparse
import json
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from engine.errors import EngineError, PictureRefused
from engine.images import Pixels, encode_jpeg, encode_png, open_picture
from engine.options import DEFAULT_STRENGTH, QUALITIES, RECIPES, Options

LOSSES_EVERY = 50  # iterations, as the seed article prints them


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    wishes = _parser().parse_args(arguments)
    try:
        _paint(wishes)
    except EngineError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Repaint a picture in the style of another.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the picture to repaint")
    parser.add_argument("style", type=Path, metavar="STYLE", help="the painting to learn from")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="where to: .png or .jpg")
    parser.add_argument("--size", type=int, default=512, help="long edge of the result, in pixels")
    parser.add_argument("--strength", type=int, default=DEFAULT_STRENGTH, help="0 (the photo) to 100")
    parser.add_argument("--quality", choices=QUALITIES, default="standard", help="seconds against beauty")
    parser.add_argument("--seed", type=int, default=0, help="of the noise, where a start needs any")
    parser.add_argument(
        "--encoder", choices=("auto", "embedded", "vgg19"), default="auto", help="who looks at pictures"
    )
    parser.add_argument("--weights", type=Path, metavar="FILE", help="a VGG-19 file, .safetensors or .pth")
    parser.add_argument("--device", default="auto", help="torch's name of one: cpu, cuda, mps")
    parser.add_argument("--recipe", choices=RECIPES, default="atelier", help="gatys is the seed article's own")
    parser.add_argument(
        "--start", choices=("content", "noise"), help="the first picture; the recipe's own if not given"
    )
    parser.add_argument("--optimizer", choices=("adam", "lbfgs"), default="adam", help="lbfgs is for gatys only")
    parser.add_argument("--report", type=Path, metavar="FILE.json", help="write what was done, and how long it took")
    return parser


def _paint(wishes: argparse.Namespace) -> None:
    began = time.perf_counter()
    # Everything that can be refused is refused before the first second of painting.
    options = Options(
        size=wishes.size,
        strength=wishes.strength,
        quality=wishes.quality,
        seed=wishes.seed,
        recipe=wishes.recipe,
        start=wishes.start,
        optimizer=wishes.optimizer,
    )
    for path in filter(None, (wishes.output, wishes.report)):
        if not path.parent.is_dir():
            raise PictureRefused(f"There is no folder {path.parent} to write {path.name} into.")
    if wishes.output.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise PictureRefused(f"The result can be a .png or a .jpg, not {wishes.output.name!r}.")
    content, style = _read(wishes.content), _read(wishes.style)

    from engine.encoders import load_encoder  # here, because torch takes seconds and a refusal needs none of it
    from engine.step import Style
    from engine.transfer import stylize

    encoder = load_encoder(wishes.encoder, wishes.weights, wishes.device)
    steps = stylize(content, [Style(style)], encoder, options)
    ready = time.perf_counter()
    losses: list[dict[str, Any]] = []  # Any: a row of a report
    with tqdm(total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}", leave=False) as bar:
        for step in steps:
            bar.update(100 * step.work - bar.n)
            if step.iteration % LOSSES_EVERY == 0 or step.iteration == step.total:
                found = step.losses()
                losses.append({"iteration": step.iteration, "scale": step.scale, "total": found.total, **asdict(found)})
                if options.recipe == "gatys":
                    shares = f"content {found.content / found.total:.2f}, style {found.style / found.total:.2f}"
                    bar.write(f"iteration {step.iteration}: loss {found.total:.2f} ({shares})", file=sys.stderr)
        result = step.image()
    painted = time.perf_counter()
    _write(wishes.output, result)
    if wishes.report:
        report = {
            "encoder": encoder.name,
            "device": str(encoder.device),
            "recipe": options.recipe,
            "options": asdict(options),
            "content_size": content.shape[1::-1],
            "style_size": style.shape[1::-1],
            "result_size": result.shape[1::-1],
            "iterations": step.total,
            "setup_seconds": round(ready - began, 3),
            "paint_seconds": round(painted - ready, 3),
            "peak_memory_bytes": _peak_memory_bytes(encoder.device.type),
            "losses": losses,
        }
        wishes.report.write_text(json.dumps(report, indent=2) + "\n")


def _read(path: Path) -> Pixels:
    try:
        return open_picture(path.read_bytes())
    except OSError as error:
        raise PictureRefused(f"{path} cannot be read: {error.strerror}.") from error
    except PictureRefused as error:
        raise PictureRefused(f"{path.name}: {error}") from error


def _write(path: Path, picture: Pixels) -> None:
    try:
        path.write_bytes(encode_png(picture) if path.suffix.lower() == ".png" else encode_jpeg(picture))
    except OSError as error:
        raise PictureRefused(f"{path} cannot be written: {error.strerror}.") from error


def _peak_memory_bytes(device_type: str) -> int:
    """Of the accelerator where there is one, else of this process."""
    if device_type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    sys.exit(main())
