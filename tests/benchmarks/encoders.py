"""How close the embedded encoder's paintings come to VGG-19's: same recipe, same pairs, neither used for training.

    .venv/bin/python tests/benchmarks/encoders.py --shared ../shared --size 256

Needs a folder with `weights/vgg19.safetensors`, `photos/` and `paintings/`. Pairs alternate between the encoders, so
that a noisy machine is noisy for both. `--pictures DIR` keeps what was painted, to be looked at.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median

from pairs import HELD_OUT, read
from scorer import Score, Scorer

from engine import Options, Style, load_encoder, stylize
from engine.encoders import Encoder
from engine.images import Pixels, encode_png, resize


def paint(encoder: Encoder, content: Pixels, style: Pixels, size: int) -> tuple[Pixels, float]:
    """The painting at strength 50, and the seconds it took."""
    began = time.perf_counter()
    *_, last = stylize(content, [Style(style)], encoder, Options(size=size))
    return last.image(), time.perf_counter() - began


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a pair and encoder, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--pictures", type=Path, help="a folder to keep the paintings in")
    parser.add_argument("--quick", action="store_true", help="one pair at 64 pixels")
    wishes = parser.parse_args(arguments)
    weights = wishes.shared / "weights" / "vgg19.safetensors"
    pairs, size = (HELD_OUT[:1], 64) if wishes.quick else (HELD_OUT, wishes.size)
    scorer = Scorer(weights)
    encoders = [load_encoder("embedded", device="cpu"), load_encoder("vgg19", weights, device="cpu")]
    scores: dict[str, list[Score]] = {encoder.name: [] for encoder in encoders}
    seconds: dict[str, list[float]] = {encoder.name: [] for encoder in encoders}
    print(f"{'content':12} {'style':14} {'encoder':9} {'style':>6} {'content':>8} {'seconds':>8}")
    for photo, painting in pairs:
        content, style = read(wishes.shared, photo, painting)
        untouched = scorer.score(resize(content, size), content, style)
        print(f"{photo:12} {painting:14} {'no-op':9} {untouched.style:6.3f} {untouched.content:8.3f}")
        for encoder in encoders:
            picture, took = paint(encoder, content, style, size)
            score = scorer.score(picture, content, style)
            scores[encoder.name].append(score)
            seconds[encoder.name].append(took)
            print(f"{photo:12} {painting:14} {encoder.name:9} {score.style:6.3f} {score.content:8.3f} {took:8.1f}")
            if wishes.pictures:
                wishes.pictures.mkdir(parents=True, exist_ok=True)
                (wishes.pictures / f"{photo}-{painting}-{encoder.name}.png").write_bytes(encode_png(picture))
    both = list(zip(scores["embedded"], scores["vgg19"], strict=True))
    print(
        f"embedded against vgg19: style ×{mean(ours.style / its.style for ours, its in both):.2f}, "
        f"content {mean(ours.content - its.content for ours, its in both):+.3f}, "
        f"time ×{median(seconds['embedded']) / median(seconds['vgg19']):.2f} (medians)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
