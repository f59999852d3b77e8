"""What a picture costs by its size: seconds and memory of one iteration, from 0.1 to 16 megapixels.

    .venv/bin/python tests/benchmarks/cost.py
    .venv/bin/python tests/benchmarks/cost.py --encoder vgg19 --limit 3

Each size is painted in a process of its own, which may take `--limit` gigabytes in all. The claims under test: time
grows as the pixels do; so does memory, until the ladder of `engine.memory` starts; from there on the process stays
below its limit; and what was predicted was right.

What was measured is kept in `--records`; the same command goes on where it was stopped.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Final, get_args

import numpy as np
from one_scale import Cost, EncoderName, weigh
from records import Found, Records

MEGAPIXELS: Final = {
    "embedded": (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 12.0, 16.0),
    "vgg19": (0.1, 0.25, 0.5, 1.0, 1.5, 2.0),
}
LIMITS: Final = {"embedded": 8.0, "vgg19": 2.5}
"""In gigabytes, such that the ladder starts within the sizes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a size, then whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", choices=get_args(EncoderName), default="embedded")
    parser.add_argument("--limit", type=float, metavar="GB", help="of the process, in 2**30 bytes")
    parser.add_argument("--iterations", type=int, default=6, help="of each size; the first is not counted")
    parser.add_argument("--records", type=Path, default=Path("runs/cost.jsonl"), help="what was measured before")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--quick", action="store_true", help="a tiny trial: it runs, and tells nothing")
    wishes = parser.parse_args(arguments)
    megapixels, iterations = MEGAPIXELS[wishes.encoder], wishes.iterations
    if wishes.quick:
        megapixels, iterations = (0.02, 0.04), 3
    limit = round(2**30 * (wishes.limit or LIMITS[wishes.encoder]))
    records = Records(wishes.records, fresh=wishes.fresh)
    print(f"{'megapixels':>10} {'size':>11} {'rung':20} {'s':>7} {'s/MP':>6}  {'MiB':>6} {'told':>6} {'process':>8}")
    costs: dict[float, Cost] = {}
    for size in megapixels:
        height, width = shape_of(size)
        wanted: Found = {"height": height, "width": width, "limit_bytes": limit, "iterations": iterations}
        found = records.once({"encoder": wishes.encoder, **wanted}, partial(_measure, wishes.encoder, wanted))
        costs[size] = cost = Cost(**found)
        print(
            f"{size:10.2f} {f'{width}×{height}':>11} {cost.rung:20} {cost.seconds:7.2f} {cost.seconds / size:6.2f}  "
            f"{mib(cost.peak_bytes):6.0f} {mib(cost.predicted_bytes):6.0f} {mib(cost.process_bytes):8.0f}",
            flush=True,
        )
    judge(costs, limit)
    return 0


def _measure(encoder: EncoderName, wanted: Found) -> Found:
    return asdict(weigh(encoder, **wanted))


def shape_of(megapixels: float) -> tuple[int, int]:
    """(height, width) of about so many pixels; square, since no edge may be longer than 4096."""
    edge = round(math.sqrt(1e6 * megapixels))
    return edge, edge


def judge(costs: dict[float, Cost], limit: int) -> None:
    """Print how time and memory grow, and whether the process stayed below its limit."""
    plain = next(iter(costs.values())).rung  # at the smallest size nothing is given up
    free = dict(takewhile(lambda item: item[1].rung == plain, costs.items()))
    print(f"seconds grow as pixels to the power of {power(costs, [cost.seconds for cost in costs.values()]):.2f}")
    if len(free) > 1:
        sizes, peaks = np.array(list(free)), np.array([cost.peak_bytes for cost in free.values()])
        slope, fixed = np.polyfit(sizes, peaks, 1)
        off = np.abs(fixed + slope * sizes - peaks).max() / peaks.max()
        print(
            f"memory without the ladder: {mib(fixed):.0f} MiB and {mib(slope):.0f} a megapixel, "
            f"at most {100 * off:.0f} % off that line"
        )
    told = [cost.predicted_bytes / cost.peak_bytes for cost in costs.values()]
    print(f"predicted memory: {min(told):.2f} to {max(told):.2f} times what was seen")
    highest = max(cost.process_bytes for cost in costs.values())
    print(f"below {limit / 2**30:g} GB: {'yes' if highest < limit else 'no'}, at most {highest / 2**30:.2f}")


def power(costs: dict[float, Cost], values: Sequence[float]) -> float:
    """The slope of the values against the sizes where both are drawn as logarithms; 1: linear."""
    return float(np.polyfit(np.log(list(costs)), np.log(values), 1)[0])


def mib(bytes_: float) -> float:
    """In 2**20 bytes."""
    return bytes_ / 2**20


if __name__ == "__main__":
    sys.exit(main())
