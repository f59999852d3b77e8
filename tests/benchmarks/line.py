"""How fair the line is, how true its promises, how fast its answers, and what 100,000 finished jobs change.

    .venv/bin/python tests/benchmarks/line.py
    .venv/bin/python tests/benchmarks/line.py --only fairness

Over the real ledgers (a file of SQLite; PostgreSQL on a socket) and the real queue; only the painter follows a script.
Bot and workers are one process here: trust medians and ratios.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from itertools import accumulate
from statistics import fmean, median
from typing import Final

from ledgers import (
    KINDS,
    NO_LIMITS,
    FakeDecoder,
    NewDatabase,
    ScriptedPainter,
    a_job,
    any_options,
    cancel_task,
    cluster,
    enter,
    fill,
    print_tables,
)
from sqlalchemy.exc import DBAPIError

from bot import fairness
from bot.jobs import Cancelled, Queued, Retention
from bot.ledger import SqlLedger, open_ledger
from bot.queue import LedgerQueue
from bot.wires import LocalWire
from engine.options import Options

KEEP: Final = Retention(inputs_days=7, results_days=30, jobs_days=365)
"""The defaults of `config.example.toml`."""
FLOODER: Final = 1
EVENING_SECONDS_PER_MEGAPIXEL: Final = 60.0
"""About what two CPU cores need; this painter's clock is a number and costs nothing."""
PAINTER_SECONDS_PER_MEGAPIXEL: Final = 20.0
"""Of one that really sleeps: so slow that what a busy machine needs between two jobs does not count."""
NOISE: Final = 0.15
CLOSE_ENOUGH: Final = 0.25
ASKED: Final = 20
"""So often each answer is timed, with as many jobs in line."""

Waits = list[tuple[int, float]]
"""Of each newcomer: jobs begun, and seconds, between coming and beginning."""


# (a)


class Evening:
    """One person's many jobs in line, newcomers with one job each, and one painter."""

    def __init__(self, jobs: int, newcomers: int) -> None:
        choice = random.Random(5)
        self.flood = [any_options(choice) for _ in range(jobs)]
        lasts = sum(map(_seconds, self.flood))
        comings = ((lasts * choice.uniform(0, 0.9), any_options(choice)) for _ in range(newcomers))
        self.comings = sorted(comings, key=lambda coming: coming[0])

    async def lived(self, ledger: SqlLedger) -> Waits:
        """By the ledger's order."""
        for options in self.flood:
            await enter(ledger, FLOODER, options)
        waits: Waits = []
        clock, begun = 0.0, 0
        came: dict[int, tuple[float, int]] = {}
        while job := await ledger.begin_next("painter"):
            if job.owner.user_id in came:
                at, begun_before = came[job.owner.user_id]
                waits.append((begun - begun_before, clock - at))
            begun += 1
            clock += _seconds(job.options)
            await ledger.fail(job, "It ends here: nothing was painted.")
            while len(came) < len(self.comings) and self.comings[len(came)][0] <= clock:
                at, options = self.comings[len(came)]
                user_id = FLOODER + 1 + len(came)
                came[user_id] = at, begun
                await enter(ledger, user_id, options)
        return waits

    def as_they_came(self) -> Waits:
        """Had the jobs been painted in the order in which they came."""
        begins = list(accumulate(map(_seconds, self.flood), initial=0.0))
        free = begins.pop()
        waits: Waits = []
        for number, (at, options) in enumerate(self.comings):
            waits.append((sum(begin > at for begin in begins) + number, free - at))
            free += _seconds(options)
        return waits


def _seconds(options: Options) -> float:
    return EVENING_SECONDS_PER_MEGAPIXEL * fairness.work(options)


async def show_fairness(new: NewDatabase, *, quick: bool) -> None:
    """(a): what newcomers wait for."""
    evening = Evening(*((20, 4) if quick else (200, 40)))
    ways = {"first come, first served": evening.as_they_came()}
    for kind in KINDS:
        ledger = await open_ledger(new(kind))
        ways[kind] = await evening.lived(ledger)
        await ledger.close()
    print(f"(a) {len(evening.flood)} jobs of one person in line, {len(evening.comings)} newcomers with one job each,")
    print(f"    one painter: {fmean(map(_seconds, evening.flood)):.0f} s a job. A newcomer waits for")
    print(f"{'':26} {'jobs: mean':>12} {'most':>6} {'seconds: mean':>15} {'most':>6}")
    for name, waits in ways.items():
        jobs, seconds = zip(*waits, strict=True)
        print(f"{name:26} {fmean(jobs):12.1f} {max(jobs):6} {fmean(seconds):15.0f} {max(seconds):6.0f}")


# (b)


async def promised_and_happened(url: str, workers: int, jobs: int, rate: float) -> list[tuple[float, float]]:
    """For each of so many jobs in line: the seconds that its watcher is told, and those that it takes."""
    fill(url, 60, seconds=rate)
    choice = random.Random(1)
    promised: dict[str, float] = {}
    async with cluster(url, workers) as (bot, painting):
        ledger = await open_ledger(url)
        orders = [await enter(ledger, choice.randrange(7), any_options(choice)) for _ in range(jobs)]
        for job in orders:
            told = await anext(bot.watch(job.id))
            assert isinstance(told, Queued), told
            assert told.seconds_left is not None, told
            promised[job.id] = told.seconds_left
        began = time.time()
        tasks = [
            asyncio.create_task(queue.run_worker(ScriptedPainter(rate, NOISE, seed=10 + number), FakeDecoder()))
            for number, queue in enumerate(painting)
        ]
        while await ledger.waiting() or await ledger.painting():  # noqa: ASYNC110  # it is the ledger that is measured
            await asyncio.sleep(0.2)
        for task in tasks:
            await cancel_task(task)
        ended = {job.id: (await ledger.job(job.id)).finished_at or 0.0 for job in orders}
        await ledger.close()
    return [(promised[job.id], ended[job.id] - began) for job in orders]


async def show_promises(new: NewDatabase, *, quick: bool) -> None:
    """(b): the time left, told to 20 who wait before the first is begun."""
    jobs, rate = (4, 0.1) if quick else (20, PAINTER_SECONDS_PER_MEGAPIXEL)
    print(f"(b) {jobs} jobs of mixed sizes and qualities, each off by {NOISE:.0%} from what such jobs usually take.")
    print("    Seconds told at the start against seconds taken")
    print(f"{'':26} {'median off':>12} {'most':>6} {'within 25 %':>15}")
    for kind, workers in (("sqlite", 1), ("postgresql", 1), ("postgresql", 2)):
        pairs = await promised_and_happened(new(kind), workers, jobs, rate)
        off = [abs(told - took) / took for told, took in pairs]
        close = sum(share <= CLOSE_ENOUGH for share in off)
        name = f"{kind}, {workers} worker{'s' * (workers > 1)}"
        print(f"{name:26} {median(off):12.0%} {max(off):6.0%} {f'{close} of {len(off)}':>15}", flush=True)


# (c)


async def latencies(url: str, rounds: int) -> dict[str, list[float]]:
    """Seconds between what a person does and what comes of it, on an idle queue; by what that is."""
    times: dict[str, list[float]] = {
        "submit to accepted": [],
        "submit to painter": [],
        "cancel to news": [],
        "cancel to painter free": [],
    }
    async with cluster(url) as (bot, [worker]):
        painter = ScriptedPainter(1e6)
        painting = asyncio.create_task(worker.run_worker(painter, FakeDecoder()))
        for _ in range(rounds):
            job, pictures = a_job()
            painter.has_begun.clear()
            painter.has_stopped.clear()
            await asyncio.sleep(0.1)  # until all is quiet

            asked = time.perf_counter()
            await bot.submit(job, pictures, NO_LIMITS)
            times["submit to accepted"].append(time.perf_counter() - asked)
            await painter.has_begun.wait()
            times["submit to painter"].append(painter.begun_at - asked)

            news = bot.watch(job.id)
            await anext(news)
            await asyncio.sleep(0.1)
            asked = time.perf_counter()
            cancelling = asyncio.create_task(bot.cancel(job.id))
            while not isinstance(await anext(news), Cancelled):
                pass
            times["cancel to news"].append(time.perf_counter() - asked)
            await cancelling
            await painter.has_stopped.wait()
            times["cancel to painter free"].append(painter.stopped_at - asked)
        await cancel_task(painting)
    return times


async def show_latency(new: NewDatabase, *, quick: bool) -> None:
    """(c): how long the line takes, painting and Discord not counted."""
    rounds = 3 if quick else 100
    found = {kind: await latencies(new(kind), rounds) for kind in KINDS}
    print(f"(c) an idle queue, {rounds} times, in ms: median (most)")
    print(f"{'':26} {'sqlite':>18} {'postgresql':>18}")
    for name in found["sqlite"]:
        cells = (f"{1000 * median(found[kind][name]):.0f} ({1000 * max(found[kind][name]):.0f})" for kind in KINDS)
        print(f"{name:26}", *(f"{cell:>18}" for cell in cells))


# (d)


async def answers(url: str) -> Mapping[str, float]:
    """Median seconds of each answer of a ledger with 20 jobs in line; infinite if it does not come."""
    ledger = await open_ledger(url)
    orders = [a_job(user_id, user_id) for user_id in range(ASKED)]
    queue = LedgerQueue(ledger, LocalWire(), "bot")
    options = orders[0][0].options

    async def start_up() -> None:
        another = await open_ledger(url)
        await another.beats()
        await another.untold("page")
        await another.close()

    async def submit() -> None:
        await queue.submit(*orders.pop(), NO_LIMITS)

    async def begin_next() -> None:
        job = await ledger.begin_next("painter")
        assert job is not None
        await ledger.hand_back(job)

    first = orders[0][0].id
    asked: Mapping[str, tuple[int, Callable[[], Awaitable[object]]]] = {
        "submit": (ASKED, submit),
        "position": (ASKED, lambda: queue.position(first)),
        "time left": (ASKED, lambda: queue.seconds_until_painted(options)),
        "begin_next, hand_back": (ASKED, begin_next),
        "sweep, nothing due": (3, lambda: ledger.sweep(KEEP)),
        "start-up": (5, start_up),
    }
    found = {name: median([await _timed(ask) for _ in range(times)]) for name, (times, ask) in asked.items()}
    await ledger.close()
    return found


async def _timed(ask: Callable[[], Awaitable[object]]) -> float:
    began = time.perf_counter()
    try:
        await ask()
    except DBAPIError:  # PostgreSQL's statement_timeout
        return float("inf")
    return time.perf_counter() - began


async def show_history(new: NewDatabase, *, quick: bool) -> None:
    """(d): an empty ledger against one with many finished jobs."""
    jobs = 200 if quick else 100_000
    print(f"(d) {jobs} finished jobs of the last day in the ledger, {ASKED} in line: ms without, with, and the ratio")
    print(f"{'':26} {'sqlite':>26} {'postgresql':>26}")
    rows: dict[str, str] = {}
    for kind in KINDS:
        url = new(kind)
        without = await answers(new(kind))
        fill(url, jobs)
        with_ = await answers(url)
        for name, seconds in without.items():
            cell = f"{1000 * seconds:.0f} {1000 * with_[name]:.0f}  ×{with_[name] / seconds:.1f}"
            rows[name] = f"{rows.get(name, f'{name:26}')} {cell:>26}"
    print(*rows.values(), sep="\n")


TABLES: Final = {
    "fairness": show_fairness,
    "promises": show_promises,
    "latency": show_latency,
    "history": show_history,
}


if __name__ == "__main__":
    print_tables(__doc__, TABLES)
