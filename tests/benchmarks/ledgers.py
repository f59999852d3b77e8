"""For benchmarks of the line: empty ledgers of both kinds, finished jobs in bulk, a painter who follows a script."""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any, Final

import sqlalchemy as sa

sys.path.append(str(Path(__file__).parents[1]))  # the tests' PostgreSQL and their jobs

from fakes import FakeDecoder, a_job
from postgres import PostgresServer

from bot import fairness
from bot.jobs import Address, Job, JobState, OpenLimits, Owner, PaintOrder, Picture, Progress, digest
from bot.ledger import Heart, PostgresWire, SqlLedger, migrate, open_ledger
from bot.ledger.database import blocking_engine, place_of
from bot.ledger.tables import jobs, pictures, to_row
from bot.protocols import Ledger, Wire
from bot.queue import LedgerQueue
from bot.wires import LocalWire
from engine.options import QUALITIES, Options

__all__ = [
    "KINDS",
    "NO_LIMITS",
    "FakeDecoder",
    "NewDatabase",
    "ScriptedPainter",
    "a_job",
    "any_options",
    "cancel_task",
    "cluster",
    "counted",
    "databases",
    "enter",
    "fill",
    "print_tables",
]

KINDS: Final = ("sqlite", "postgresql")
NO_LIMITS: Final = OpenLimits(per_person=10**6, per_server=10**6)
SIZES: Final = (384, 512, 768, 1024)
PROGRESS_SECONDS: Final = 0.25
"""As often as `bot.gpu` tells how far it is."""
POLL_SECONDS: Final = 0.005
"""An iteration of the scripted painter, after which it looks whether it shall stop."""
DAY_SECONDS: Final = 86400.0
ROWS_AT_ONCE: Final = 1000
SILENCE_SECONDS: Final = 10.0
LONGEST_STATEMENT_SECONDS: Final = 60
"""Of PostgreSQL: a benchmark shall end."""

NewDatabase = Callable[[str], str]


@contextmanager
def databases() -> Iterator[NewDatabase]:
    """Makes an empty database of a kind, and gives its URL."""
    with tempfile.TemporaryDirectory(prefix="line") as folder:
        server = PostgresServer(Path(folder))
        made = 0

        def new(kind: str) -> str:
            nonlocal made
            made += 1
            if kind == "sqlite":
                return f"sqlite:///{folder}/ledger{made}.db"
            url = server.new_database()
            name = place_of(url).database
            server.execute(url, f"ALTER DATABASE {name} SET statement_timeout = '{LONGEST_STATEMENT_SECONDS}s'")
            return url

        try:
            yield new
        finally:
            server.stop()


def any_options(choice: random.Random) -> Options:
    """Of the sizes and qualities that people choose."""
    return Options(size=choice.choice(SIZES), quality=choice.choice(QUALITIES))


def fill(url: str, count: int, *, days: float = 1.0, picture_bytes: int = 100, seconds: float = 1.0) -> None:
    """Finished and delivered jobs in bulk, each with a content and a result of its own.

    Args:
        url: of the ledger.
        count: how many jobs.
        days: since their persons were told, the newest now.
        picture_bytes: of each picture; the real ones have a few hundred thousand.
        seconds: that a megapixel of standard quality took; each is off by up to a fifth.
    """
    migrate(url)
    choice, now = random.Random(1), time.time()
    engine = blocking_engine(place_of(url))
    style = digest(b"the style")
    with engine.begin() as connection:
        connection.execute(sa.insert(pictures).values(digest=style, data=b"the style", created_at=now))
        for first in range(0, count, ROWS_AT_ONCE):
            numbers = range(first, min(count, first + ROWS_AT_ONCE))
            rows = [_finished(number, style, now - days * DAY_SECONDS * choice.random(), choice) for number in numbers]
            for row in rows:
                row["paint_seconds"] = seconds * fairness.work(Options(**row["options"])) * choice.uniform(0.8, 1.2)
            data = choice.randbytes(picture_bytes)
            stored = [
                {"digest": row[name], "data": data, "created_at": row["created_at"]}
                for row in rows
                for name in ("content", "result")
            ]
            connection.execute(sa.insert(pictures), stored)
            connection.execute(sa.insert(jobs), rows)
    if engine.dialect.name == "postgresql":  # its autovacuum would, within a minute; SQLite is never told to
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("ANALYZE"))
    engine.dispose()


def _finished(number: int, style: str, told_at: float, choice: random.Random) -> dict[str, Any]:  # Any: a row
    owner = Owner(choice.randrange(10_000), choice.randrange(100))
    job = Job(owner, Address("page"), "", "", "your painting", any_options(choice), created_at=told_at - 60)
    ended = {
        "state": JobState.DELIVERED,
        "content": digest(b"content %d" % number),
        "style": style,
        "result": digest(b"result %d" % number),
        "started_at": told_at - 30,
        "finished_at": told_at - 1,
        "told_at": told_at,
        "worker": "an earlier worker",
        "encoder": "embedded",
        "lease": 1,
        "deaths": 0,
        "turn": 0.0,
    }
    return to_row(job) | ended


class ScriptedPainter:
    """Fulfils `bot.protocols.Painter`: sleeps for as long as the work is, and some noise.

    Args:
        seconds_per_megapixel: of standard quality.
        noise: standard deviation of the logarithm of what each job takes.
        seed: of the noise.
    """

    def __init__(self, seconds_per_megapixel: float, noise: float = 0.0, seed: int = 0) -> None:
        self._rate = seconds_per_megapixel
        self._noise = noise
        self._choice = random.Random(seed)
        self.begun_at = self.stopped_at = 0.0
        """By `time.perf_counter`: when the newest order came, and when the newest `stop` was seen."""
        self.has_begun, self.has_stopped = asyncio.Event(), asyncio.Event()

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Event) -> Picture | None:
        """The content itself, when its time has come."""
        self.begun_at = told_at = time.perf_counter()
        self.has_begun.set()
        seconds = fairness.work(order.options) * self._rate * self._choice.lognormvariate(0, self._noise)
        while (elapsed := time.perf_counter() - self.begun_at) < seconds:
            if stop.is_set():
                self.stopped_at = time.perf_counter()
                self.has_stopped.set()
                return None
            if time.perf_counter() - told_at >= PROGRESS_SECONDS:
                told_at = time.perf_counter()
                on_progress(Progress(elapsed / seconds, seconds - elapsed))
            await asyncio.sleep(min(POLL_SECONDS, seconds - elapsed))
        return Picture(order.content, "scripted", paint_seconds=seconds)


async def enter(ledger: Ledger, user_id: int, options: Options) -> Job:
    """A job in line, of a person who is alone on their server."""
    job, its_pictures = a_job(user_id, user_id, options=options)
    await ledger.accept(job, its_pictures, NO_LIMITS)
    await ledger.enqueue(job.id)
    return job


@asynccontextmanager
async def cluster(url: str, workers: int = 1) -> AsyncIterator[tuple[LedgerQueue, list[LedgerQueue]]]:
    """The queue of a bot, running, and those of the workers, with beating hearts; on SQLite one queue is both."""
    is_apart = url.startswith("postgresql")
    async with AsyncExitStack() as closing:

        async def join(name: str) -> LedgerQueue:
            ledger = await open_ledger(url)
            closing.push_async_callback(ledger.close)
            wire: Wire = LocalWire()
            if is_apart:
                wire = PostgresWire(url)
                closing.push_async_callback(wire.close)
            queue = LedgerQueue(ledger, wire, name, silence_seconds=SILENCE_SECONDS if is_apart else None)
            closing.push_async_callback(cancel_task, asyncio.create_task(queue.run()))
            return queue

        bot = await join("bot")
        if not is_apart:
            yield bot, [bot]
            return
        painting = [await join(f"worker {number}") for number in range(workers)]
        for queue in painting:
            heart = Heart(url, queue.worker, SILENCE_SECONDS / 4)
            heart.start()
            closing.push_async_callback(asyncio.to_thread, heart.stop)
        while len(await bot.ledger.beats()) < workers:  # noqa: ASYNC110  # threads beat
            await asyncio.sleep(0.05)
        yield bot, painting


async def cancel_task(task: asyncio.Task[None]) -> None:
    """And wait until it has ended."""
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextmanager
def counted(ledger: Ledger) -> Iterator[dict[str, int]]:
    """Counts what a ledger sends its database meanwhile: transactions, those that write, and statements that write."""
    counts = {"transactions": 0, "writing": 0, "statements": 0, "writes": 0}
    assert isinstance(ledger, SqlLedger), ledger
    engine = ledger.engine.sync_engine
    writing: set[int] = set()

    def begin(connection: sa.Connection) -> None:
        counts["transactions"] += 1
        writing.discard(id(connection))

    def execute(connection: sa.Connection, _: object, statement: str, *__: object) -> None:
        counts["statements"] += 1
        if statement.lstrip().startswith(("INSERT", "UPDATE", "DELETE")):
            counts["writes"] += 1
            counts["writing"] += id(connection) not in writing
            writing.add(id(connection))

    sa.event.listen(engine, "begin", begin)
    sa.event.listen(engine, "before_cursor_execute", execute)
    try:
        yield counts
    finally:
        sa.event.remove(engine, "begin", begin)
        sa.event.remove(engine, "before_cursor_execute", execute)


Show = Callable[..., Coroutine[Any, Any, None]]
"""Prints a table: from what makes an empty ledger, and whether it is a quick trial."""


def print_tables(about: str | None, tables: Mapping[str, Show]) -> None:
    """The command line of a benchmark that prints some tables, or those that are named."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=tables, nargs="+", default=list(tables), help="these tables")
    parser.add_argument("--quick", action="store_true", help="a tiny trial: it runs, and tells nothing")
    wishes = parser.parse_args()
    with databases() as new:
        for name in wishes.only:
            asyncio.run(tables[name](new, quick=wishes.quick))
            print(flush=True)
