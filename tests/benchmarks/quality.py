"""How good the pictures are: beside the photo itself, beside other engines' published pictures, and along a curve.

    .venv/bin/python tests/benchmarks/quality.py --list b --encoder vgg19
    .venv/bin/python tests/benchmarks/quality.py --peers --strength 35,50,65
    .venv/bin/python tests/benchmarks/quality.py --curve curve.png --list peers --encoder vgg19

The first prints, pair by pair, the photo untouched, the photo in the painting's colours, and ours. The second paints
what others have published, at its size and with VGG-19, and says who is better at what. The third paints at several
strengths, since style is bought with content: the curve nearer to zero wins, whatever either calls its middle.

What was measured is kept in `--records`; the same command goes on where it was stopped.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, cast, get_args

import torch
from easel import HEADER, Easel, Measured, add_arguments, average, both_encoders, numbers
from pairs import LISTS, PEERS, Pair
from plot import Panel, draw
from records import Records
from scorer import Score

from engine.colours import match_colours
from engine.images import Pixels, open_picture, resize
from engine.options import QUALITIES, KeepColours, Options, Statistic
from engine.step import to_pixels, to_tensor

STATISTICS: Final = get_args(Statistic)
STRENGTHS: Final = (20, 35, 50, 65, 80)
CONTROLS: Final = ("no-op", "colours")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table; `--curve` draws one too."""
    wishes = _parser().parse_args(arguments)
    easel = Easel(
        wishes.shared,
        Records(wishes.records, fresh=wishes.fresh),
        wishes.pictures,
        both_encoders(wishes.shared, wishes.device),
    )
    pairs: Sequence[Pair] = LISTS[wishes.list]
    options = Options(size=wishes.size, quality=wishes.quality)
    if wishes.quick:
        pairs, options = pairs[:1], Options(size=64, quality="draft")
    if wishes.peers:
        compare_with_peers(easel, options, wishes.strength, "embedded" if wishes.quick else "vgg19", wishes.quick)
    elif wishes.curve:
        strengths, variants = (STRENGTHS[1::2], wishes.variants[:2]) if wishes.quick else (STRENGTHS, wishes.variants)
        trace_curves(easel, pairs, wishes.encoder, options, variants, strengths, wishes.curve)
    else:
        compare_with_controls(easel, pairs, wishes.encoder, options, wishes.strength)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "quality")
    parser.add_argument("--list", choices=LISTS, default="b", help="a was tuned on, b was not, peers has pictures of")
    parser.add_argument("--size", type=int, default=512, help="long edge in pixels")
    parser.add_argument("--encoder", choices=("embedded", "vgg19"), default="embedded")
    parser.add_argument("--device", default="cpu", help="to paint on; pictures are always scored on the CPU")
    parser.add_argument("--quality", choices=QUALITIES, default="fine")
    parser.add_argument("--strength", type=numbers, default=[Options.strength], metavar="50,65")
    parser.add_argument("--peers", action="store_true", help="against published pictures")
    parser.add_argument("--curve", type=Path, metavar="FILE.png", help="draw style against content")
    parser.add_argument(
        "--variants",
        type=lambda text: text.split(","),
        default=list(STATISTICS),
        metavar="gram,moments",
        help=f"of the curve: {', '.join((*STATISTICS, *QUALITIES))}",
    )
    return parser


def compare_with_controls(
    easel: Easel, pairs: Sequence[Pair], encoder: str, options: Options, strengths: Sequence[int]
) -> None:
    """Print each pair's rows, then their means."""
    rows: dict[str, list[Measured]] = {}
    print(f"{'content':18} {'style':18} {'picture':9} {HEADER}")
    for pair in pairs:
        found = {name: control(easel, name, pair, options.size) for name in CONTROLS}
        for strength in strengths:
            label = f"ours {strength}"
            found[label] = easel.paint(label, pair, encoder, replace(options, strength=strength))
        for label, measured in found.items():
            rows.setdefault(label, []).append(measured)
            print(f"{pair.content:18} {pair.style:18} {label:9} {measured.row()}", flush=True)
    for label, of_all in rows.items():
        print(f"{'mean':18} {f'of {len(of_all)}':18} {label:9} {average(of_all).row()}")


def control(easel: Easel, name: str, pair: Pair, size: int) -> Measured:
    """A picture without any painting in it: what any engine must beat."""

    def untouched(content: Pixels, _: Pixels) -> Pixels:
        return resize(content, size)

    def recoloured(content: Pixels, style: Pixels) -> Pixels:
        cpu = torch.device("cpu")
        matched = match_colours(to_tensor(resize(content, size), cpu), to_tensor(style, cpu))
        return to_pixels(matched)

    return easel.judge(name, pair, {"control": name, "size": size}, untouched if name == "no-op" else recoloured)


def compare_with_peers(
    easel: Easel, options: Options, strengths: Sequence[int], encoder: str, is_quick: bool = False
) -> None:
    """Print each published picture's row, ours at the same size, and who is better at what."""
    print(f"{'picture':50} {HEADER}  ours is better on")
    published = sorted((easel.shared / "published").glob("*.png"))
    for path in published[:1] if is_quick else published:
        pair = pair_of(path)
        picture = open_picture(path.read_bytes())
        print(f"{path.stem:50} {peer(easel, path).row()}")
        size = options.size if is_quick else max(picture.shape[:2])
        # Its luminance alone was painted; ours then too. The style of both is measured against the painting as it is.
        keeps: KeepColours = "luminance" if keeps_colours(path) else "no"
        for strength in strengths:
            wanted = replace(options, size=size, strength=strength, keep_colours=keeps)
            label = f"ours {strength}{' luminance' if keeps_colours(path) else ''}"
            ours = easel.paint(label, pair, encoder, wanted)
            print(f"{label:>50} {ours.row()}  {verdict(ours, peer(easel, path))}", flush=True)


def peer(easel: Easel, path: Path) -> Measured:
    """What a published picture scores."""
    return easel.judge(path.stem, pair_of(path), {"published": path.stem}, lambda *_: open_picture(path.read_bytes()))


def pair_of(path: Path) -> Pair:
    """What was painted, by the file's name: photo, then how the painting's name begins, then who painted it."""
    content, style, *_ = path.stem.split("_")
    return next(pair for pair in PEERS if pair.content == content and pair.style.startswith(style))


def keeps_colours(path: Path) -> bool:
    """Whether the published picture has the photo's own."""
    return "original" in path.stem


def verdict(ours: Measured, theirs: Measured) -> str:
    """On what ours is better."""
    better = [name for name in ("style", "content") if getattr(ours.score, name) < getattr(theirs.score, name)]
    return {0: "neither", 1: " ".join(better), 2: "both"}[len(better)]


def trace_curves(
    easel: Easel,
    pairs: Sequence[Pair],
    encoder: str,
    options: Options,
    variants: Sequence[str],
    strengths: Sequence[int],
    drawing: Path,
) -> None:
    """Print the mean at each strength of each variant; draw them, pair by pair and on average."""
    found = {
        (variant, strength, pair): easel.paint(
            f"{variant} {strength}", pair, encoder, replace(as_variant(options, variant), strength=strength)
        )
        for pair in pairs
        for variant in variants
        for strength in strengths
    }
    controls = {(name, pair): control(easel, name, pair, options.size) for name in CONTROLS for pair in pairs}
    print(f"{'variant':10} {'strength':>8} {HEADER}")
    for name in CONTROLS:
        print(f"{name:19} {average([controls[name, pair] for pair in pairs]).row()}")
    for variant in variants:
        for strength in strengths:
            print(
                f"{variant:10} {strength:8} {average([found[variant, strength, pair] for pair in pairs]).row()}",
            )
    panels = [
        Panel(
            f"{pair.content} × {pair.style}",
            {variant: [found[variant, strength, pair].score for strength in strengths] for variant in variants},
            {name: controls[name, pair].score for name in CONTROLS} | peers_of(easel, pair, options.size),
        )
        for pair in pairs
    ]
    everywhere = Panel(
        f"mean of {len(pairs)}",
        {
            variant: [average([found[variant, strength, pair] for pair in pairs]).score for strength in strengths]
            for variant in variants
        },
        {name: average([controls[name, pair] for pair in pairs]).score for name in CONTROLS},
    )
    draw([*panels, everywhere] if len(pairs) > 1 else panels, strengths, drawing)
    print(drawing)


def as_variant(options: Options, name: str) -> Options:
    """The options with that quality or that statistic."""
    if name in QUALITIES:
        return replace(options, quality=name)
    return replace(options, statistic=cast("Statistic", name))


def peers_of(easel: Easel, pair: Pair, size: int) -> dict[str, Score]:
    """What the published pictures of that pair score, if they are as large as ours and in the painting's colours."""
    fitting = (
        path
        for path in sorted((easel.shared / "published").glob("*.png"))
        if pair_of(path) == pair and not keeps_colours(path)
        if max(open_picture(path.read_bytes()).shape[:2]) == size
    )
    return {path.stem.split("_")[-1]: peer(easel, path).score for path in fitting}


if __name__ == "__main__":
    sys.exit(main())
