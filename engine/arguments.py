"""What the command line can be asked for, in the words of a painter, and what it becomes."""

import argparse
from pathlib import Path
from typing import Final, get_args

from engine.errors import OptionsRefused, PictureRefused
from engine.images import check_file
from engine.options import (
    DEFAULT_SMOOTHNESS,
    DEFAULT_STRENGTH,
    MAX_BRUSH,
    MAX_SIZE,
    MIN_BRUSH,
    MIN_SIZE,
    QUALITIES,
    RECIPES,
    KeepColours,
    Likeness,
    Options,
    Start,
    Statistic,
)

GIGABYTE: Final = 10**9
STARTS: Final[dict[str, Start]] = {"photo": "content", "noise": "noise"}


def parser() -> argparse.ArgumentParser:
    """Of `python -m engine`."""
    parser = argparse.ArgumentParser(
        prog="python -m engine",
        description="Repaint a picture in the style of one or more others.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("content", type=Path, metavar="CONTENT", help="the picture to repaint")
    parser.add_argument("styles", type=Path, nargs="+", metavar="STYLE", help="a painting to learn from; several mix")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="where to: .png, .tif or .jpg")

    look = parser.add_argument_group("how it shall look")
    look.add_argument("--size", type=int, default=512, help=f"long edge in pixels, {MIN_SIZE} to {MAX_SIZE}")
    look.add_argument("--strength", type=int, default=DEFAULT_STRENGTH, help="0 (the photo) to 100")
    look.add_argument(
        "--brush-size", type=float, default=1.0, help=f"breadth of the strokes, {MIN_BRUSH:g} to {MAX_BRUSH:g}"
    )
    look.add_argument("--smoothness", type=int, default=DEFAULT_SMOOTHNESS, help="0 (all the grain) to 100")
    look.add_argument(
        "--keep-colours",
        choices=get_args(KeepColours),
        default="no",
        help="the photo's: luminance paints light and dark alone, covariance maps the painting's palette to them",
    )
    look.add_argument("--mix", metavar="2,1", help="how much each style counts, in their order; alike if not given")
    look.add_argument(
        "--mask",
        action="append",
        default=[],
        metavar="N=FILE",
        help="a picture of the photo's size, white where style N goes; may be given for each style",
    )
    look.add_argument("--texture-only", action="store_true", help="the painting's texture, nothing of the photo")
    look.add_argument("--start", choices=STARTS, help="the first picture; the recipe's own if not given")
    look.add_argument("--seed", type=int, default=0, help="of all that is drawn at random")

    effort = parser.add_argument_group("what it may cost")
    effort.add_argument("--quality", choices=QUALITIES, default="standard", help="seconds against beauty")
    effort.add_argument("--seconds", type=float, help="the best picture in that time, loading not counted")
    effort.add_argument("--memory-limit", type=float, metavar="GB", help="of the whole program; all there is if not")
    effort.add_argument("--keep-state", type=Path, metavar="FILE", help="kept when stopped by Ctrl-C or --seconds")
    effort.add_argument("--resume", type=Path, metavar="FILE", help="go on from what --keep-state kept")

    engine = parser.add_argument_group("by what means")
    engine.add_argument("--encoder", choices=("auto", "embedded", "vgg19"), default="auto", help="who looks")
    engine.add_argument("--weights", type=Path, metavar="FILE", help="a VGG-19 file, .safetensors or .pth")
    engine.add_argument("--device", default="auto", help="torch's name of one: cpu, cuda, mps")
    engine.add_argument("--statistic", choices=get_args(Statistic), default=Options.statistic, help="what a style is")
    engine.add_argument("--likeness", choices=get_args(Likeness), default=Options.likeness, help="what holds the photo")
    engine.add_argument("--recipe", choices=RECIPES, default="atelier", help="gatys is the seed article's own")
    engine.add_argument("--optimizer", choices=("adam", "lbfgs"), default="adam", help="lbfgs is for gatys only")

    files = parser.add_argument_group("files")
    files.add_argument("--bits", type=int, choices=(8, 16), default=8, help="per channel of the result")
    files.add_argument("--report", type=Path, metavar="FILE.json", help="write what was done, and how long it took")
    return parser


def to_options(wishes: argparse.Namespace) -> Options:
    """The options; raises `OptionsRefused`."""
    return Options(
        size=wishes.size,
        strength=wishes.strength,
        quality=wishes.quality,
        brush_size=wishes.brush_size,
        smoothness=wishes.smoothness,
        keep_colours=wishes.keep_colours,
        texture_only=wishes.texture_only,
        seed=wishes.seed,
        start=STARTS[wishes.start] if wishes.start else None,
        statistic=wishes.statistic,
        likeness=wishes.likeness,
        memory_limit_bytes=None if wishes.memory_limit is None else round(wishes.memory_limit * GIGABYTE),
        recipe=wishes.recipe,
        optimizer=wishes.optimizer,
    )


def to_weights(mix: str | None, styles: int) -> list[float]:
    """How much each style counts.

    Raises:
        OptionsRefused: no numbers, or not as many as there are styles.
    """
    if mix is None:
        return [1.0] * styles
    try:
        weights = [float(part) for part in mix.split(",")]
    except ValueError:
        raise OptionsRefused(f"--mix takes numbers with commas between them, as in 2,1, not {mix!r}.") from None
    if len(weights) != styles:
        raise OptionsRefused(f"--mix has {len(weights)} numbers, but there are {styles} styles; give one for each.")
    return weights


def to_mask_paths(masks: list[str], styles: int) -> dict[int, Path]:
    """The file of each style that has a mask, by the style's place in their list.

    Raises:
        OptionsRefused: not of the form, or of a style that is not there.
    """
    paths: dict[int, Path] = {}
    for mask in masks:
        number, _, path = mask.partition("=")
        if not (path and number.isdecimal() and 1 <= int(number) <= styles):
            raise OptionsRefused(
                f"--mask takes a style's number, 1 to {styles}, and a file, as in 1=sky.png, not {mask!r}."
            )
        if int(number) - 1 in paths:
            raise OptionsRefused(f"Style {number} has two masks; paint them into one.")
        paths[int(number) - 1] = Path(path)
    return paths


def check_outputs(wishes: argparse.Namespace) -> None:
    """Refuse, before a second is spent on painting, what could not be written after it.

    Raises:
        PictureRefused: no such folder, or no such kind of file.
    """
    for path in filter(None, (wishes.output, wishes.report, wishes.keep_state)):
        if not path.parent.is_dir():
            raise PictureRefused(f"There is no folder {path.parent} to write {path.name} into.")
    check_file(wishes.output.suffix, wishes.bits)
