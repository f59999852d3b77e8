"""Paint one of our own pictures: `python -m engine.painters night-swirls --seed 1 -o night-swirls.jpg`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.images import encode_under
from engine.painters import PAINTERS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.painters", description=__doc__)
    parser.add_argument("name", choices=sorted(PAINTERS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--size", type=int, default=1024, help="long edge, in pixels")
    parser.add_argument("--bytes", type=int, default=350_000, help="the file is compressed until it fits")
    parser.add_argument("-o", "--output", type=Path, required=True)
    wishes = parser.parse_args(arguments)
    data, _ = encode_under(PAINTERS[wishes.name](wishes.seed, wishes.size), wishes.bytes)
    wishes.output.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
