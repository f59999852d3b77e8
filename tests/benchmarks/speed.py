"""The draft against the seed article's loop: how many times faster, from the start of the process to the file written.

    .venv/bin/python tests/benchmarks/speed.py --size 256 --repeat 3

Each picture is a process of its own, `python -m engine`, with the same VGG-19, pictures and size. The two take turns,
and who begins changes from round to round, so that a noisy machine is noisy for both. The claim under test: the draft
is at least ten times faster, and its pictures are no worse in style and in content.

What was measured is kept in `--records`; the same command goes on where it was stopped.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import mean, median
from typing import Final

from easel import VGG19_FILE, add_arguments
from pairs import LISTS, Pair, read
from records import Found, Records
from scorer import Scorer

from engine.images import open_picture
from engine.options import Options

WAYS: Final = ("draft", "gatys")
TIMES_FASTER: Final = 10
"""What is claimed."""


@dataclass(frozen=True)
class Mean:
    """Of the rounds of one pair: the median of the seconds, the mean of the scores, which hardly differ."""

    seconds: float
    style: float
    content: float


class Race:
    """Runs each process once, and remembers what it took."""

    def __init__(self, shared: Path, records: Records, pictures: Path | None, size: int, strength: int) -> None:
        self.shared = shared
        self.records = records
        self.pictures = pictures
        self.size = size
        self.ways = {"draft": ("--quality", "draft", "--strength", str(strength)), "gatys": ("--recipe", "gatys")}

    def run(self, way: str, pair: Pair, round_: int) -> Found:
        """Seconds, style and content."""
        key = {"way": self.ways[way], **pair._asdict(), "size": self.size, "round": round_}
        return self.records.once(key, lambda: self._paint(way, pair))

    def _paint(self, way: str, pair: Pair) -> Found:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder, "out.png")
            command = (
                *(sys.executable, "-m", "engine"),
                str(self.shared / "photos" / f"{pair.content}.jpg"),
                str(self.shared / "paintings" / f"{pair.style}.jpg"),
                *("-o", str(out), "--weights", str(self.shared / VGG19_FILE), "--device", "cpu"),
                *("--size", str(self.size), *self.ways[way]),
            )
            began = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds = time.perf_counter() - began
            if done.returncode:
                raise RuntimeError(done.stderr)
            data = out.read_bytes()
        if self.pictures:
            self.pictures.mkdir(parents=True, exist_ok=True)
            (self.pictures / f"{pair.content}-{pair.style}-{way}-{self.size}.png").write_bytes(data)
        score = self.scorer.score(open_picture(data), *read(self.shared, *pair))
        return {"seconds": seconds, "style": score.style, "content": score.content}

    @cached_property
    def scorer(self) -> Scorer:
        """The judge; not loaded where everything was measured before."""
        return Scorer(self.shared / VGG19_FILE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a pair and way, then whether the claim holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "speed")
    parser.add_argument("--list", choices=LISTS, default="b", help="a was tuned on, b was not")
    parser.add_argument("--pairs", type=int, help="so many of the list")
    parser.add_argument("--size", type=int, default=256, help="long edge in pixels")
    parser.add_argument("--strength", type=int, default=Options.strength, help="of the draft; the article has none")
    parser.add_argument("--repeat", type=int, default=3, help="rounds of each pair")
    wishes = parser.parse_args(arguments)
    pairs: Sequence[Pair] = LISTS[wishes.list][: wishes.pairs]
    size, repeat = wishes.size, wishes.repeat
    if wishes.quick:
        pairs, size, repeat = pairs[:1], 64, 1
    race = Race(wishes.shared, Records(wishes.records, fresh=wishes.fresh), wishes.pictures, size, wishes.strength)
    print(f"{'content':18} {'style':18} {'way':6} {'seconds':>8} {'style':>7} {'content':>8}")
    found: dict[str, list[Mean]] = {way: [] for way in WAYS}
    for pair in pairs:
        for way, of_pair in run_pair(race, pair, repeat).items():
            found[way].append(of_pair)
            print(f"{pair.content:18} {pair.style:18} {way:6} {_row(of_pair)}", flush=True)
    judge(found)
    return 0


def run_pair(race: Race, pair: Pair, repeat: int) -> dict[str, Mean]:
    """What each way takes and gives, in turns."""
    rounds: dict[str, list[Found]] = {way: [] for way in WAYS}
    for round_ in range(repeat):
        for way in WAYS[::-1] if round_ % 2 else WAYS:
            rounds[way].append(race.run(way, pair, round_))
    return {
        way: Mean(
            seconds=median(found["seconds"] for found in rounds[way]),
            style=mean(found["style"] for found in rounds[way]),
            content=mean(found["content"] for found in rounds[way]),
        )
        for way in WAYS
    }


def judge(found: Mapping[str, Sequence[Mean]]) -> None:
    """Print the means over the pairs, the ratio of the times, and whether the claim holds."""
    over_all = {
        way: Mean(*(mean(getattr(one, name) for one in of_way) for name in ("seconds", "style", "content")))
        for way, of_way in found.items()
    }
    for way, of_all in over_all.items():
        print(f"{'mean':18} {f'of {len(found[way])}':18} {way:6} {_row(of_all)}")
    draft, gatys = over_all["draft"], over_all["gatys"]
    times = [article.seconds / ours.seconds for ours, article in zip(found["draft"], found["gatys"], strict=True)]
    ratio = gatys.seconds / draft.seconds
    print(f"gatys takes {ratio:.1f} times as long as draft ({min(times):.1f} to {max(times):.1f} from pair to pair)")
    for claim, holds in (
        (f"at least {TIMES_FASTER} times faster", ratio >= TIMES_FASTER),
        ("no worse in style", draft.style <= gatys.style),
        ("no worse in content", draft.content <= gatys.content),
    ):
        print(f"{claim}: {'yes' if holds else 'no'}")


def _row(found: Mean) -> str:
    return f"{found.seconds:8.1f} {found.style:7.4f} {found.content:8.3f}"


if __name__ == "__main__":
    sys.exit(main())
