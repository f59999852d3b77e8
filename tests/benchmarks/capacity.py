"""What the ledger and its wire can carry: work per job, jobs and events a second, people who watch, bytes stored.

    .venv/bin/python tests/benchmarks/capacity.py

The numbers of `docs/scaling.md`. Server and clients share this machine's cores: what is measured is less than what a
database of its own would carry.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import ExitStack, asynccontextmanager
from statistics import median
from typing import Final

import numpy as np
import sqlalchemy as sa
from ledgers import (
    KINDS,
    NO_LIMITS,
    FakeDecoder,
    NewDatabase,
    ScriptedPainter,
    a_job,
    cancel_task,
    cluster,
    counted,
    enter,
    fill,
    print_tables,
)

from bot.jobs import Event, LedgerUnusable, Missed, Painted, Painting, Picture, Progressed
from bot.ledger import PostgresWire, SqlLedger, open_ledger
from bot.ledger.database import blocking_engine, place_of
from bot.protocols import Ledger
from bot.queue import LedgerQueue
from engine.options import Options

PICTURE: Final = Picture(np.zeros((4, 4, 3), np.uint8), "none", paint_seconds=1.0)
ROW_JOBS: Final = 5000
"""So many finished jobs are stored to weigh one."""


# One job


async def show_one_job(new: NewDatabase, *, quick: bool) -> None:
    """What a whole life asks of the database: submitted, watched, painted, delivered."""
    jobs, idle_seconds = (2, 1.0) if quick else (50, 20.0)
    print(f"{'one job':34} {'transactions':>13} {'that write':>11} {'statements':>11} {'that write':>11}")
    for kind in KINDS:
        async with cluster(new(kind)) as (bot, [worker]):
            ledgers = {id(queue): queue.ledger for queue in (bot, worker)}.values()
            await asyncio.sleep(0.5)
            idle = await _count_while(ledgers, asyncio.sleep(idle_seconds))
            painting = asyncio.create_task(worker.run_worker(ScriptedPainter(0.0), FakeDecoder()))
            began = time.perf_counter()
            busy = await _count_while(ledgers, _live_one_after_another(bot, jobs))
            took = time.perf_counter() - began
            await cancel_task(painting)
        own = {name: (count - idle[name] * took / idle_seconds) / jobs for name, count in busy.items()}
        print(f"{kind:34}", _cells(own))
        rate = {name: count / idle_seconds for name, count in idle.items()}
        print(f"{f'{kind}, a second of {len(ledgers)} idle queue(s)':34}", _cells(rate))


def _cells(counts: Mapping[str, float]) -> str:
    widths = {"transactions": 13, "writing": 11, "statements": 11, "writes": 11}
    return " ".join(f"{counts[name]:{width}.1f}" for name, width in widths.items())


async def _count_while(ledgers: Iterable[Ledger], doing: Awaitable[object]) -> Counter[str]:
    with ExitStack() as counting:
        counts = [counting.enter_context(counted(ledger)) for ledger in ledgers]
        await doing
    return sum((Counter(each) for each in counts), Counter())


async def _live_one_after_another(bot: LedgerQueue, jobs: int) -> None:
    for user_id in range(jobs):
        job, pictures = a_job(user_id, user_id)
        await bot.submit(job, pictures, NO_LIMITS)
        async for news in bot.watch(job.id):
            if isinstance(news, Painted):
                await bot.ledger.begin_delivery(job.id)
                await bot.ledger.delivered(job.id)


# Many jobs


async def show_many_jobs(new: NewDatabase, *, quick: bool) -> None:
    """How many whole lives a second the database carries, one after another and eight at once."""
    jobs = 8 if quick else 400
    print(f"{f'whole lives a second ({jobs})':34} {'one at a time':>14} {'eight at once':>14}")
    for kind in KINDS:
        rates = [await _lives_a_second(new(kind), jobs, at_once) for at_once in (1, 8)]
        print(f"{kind:34} {rates[0]:14.0f} {rates[1]:14.0f}", flush=True)


async def _lives_a_second(url: str, jobs: int, at_once: int) -> float:
    """NaN where the ledger gives up."""
    ledgers = [await open_ledger(url) for _ in range(at_once if url.startswith("postgresql") else 1)]
    began = time.perf_counter()
    lives = (_live(ledgers[part % len(ledgers)], jobs // at_once, part) for part in range(at_once))
    ends = await asyncio.gather(*lives, return_exceptions=True)
    took = time.perf_counter() - began
    for ledger in ledgers:
        await ledger.close()
    for end in ends:
        if isinstance(end, LedgerUnusable):
            print(end)
            return float("nan")
        if end is not None:
            raise end
    return jobs / took


async def _live(ledger: SqlLedger, jobs: int, part: int) -> None:
    """Only what the ledger does for a job, with no painter and no watcher."""
    for number in range(jobs):
        await enter(ledger, 1000 * part + number, Options())
        job = await ledger.begin_next(f"worker {part}")
        assert job is not None
        result = b"result %d of %d" % (number, part)
        await ledger.finish(job, result, PICTURE)
        await ledger.begin_delivery(job.id)
        await ledger.delivered(job.id)


# Events


async def show_events(new: NewDatabase, *, quick: bool) -> None:
    """How many events a second pass through LISTEN and NOTIFY, and how late they are when there are few."""
    events, calm = (50, 5) if quick else (4000, 200)
    url = new("postgresql")
    for senders in (1, 8):
        rate = await _event_rate(url, senders, events // senders)
        print(f"{f'events a second, {senders} sender(s)':34} {rate:14.0f}")
    late = await _event_lateness(url, calm)
    print(f"{'an event on a calm wire, ms':34} {1000 * median(late):14.1f} (most {1000 * max(late):.1f})")


async def _event_rate(url: str, senders: int, each: int) -> float:
    heard, done = 0, asyncio.Event()

    def hear(event: Event) -> None:
        nonlocal heard
        heard += not isinstance(event, Missed)
        if heard == senders * each:
            done.set()

    wires = [PostgresWire(url) for _ in range(senders)]
    async with _listening(url, hear):

        async def send(wire: PostgresWire) -> None:
            for number in range(each):
                await wire.tell(Progressed("0123456789ab", Painting(number / each, 1.0)))

        began = time.perf_counter()
        await asyncio.gather(*map(send, wires))
        await done.wait()
        took = time.perf_counter() - began
    for wire in wires:
        await wire.close()
    return senders * each / took


async def _event_lateness(url: str, events: int) -> list[float]:
    heard: asyncio.Queue[float] = asyncio.Queue()
    wire, late = PostgresWire(url), []
    async with _listening(url, lambda event: heard.put_nowait(time.perf_counter())):
        for _ in range(events):
            began = time.perf_counter()
            await wire.tell(Progressed("0123456789ab", Painting(0.5, 1.0)))
            late.append(await heard.get() - began)
            await asyncio.sleep(0.01)
    await wire.close()
    return late


@asynccontextmanager
async def _listening(url: str, hear: Callable[[Event], None]) -> AsyncIterator[None]:
    """From the moment when it really listens, of which it tells."""
    wire, listens = PostgresWire(url), asyncio.Event()

    def first_missed(event: Event) -> None:
        if isinstance(event, Missed):
            listens.set()
        else:
            hear(event)

    task = asyncio.create_task(wire.listen(first_missed))
    await listens.wait()
    yield
    await cancel_task(task)
    await wire.close()


# People who watch


async def show_watchers(new: NewDatabase, *, quick: bool) -> None:
    """What a bot does for people who wait and watch, while nothing moves but every five seconds' doubt."""
    crowds, seconds = ((2,), 1.0) if quick else ((0, 50, 100, 200, 400), 15.0)
    print(f"{'watched jobs in line':34} {'transactions/s':>15} {'a core is busy':>15} {'submit, ms':>11}")
    for kind in KINDS:
        for crowd in crowds:
            async with cluster(new(kind)) as (bot, _):
                waiting = [await enter(bot.ledger, user_id, Options()) for user_id in range(crowd)]
                watching = [asyncio.create_task(_watch(bot, job.id)) for job in waiting]
                await asyncio.sleep(0.0 if quick else 6.0)
                cpu, began = time.process_time(), time.perf_counter()
                with counted(bot.ledger) as counts:
                    took = []
                    while time.perf_counter() - began < seconds:
                        asked = time.perf_counter()
                        await bot.submit(*a_job(9999, 9999), NO_LIMITS)
                        took.append(time.perf_counter() - asked)
                        await asyncio.sleep(1.0)
                elapsed = time.perf_counter() - began
                busy = (time.process_time() - cpu) / elapsed
                for task in watching:
                    await cancel_task(task)
            rate = counts["transactions"] / elapsed
            print(f"{f'{kind}, {crowd}':34} {rate:15.0f} {busy:15.0%} {1000 * median(took):11.0f}", flush=True)


async def _watch(bot: LedgerQueue, job_id: str) -> None:
    async for _ in bot.watch(job_id):
        pass


# A long line


async def show_line(new: NewDatabase, *, quick: bool) -> None:
    """What it takes to read the whole line, as every bot does after every change that somebody who waits may see."""
    lengths = (2, 4) if quick else (100, 400, 1600)
    print(f"{'ms to read a line of':34}", *(f"{length:>9}" for length in lengths))
    for kind in KINDS:
        ledger = await open_ledger(new(kind))
        cells, entered = [], 0
        for length in lengths:
            for user_id in range(entered, length):
                await enter(ledger, user_id, Options())
            entered = length
            took = []
            for _ in range(5):
                began = time.perf_counter()
                await ledger.waiting()
                took.append(time.perf_counter() - began)
            cells.append(f"{1000 * median(took):9.0f}")
        await ledger.close()
        print(f"{kind:34}", *cells, flush=True)


# Bytes


async def show_bytes(new: NewDatabase, *, quick: bool) -> None:
    """Of a finished job's row and its indexes, pictures not counted."""
    jobs = 100 if quick else ROW_JOBS
    for kind in KINDS:
        url, empty = new(kind), new(kind)
        fill(url, jobs, picture_bytes=0)
        fill(empty, 0)
        stored = _stored_bytes(url) - _stored_bytes(empty)
        print(f"{f'{kind}, bytes of a finished job':34} {stored / jobs:14.0f} with the names of two pictures")


def _stored_bytes(url: str) -> int:
    engine = blocking_engine(place_of(url))
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        else:
            query = "SELECT pg_database_size(current_database())"
        size = int(connection.execute(sa.text(query)).scalar_one())
    engine.dispose()
    return size


TABLES: Final = {
    "job": show_one_job,
    "jobs": show_many_jobs,
    "events": show_events,
    "watchers": show_watchers,
    "line": show_line,
    "bytes": show_bytes,
}


if __name__ == "__main__":
    print_tables(__doc__, TABLES)
