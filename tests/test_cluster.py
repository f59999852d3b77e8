"""Several processes on one PostgreSQL ledger: whoever dies, every job is painted, and told where it was asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from fakes import FakeDecoder, FakePainter, a_job
from postgres import PostgresServer

from bot.jobs import Cancelled, Job, JobState, News, OpenLimits, Painted, Painting, Progress, Queued
from bot.ledger import Heart, PostgresWire, SqlLedger, open_ledger
from bot.queue import LedgerQueue

pytestmark = pytest.mark.slow

LIMITS = OpenLimits(per_person=9, per_server=99)
SILENCE_SECONDS = 2.0


class Process:
    """What one process of a cluster has: a ledger's connections, a wire, a queue, and perhaps a worker with a heart."""

    def __init__(self, url: str, name: str, ledger: SqlLedger) -> None:
        self.ledger = ledger
        self.wire = PostgresWire(url)
        self.queue = LedgerQueue(ledger, self.wire, name, silence_seconds=SILENCE_SECONDS)
        self.heart = Heart(url, name, seconds=SILENCE_SECONDS / 4)
        self.tasks = [asyncio.create_task(self.queue.run())]
        self.has_heart = False

    def paint(self, painter: FakePainter) -> None:
        """Become a worker."""
        self.heart.start()
        self.has_heart = True
        self.tasks.append(asyncio.create_task(self.queue.run_worker(painter, FakeDecoder())))

    async def submit(self, user_id: int = 7) -> Job:
        job, pictures = a_job(user_id)
        await self.queue.submit(job, pictures, LIMITS)
        return job

    async def last_news(self, job: Job) -> News:
        async with asyncio.timeout(30):
            return [news async for news in self.queue.watch(job.id)][-1]

    async def die(self) -> None:
        """As `kill -9` does: nothing is handed back, and nothing more is said."""
        self.queue.ledger = None  # type: ignore[assignment]  # the dead write nothing
        await self.stop()

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        if self.has_heart:
            await asyncio.to_thread(self.heart.stop)
            self.has_heart = False
        await self.wire.close()
        await self.ledger.close()


Join = Callable[[str], Awaitable[Process]]


@pytest.fixture
async def join(postgres: PostgresServer) -> AsyncIterator[Join]:
    """Lets a process join the cluster."""
    url = postgres.new_database()
    processes: list[Process] = []

    async def join_(name: str) -> Process:
        processes.append(Process(url, name, await open_ledger(url)))
        return processes[-1]

    yield join_
    for process in processes:
        await process.stop()


def a_hanging_painter() -> FakePainter:
    """One that paints until it is stopped."""
    painter = FakePainter()
    painter.may_end.clear()
    return painter


async def test_progress_and_previews_reach_the_process_that_took_the_job(join: Join) -> None:
    """Its bot owns the message."""
    bot, worker, painter = await join("bot"), await join("worker"), a_hanging_painter()
    worker.paint(painter)
    job = await bot.submit()
    await painter.has_begun.wait()
    news = bot.queue.watch(job.id)

    painter.tell(Progress(0.4, seconds_left=3.0, preview=b"a preview"))

    async with asyncio.timeout(20):
        while await anext(news) != Painting(0.4, 3.0, b"a preview"):
            pass
    painter.may_end.set()
    assert [told async for told in news][-1] == Painted()


async def test_two_workers_share_the_line_and_no_job_is_painted_twice(join: Join) -> None:
    """One claimed job per worker."""
    bot, painters = await join("bot"), [FakePainter(), FakePainter()]
    for number, painter in enumerate(painters):
        (await join(f"worker {number}")).paint(painter)

    jobs = [await bot.submit(user_id) for user_id in range(12)]
    ends = [await bot.last_news(job) for job in jobs]

    assert ends == [Painted()] * 12
    assert sum(len(painter.orders) for painter in painters) == 12


async def test_the_job_of_a_dead_worker_is_painted_by_another(join: Join) -> None:
    """Found by a heart that stands still, within its silence and a moment."""
    bot, frail, painter = await join("bot"), await join("frail"), a_hanging_painter()
    frail.paint(painter)
    job = await bot.submit()
    await painter.has_begun.wait()
    await frail.die()

    (await join("heir")).paint(FakePainter())

    assert await bot.last_news(job) == Painted()
    painted = await bot.ledger.job(job.id)
    assert (painted.worker, painted.deaths, painted.lease) == ("heir", 1, 2)


async def test_a_worker_that_paints_for_long_is_not_taken_for_dead(join: Join) -> None:
    """Its heart beats beside the painting."""
    bot, worker, painter = await join("bot"), await join("worker"), a_hanging_painter()
    worker.paint(painter)
    job = await bot.submit()
    await painter.has_begun.wait()

    await asyncio.sleep(3 * SILENCE_SECONDS)  # longer than the dead are waited for, while it is silent
    painter.may_end.set()

    assert await bot.last_news(job) == Painted()
    assert (await bot.ledger.job(job.id)).deaths == 0


async def test_a_stopped_worker_hands_its_job_to_another_at_once(join: Join) -> None:
    """No silence has to be waited for, and it is no death."""
    bot, leaving, painter = await join("bot"), await join("leaving"), a_hanging_painter()
    leaving.paint(painter)
    job = await bot.submit()
    await painter.has_begun.wait()
    (await join("heir")).paint(FakePainter())

    await leaving.stop()

    assert await bot.last_news(job) == Painted()
    assert (await bot.ledger.job(job.id)).deaths == 0


async def test_cancelling_in_one_process_stops_the_painting_in_another(join: Join) -> None:
    """Within half a second the person sees it, and the painter is free."""
    bot, worker, painter = await join("bot"), await join("worker"), a_hanging_painter()
    worker.paint(painter)
    job = await bot.submit()
    await painter.has_begun.wait()

    assert await bot.queue.cancel(job.id)

    assert await bot.last_news(job) == Cancelled()
    painter.may_end.set()
    assert await bot.last_news(await bot.submit(user_id=8)) == Painted()
    assert (await bot.ledger.job(job.id)).state is JobState.CANCELLED


async def test_a_restart_of_the_database_loses_nothing_and_nobody(join: Join, postgres: PostgresServer) -> None:
    """The listeners connect again, the result is written when it can be, and no worker is buried for it.

    The database is away for longer than a worker may be silent.
    """
    bot, worker, painter = await join("bot"), await join("worker"), a_hanging_painter()
    worker.paint(painter)
    in_hand = await bot.submit()
    waiting = await bot.submit(user_id=8)
    await painter.has_begun.wait()
    watched = asyncio.create_task(bot.last_news(waiting))
    assert await anext(bot.queue.watch(waiting.id)) == Queued(1)

    await asyncio.to_thread(postgres.halt)
    painter.may_end.set()
    await asyncio.sleep(2 * SILENCE_SECONDS)
    await asyncio.to_thread(postgres.resume)

    assert await watched == Painted()
    assert (await bot.ledger.job(in_hand.id)).lease == 1
