"""A large picture in little memory, and whether the blocks it was painted in can be seen.

    .venv/bin/python tests/benchmarks/seams.py --size 4096 --limit 8 --pictures pictures

Paints one picture with the embedded encoder in a process that may take `--limit` gigabytes, and compares how much the
picture changes across the borders of its last scale's blocks with how much it changes everywhere else, and across the
other lines that lie on multiples of 16 pixels as the borders do, where the network's poolings begin new cells. A seam
is a border with more change than nearly all of those.

What was measured is kept in `--records`.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from easel import add_arguments
from one_scale import overhear_choices, peak_bytes
from pairs import PEERS, Pair, read
from records import Found, Records

from engine import Options, Style, stylize
from engine.coarse_to_fine import Scale
from engine.heap import keep_what_is_freed
from engine.images import Pixels, encode_png
from engine.loading import load_encoder
from engine.memory import Rung
from engine.step import BLEED
from engine.tiles import ALIGNMENT, Block, plan_blocks

SEAMLESS: Final = 3.0
"""Standard errors by which the borders' mean change may lie above that of other lines of their kind: lines differ by
what the picture shows there, and borders are few."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print what it took and what was found at the borders."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "seams")
    parser.add_argument("--content", default=PEERS[0].content, help="a photo's name")
    parser.add_argument("--style", default=PEERS[0].style, help="a painting's name")
    parser.add_argument("--size", type=int, default=4096, help="long edge in pixels")
    parser.add_argument("--limit", type=float, default=8.0, metavar="GB", help="of the process, in 2**30 bytes")
    wishes = parser.parse_args(arguments)
    size, limit = (640, 4.0) if wishes.quick else (wishes.size, wishes.limit)
    pair = Pair(wishes.content, wishes.style)
    found = Records(wishes.records, fresh=wishes.fresh).once(
        {**pair._asdict(), "size": size, "limit": limit},
        lambda: paint(wishes.shared, pair, size, limit, wishes.pictures, 384 if wishes.quick else None),
    )
    print(
        f"{found['width']}×{found['height']} in {found['blocks']} block(s) and {found['seconds']:.0f} s, "
        f"at most {found['gigabytes']:.2f} GB (below {limit:g}: {'yes' if found['gigabytes'] < limit else 'no'})"
    )
    if not found["change"]:
        print("in one piece: there is no border; take less memory to measure seams")
        return 0
    print(
        f"{'':10} {'borders':>8} {'their kind':>11} {'elsewhere':>10} {'ratio':>6} {'errors':>7} {'worst border':>13}"
    )
    for axis, rows in found["change"].items():
        print(
            f"{axis:10} {rows['borders']:8.3f} {rows['their kind']:11.3f} {rows['elsewhere']:10.3f} "
            f"{rows['borders'] / rows['their kind']:6.3f} {rows['standard errors']:7.2f} {rows['rank']:>13}"
        )
    errors = [rows["standard errors"] for rows in found["change"].values()]
    print(f"seamless: {'yes' if max(errors) < SEAMLESS else 'no'}")
    return 0


def paint(shared: Path, pair: Pair, size: int, limit: float, pictures: Path | None, block_edge: int | None) -> Found:
    """The picture's size, blocks, cost, and the change across lines, by their direction.

    Blocks are of that edge whatever there is room for, or as the ladder chooses if it is None.
    """
    keep_what_is_freed()
    content, style = read(shared, *pair)
    encoder = load_encoder("embedded", device="cpu")
    chosen = overhear_choices(Rung(encoder.precision, block_edge=block_edge) if block_edge else None)
    options = Options(size=size, quality="draft", memory_limit_bytes=round(limit * 2**30))
    began = time.perf_counter()
    *_, last = stylize(content, [Style(style)], encoder, options)
    if last.note:
        raise RuntimeError(last.note)
    picture = last.image()
    seconds = time.perf_counter() - began
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        (pictures / f"seams-{size}.png").write_bytes(encode_png(picture))
    height, width = picture.shape[:2]
    blocks = plan_blocks(*Scale(height, width, 1).painted, chosen[-1].block_edge, encoder.reach)
    return {
        "height": height,
        "width": width,
        "blocks": len(blocks),
        "seconds": seconds,
        "gigabytes": peak_bytes() / 2**30,
        "change": compare(picture, blocks),
    }


def compare(picture: Pixels, blocks: Sequence[Block]) -> Found:
    """Mean change across borders and across other lines, in 0..255, and how the worst border ranks among its kind."""
    found: Found = {}
    for axis, borders in (
        ("across", {block.rows[0] for block in blocks if block.rows[0]}),
        ("down", {block.columns[0] for block in blocks if block.columns[0]}),
    ):
        if borders:
            lines = change(picture if axis == "across" else picture.swapaxes(0, 1))
            found[axis] = _compare_lines(lines, borders)
    return found


def _compare_lines(lines: npt.NDArray[np.float64], borders: set[int]) -> Found:
    # Blocks count from the edge of the bleed, `lines` from the second row that is shown.
    shown = range(BLEED + 1, BLEED + 1 + len(lines))
    kind = [line for line in shown if line % ALIGNMENT == 0 and line not in borders]
    elsewhere = [line for line in shown if line % ALIGNMENT]
    at = lines[[line - shown.start for line in borders]]
    of_kind = lines[[line - shown.start for line in kind]]
    return {
        "borders": float(at.mean()),
        "standard errors": float((at.mean() - of_kind.mean()) / (of_kind.std(ddof=1) / len(at) ** 0.5)),
        "their kind": float(of_kind.mean()),
        "elsewhere": float(lines[[line - shown.start for line in elsewhere]].mean()),
        "rank": f"{1 + int((of_kind > at.max()).sum())} of {len(kind) + 1}",
    }


def change(picture: Pixels) -> npt.NDArray[np.float64]:
    """Mean difference of each row of pixels from the one above it, without the first; in 0..255."""
    differences = np.abs(np.diff(picture.astype(np.float32), axis=0))
    changes: npt.NDArray[np.float64] = differences.mean(axis=(1, 2), dtype=np.float64)
    return changes


if __name__ == "__main__":
    sys.exit(main())
