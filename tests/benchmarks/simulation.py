"""A million jobs through the line: who waits how long, by load and by number of painters.

    .venv/bin/python tests/benchmarks/simulation.py
    .venv/bin/python tests/benchmarks/simulation.py --seconds-per-megapixel 30

Time is a number, and every decision is the bot's own: `bot.fairness` gives turns and tells the time left, and the
lowest turn is painted next, as in the ledger. People come by a daily curve and bring jobs by a heavy tail; every
evening one of them brings 200 at once. No limit on open jobs is kept, which is harder than what the bot allows.

What is assumed and not measured: the curve (the evening's peak is 1.6 times the mean), jobs per visit (one in three of
four, a Pareto tail of exponent 1.5, at most 50), the mix of sizes and qualities, and that a painter is as fast for a
draft as `bot.fairness` says.
"""

import argparse
import heapq
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bot import fairness
from engine.options import Options

DAY_SECONDS: Final = 86400.0
PEAK: Final = 1.6
"""The evening's arrivals against the day's mean."""
TAIL: Final = 1.5
MOST: Final = 50
"""Jobs of one visit, but for the flood."""
FLOOD: Final = 200
FLOOD_AT: Final = 0.75
"""Of each day, as the peak is."""
PAUSE_SECONDS: Final = 20.0
"""Between two jobs that a person brings, on average."""
NOISE: Final = 0.15
ASKED_EVERY: Final = 200
"""So often somebody is told the time left."""
CLOSE_ENOUGH: Final = 0.25
CHOICES: Final = (
    (Options(size=512, quality="draft"), 0.25),
    (Options(size=512), 0.40),
    (Options(size=1024, quality="draft"), 0.10),
    (Options(size=1024), 0.15),
    (Options(size=512, quality="fine"), 0.07),
    (Options(size=1024, quality="fine"), 0.03),
)
WORKS: Final = np.array([fairness.work(options) for options, _ in CHOICES])
SHARES: Final = np.array([share for _, share in CHOICES])
MEAN_WORK: Final = float(WORKS @ SHARES)

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Crowd:
    """Who brings what and when; jobs in the order in which they come."""

    comes_at: Floats
    person: Integers
    choice: Integers
    seconds: Floats
    """That painting will take."""
    brings: Integers
    """How many jobs its person brings in all."""


def a_crowd(jobs: int, jobs_per_day: float, seconds_per_megapixel: float, seed: int) -> Crowd:
    """So many jobs at that rate."""
    chance = np.random.default_rng(seed)
    tail = np.minimum(np.floor(chance.pareto(TAIL, jobs) * 0.6 + 1), MOST).astype(int)
    brings = tail[: int(np.searchsorted(np.cumsum(tail), jobs)) + 1]
    days = brings.sum() / jobs_per_day
    comes_at = _on_the_curve(chance, len(brings), days)
    evenings = np.arange(FLOOD_AT, days, 1.0) * DAY_SECONDS
    person = np.repeat(np.arange(len(brings) + len(evenings)), [*brings, *[FLOOD] * len(evenings)])
    pauses = chance.exponential(PAUSE_SECONDS, brings.sum())
    pauses[np.cumsum(brings) - brings] = 0.0
    since_first = np.cumsum(pauses)
    since_first -= np.repeat(since_first[np.cumsum(brings) - brings], brings)
    at = np.concatenate([np.repeat(comes_at, brings) + since_first, np.repeat(evenings, FLOOD)])
    order = np.argsort(at, kind="stable")
    choice = chance.choice(len(CHOICES), len(at), p=SHARES)
    seconds = WORKS[choice] * seconds_per_megapixel * chance.lognormal(0, NOISE, len(at))
    of_person = np.concatenate([brings, np.full(len(evenings), FLOOD)])[person]
    return Crowd(at[order], person[order], choice[order], seconds[order], of_person[order])


def _on_the_curve(chance: np.random.Generator, people: int, days: float) -> Floats:
    """When people come: most at three quarters of each day."""
    grid = np.linspace(0, days, max(1000, int(96 * days)))
    arrived = grid - (PEAK - 1) / (2 * math.pi) * np.sin(2 * math.pi * (grid - FLOOD_AT))
    shares = (arrived - arrived[0]) / (arrived[-1] - arrived[0])
    return np.interp(np.sort(chance.random(people)), shares, grid) * DAY_SECONDS


class Atelier:
    """Painters and the line before them.

    Args:
        crowd: whose jobs are painted.
        painters: how many.
        seconds_per_megapixel: what they usually need.
        is_fair: by turns; else in the order in which jobs come.
    """

    def __init__(self, crowd: Crowd, painters: int, seconds_per_megapixel: float, *, is_fair: bool) -> None:
        self.waits = np.zeros(len(crowd.comes_at))
        """Seconds between coming and being begun, by job."""
        self.told: list[tuple[float, float]] = []
        """Seconds until painted: as told when the job came, and as they were."""
        self.longest_line = 0
        self.ended = 0.0
        self._painters = painters
        self._is_fair = is_fair
        self._comes_at: list[float] = crowd.comes_at.tolist()
        self._person: list[int] = crowd.person.tolist()
        self._choice: list[int] = crowd.choice.tolist()
        self._seconds: list[float] = crowd.seconds.tolist()
        self._usual: list[float] = (WORKS * seconds_per_megapixel).tolist()
        self._options = [options for options, _ in CHOICES]
        self._now = 0.0
        self._own: dict[int, tuple[float, int]] = {}
        """By person: the last turn, and how many jobs are unfinished."""
        self._line: list[tuple[float, int]] = []
        self._in_hand: list[tuple[float, int]] = []
        """When each will be done, and which it is."""
        self._promised: dict[int, float] = {}

    def live(self) -> None:
        """Until the last job is done."""
        for number, at in enumerate(self._comes_at):
            self._paint_until(at)
            self._enter(number)
            if number % ASKED_EVERY == 0:
                self._promise(number)
            self._begin(at)
        self._paint_until(math.inf)

    def _enter(self, number: int) -> None:
        person = self._person[number]
        last, unfinished = self._own.get(person, (None, 0))
        turn = fairness.turn(self._now, last, unfinished, self._options[self._choice[number]])
        self._own[person] = turn, unfinished + 1
        heapq.heappush(self._line, (turn if self._is_fair else self._comes_at[number], number))
        self.longest_line = max(self.longest_line, len(self._line))

    def _begin(self, at: float) -> None:
        while self._line and len(self._in_hand) < self._painters:
            turn, number = heapq.heappop(self._line)
            self._now = max(self._now, turn)
            self.waits[number] = at - self._comes_at[number]
            heapq.heappush(self._in_hand, (at + self._seconds[number], number))

    def _paint_until(self, at: float) -> None:
        while self._in_hand and self._in_hand[0][0] <= at:
            self.ended, number = heapq.heappop(self._in_hand)
            last, unfinished = self._own.pop(self._person[number])
            if unfinished > 1:
                self._own[self._person[number]] = last, unfinished - 1
            if number in self._promised:
                self.told.append((self._promised.pop(number), self.ended - self._comes_at[number]))
            self._begin(self.ended)

    def _promise(self, number: int) -> None:
        at = self._comes_at[number]
        order = [other for _, other in sorted(self._line)]
        orders = [self._usual[self._choice[other]] for other in order[: order.index(number) + 1]]
        left = fairness.seconds_left([end - at for end, _ in self._in_hand], orders, self._painters)[-1]
        self._promised[number] = left or 0.0


def show(crowd: Crowd, painters: int, load: float, seconds_per_megapixel: float) -> None:
    """One row: the same crowd by turns, and for comparison as it came."""
    fair = Atelier(crowd, painters, seconds_per_megapixel, is_fair=True)
    fair.live()
    as_they_came = Atelier(crowd, painters, seconds_per_megapixel, is_fair=False)
    as_they_came.live()
    use = crowd.seconds.sum() / (painters * fair.ended)
    flood_seconds = FLOOD * MEAN_WORK * seconds_per_megapixel / painters
    in_flood = (crowd.comes_at / DAY_SECONDS % 1.0 - FLOOD_AT) * DAY_SECONDS
    newcomers = (crowd.brings == 1) & (in_flood > 0) & (in_flood < flood_seconds)
    off = np.array([abs(told - took) / took for told, took in fair.told])
    print(
        f"{painters:8} {load:5.2f} {use:5.2f} {len(crowd.comes_at):8,} {fair.longest_line:7,} "
        f"{_waits(fair.waits)} {_waits(as_they_came.waits)}  "
        f"{_waits(fair.waits[newcomers])} {_waits(as_they_came.waits[newcomers])}  "
        f"{_largest(fair, crowd):>8} {_largest(as_they_came, crowd):>7}  {np.mean(off <= CLOSE_ENOUGH):4.0%}",
        flush=True,
    )


def _largest(atelier: Atelier, crowd: Crowd) -> str:
    return _minutes(float(np.quantile(atelier.waits[crowd.choice == WORKS.argmax()], 0.99)))


def _waits(waits: Floats) -> str:
    return " ".join(f"{_minutes(float(wait)):>6}" for wait in np.quantile(waits, (0.5, 0.95, 0.99)))


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row for every number of painters and load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1_000_000, help="in all rows together")
    parser.add_argument("--painters", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--loads", type=float, nargs="+", default=[0.4, 0.6, 0.8, 0.9], help="the day's mean")
    parser.add_argument("--seconds-per-megapixel", type=float, default=60.0, help="of standard quality")
    parser.add_argument("--quick", action="store_true", help="a tiny trial: it runs, and tells nothing")
    wishes = parser.parse_args(arguments)
    jobs, painters, loads = wishes.jobs, wishes.painters, wishes.loads
    if wishes.quick:
        jobs, painters, loads = 8000, [1, 2], [0.5]
    job_seconds = MEAN_WORK * wishes.seconds_per_megapixel
    jobs_per_day = {(many, load): many * load * DAY_SECONDS / job_seconds for many in painters for load in loads}
    days = jobs / sum(jobs_per_day.values())
    print(f"{days:.1f} days; a job takes {job_seconds:.1f} s on average; waits in minutes: median, 95 %, 99 %")
    print(f"{'':38}{'every job':^41}  {'newcomers in a flood':^41}  {'largest, 99 %':^16}")
    print(
        f"{'':38}{'by turns':^20} {'as they came':^20}  {'by turns':^20} {'as they came':^20}  {'turns':>8} {'came':>7}"
    )
    print("painters  load   use     jobs longest" + " " * 105 + "told")
    began = time.perf_counter()
    for seed, ((many, load), rate) in enumerate(jobs_per_day.items()):
        crowd = a_crowd(round(rate * days), rate, wishes.seconds_per_megapixel, seed)
        show(crowd, many, load, wishes.seconds_per_megapixel)
    print(f"{time.perf_counter() - began:.0f} s of computing. Newcomers bring one job while a flood is painted;")
    print("told: how often the time left, told when a job came, was right within 25 %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
