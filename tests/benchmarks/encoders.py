"""How close the embedded encoder's paintings come to VGG-19's: same recipe, same pairs.

    .venv/bin/python tests/benchmarks/encoders.py --curve curve.png
    .venv/bin/python tests/benchmarks/encoders.py --weights runs/large/embedded.safetensors --pairs 6

Every held-out photo after every held-out painting, at three strengths; or list A (`--list a`), which pupils learn from
and are chosen by. Two ways to compare: at the same strength, the ratio of style distances and the difference of content
distances; and at the same content, the style as a multiple of what VGG-19's curve has there (a `~` counts points that
lie beyond its ends). The judge looks with layers and a pooling that neither encoder was made for. What was measured is
kept in `--records`; the same command goes on where it was stopped, and `--encoders vgg19` measures the slow half
beforehand.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path
from statistics import geometric_mean, mean, median
from typing import Final

import torch
from ablation import at_equal_content
from easel import HEADER, VGG19_FILE, Easel, Measured, add_arguments, average, numbers
from pairs import HELD_OUT, LIST_A, Pair
from plot import Panel, draw
from records import Records
from torch import nn

from engine import load_encoder
from engine.encoders import EMBEDDED_WEIGHTS, EmbeddedEncoder, Encoder
from engine.loading import prepare
from engine.options import QUALITIES, Options
from engine.weight_files import read_tensors

STRENGTHS: Final = (35, 50, 65)
PAIRS: Final = tuple(
    Pair(*names) for names in product(*(dict.fromkeys(names) for names in zip(*HELD_OUT, strict=True)))
)
"""Every held-out photo with every held-out painting."""
LISTS: Final[dict[str, Sequence[Pair]]] = {"held-out": PAIRS, "a": LIST_A}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row an encoder and strength, then how far each pupil is from its teacher."""
    wishes = _parser().parse_args(arguments)
    if wishes.threads:
        torch.set_num_threads(wishes.threads)
    pairs, strengths = LISTS[wishes.list][: wishes.pairs], wishes.strength
    options = Options(size=wishes.size, quality=wishes.quality)
    if wishes.quick:
        pairs, strengths, options = pairs[:1], [35, 65], Options(size=64, quality="draft")
    makers: dict[str, Callable[[], Encoder]] = {
        "vgg19": lambda: load_encoder("vgg19", wishes.shared / VGG19_FILE, wishes.device)
    }
    for path in wishes.weights:
        pupil = EmbeddedEncoder.of(read_tensors(path))
        name = f"{path.parent.name}/{path.stem} {pupil.fingerprint[:8]}"
        print(
            f"{name}: {operations(pupil) / 1000:.1f} thousand multiplications a pixel, "
            f"{path.stat().st_size / 1e6:.1f} MB"
        )
        makers[name] = partial(prepare, pupil, torch.device(wishes.device))
    names = [name for name in makers if wishes.encoders is None or name.split()[0] in wishes.encoders]
    easel = Easel(wishes.shared, Records(wishes.records, fresh=wishes.fresh), wishes.pictures, makers)
    found = {name: {pair: paint_curve(easel, pair, name, options, strengths) for pair in pairs} for name in names}
    tabulate(found, strengths)
    if "vgg19" in found:
        for name in names:
            if name != "vgg19":
                compare(name, found[name], found["vgg19"])
    if wishes.curve:
        draw_curves(found, pairs, strengths, wishes.curve)
    return 0


def operations(encoder: nn.Module) -> float:
    """Multiplications for each pixel of a picture, to the deepest layer."""
    return sum(
        module.weight.numel() * 0.25 ** (int(name.split(".conv")[1][0]) - 1)
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Conv2d)
    )


Curves = Mapping[Pair, Sequence[Measured]]
"""Of one encoder, one point for each strength."""


def paint_curve(easel: Easel, pair: Pair, name: str, options: Options, strengths: Sequence[int]) -> list[Measured]:
    """That pair at each strength."""
    return [easel.paint(str(strength), pair, name, replace(options, strength=strength)) for strength in strengths]


def tabulate(found: Mapping[str, Curves], strengths: Sequence[int]) -> None:
    """The mean over the pairs at each strength."""
    print(f"{'encoder':28} {'strength':>8} {HEADER}")
    for name, curves in found.items():
        for number, strength in enumerate(strengths):
            print(f"{name:28} {strength:8} {average([curve[number] for curve in curves.values()]).row()}")


def compare(name: str, ours: Curves, its: Curves) -> None:
    """The pupil against its teacher, over all pairs and strengths."""
    both = [(one, other) for pair in ours for one, other in zip(ours[pair], its[pair], strict=True)]
    at_equal = [at_equal_content(one, its[pair]) for pair in ours for one in ours[pair]]
    grains = [one.score.grain for one, _ in both]
    outside = sum(is_outside for _, is_outside in at_equal)
    print(
        f"{name} against vgg19, {len(both)} pictures: "
        f"style ×{geometric_mean(one.score.style / other.score.style for one, other in both):.3f}, "
        f"content {mean(one.score.content - other.score.content for one, other in both):+.3f}; "
        f"at equal content style ×{geometric_mean(ratio for ratio, _ in at_equal):.3f} (~{outside}); "
        f"grain {min(grains):.2f} to {max(grains):.2f}, median {median(grains):.2f}; "
        f"time ×{median(one.seconds / other.seconds for one, other in both):.3f}"
    )


def draw_curves(found: Mapping[str, Curves], pairs: Sequence[Pair], strengths: Sequence[int], drawing: Path) -> None:
    """A panel for each pair, and one for their mean."""
    panels = [
        Panel(
            f"{pair.content} × {pair.style}",
            {name: [one.score for one in curves[pair]] for name, curves in found.items()},
            {},
        )
        for pair in pairs
    ]
    means = {
        name: [average([curve[number] for curve in curves.values()]).score for number in range(len(strengths))]
        for name, curves in found.items()
    }
    draw([*panels, Panel(f"mean of {len(pairs)}", means, {})], strengths, drawing)
    print(drawing)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "encoders")
    parser.add_argument("--size", type=int, default=256, help="long edge in pixels")
    parser.add_argument("--quality", choices=QUALITIES, default=Options.quality)
    parser.add_argument("--strength", type=numbers, default=list(STRENGTHS), metavar="35,50,65")
    parser.add_argument("--weights", type=Path, nargs="*", default=[EMBEDDED_WEIGHTS], help="of pupils")
    parser.add_argument("--encoders", nargs="*", help="only these, by the names in the table")
    parser.add_argument("--list", choices=LISTS, default="held-out")
    parser.add_argument("--pairs", type=int, help="so many of the list")
    parser.add_argument("--device", default="cpu", help="to paint on; pictures are always scored on the CPU")
    parser.add_argument("--threads", type=int, help="torch's; 1 lets two of these run side by side")
    parser.add_argument("--curve", type=Path, metavar="FILE.png", help="draw style against content")
    return parser


if __name__ == "__main__":
    sys.exit(main())
