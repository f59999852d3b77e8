"""What the queue promises, on both kinds of ledger and both kinds of wire."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence

import pytest
from fakes import FakeDecoder, FakePainter, a_job

from bot.jobs import (
    MAX_DEATHS,
    Cancelled,
    Changed,
    Failed,
    Job,
    JobState,
    LedgerUnusable,
    News,
    OpenLimits,
    Painted,
    Painting,
    Picture,
    Progress,
    Queued,
    UnknownJob,
)
from bot.ledger import PostgresWire, open_ledger
from bot.protocols import Wire
from bot.queue import LedgerQueue
from bot.wires import LocalWire
from engine.errors import OutOfMemory
from engine.images import open_picture

LIMITS = OpenLimits(per_person=9, per_server=99)


class Atelier:
    """A queue over a ledger, what runs beside it, and its worker."""

    def __init__(self, queue: LedgerQueue, painter: FakePainter) -> None:
        self.queue = queue
        self.painter = painter
        self.running = asyncio.create_task(queue.run())
        self.worker = asyncio.create_task(queue.run_worker(painter, FakeDecoder()))

    async def submit(self, user_id: int = 7) -> Job:
        job, pictures = a_job(user_id)
        await self.queue.submit(job, pictures, LIMITS)
        return job

    async def news(self, job: Job) -> list[News]:
        return [news async for news in self.queue.watch(job.id)]

    async def last_news(self, job: Job) -> News:
        return (await self.news(job))[-1]

    async def stop(self) -> None:
        for task in (self.worker, self.running):
            task.cancel()
        await asyncio.gather(self.worker, self.running, return_exceptions=True)

    async def kill(self) -> None:
        """As abrupt as a power cut: nothing marks the job in hand."""
        self.queue.ledger = None  # type: ignore[assignment]  # the dead write nothing
        await self.stop()


Open = Callable[[FakePainter], Awaitable[Atelier]]


@pytest.fixture
async def opened(ledger_url: str) -> AsyncIterator[Open]:
    """Opens the same ledger again and again, each time with a new queue and worker, alone in it."""
    ateliers: list[Atelier] = []
    closing: list[Callable[[], Awaitable[None]]] = []

    async def open_(painter: FakePainter) -> Atelier:
        ledger = await open_ledger(ledger_url)
        closing.append(ledger.close)
        wire: Wire = LocalWire()
        if ledger_url.startswith("postgresql"):
            wire = PostgresWire(ledger_url)
            closing.append(wire.close)
        queue = LedgerQueue(ledger, wire, f"worker {len(ateliers)}")
        ateliers.append(Atelier(queue, painter))
        return ateliers[-1]

    yield open_
    for atelier in ateliers:
        await atelier.stop()
    for close in closing:
        await close()


async def test_a_job_is_painted_and_its_result_stored(opened: Open) -> None:
    """From submit to painted, with the picture that the painter made."""
    atelier = await opened(FakePainter())

    job = await atelier.submit()

    assert await atelier.last_news(job) == Painted()
    painted = await atelier.queue.ledger.job(job.id)
    assert painted.result is not None
    result = open_picture(await atelier.queue.ledger.picture(painted.result))
    content = open_picture(await atelier.queue.ledger.picture(job.content))
    assert (result == 255 - content).all()


async def test_a_job_that_was_painting_when_the_power_failed_is_painted_again(opened: Open) -> None:
    """A crash loses no job: it is painted after those that did not kill the bot."""
    hanging = FakePainter()
    hanging.may_end.clear()
    before = await opened(hanging)
    interrupted = await before.submit(user_id=7)
    waiting = await before.submit(user_id=8)
    await hanging.has_begun.wait()
    await before.kill()

    after = await opened(FakePainter())

    assert await after.last_news(interrupted) == Painted()
    assert await after.last_news(waiting) == Painted()
    done = [await after.queue.ledger.job(job.id) for job in (interrupted, waiting)]
    assert [(job.lease, job.deaths) for job in done] == [(2, 1), (1, 0)]
    assert (done[0].finished_at or 0) > (done[1].finished_at or 0)


async def test_a_graceful_stop_hands_the_job_back(opened: Open) -> None:
    """An update of the bot is nobody's failed attempt."""
    hanging = FakePainter()
    hanging.may_end.clear()
    atelier = await opened(hanging)
    job = await atelier.submit()
    await hanging.has_begun.wait()

    await atelier.stop()

    handed = await atelier.queue.ledger.job(job.id)
    assert (handed.state, handed.deaths) == (JobState.QUEUED, 0)


async def test_a_job_that_is_begun_while_the_stop_comes_is_handed_back_too(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next start would take it for a job that killed the bot."""
    atelier = await opened(FakePainter())
    begin_next, has_begun = atelier.queue.ledger.begin_next, asyncio.Event()

    async def answer_late(worker: str) -> Job | None:
        job = await begin_next(worker)
        if job:
            has_begun.set()
            await asyncio.Event().wait()
        return job

    monkeypatch.setattr(atelier.queue.ledger, "begin_next", answer_late)
    job = await atelier.submit()
    await has_begun.wait()

    await atelier.stop()

    handed = await atelier.queue.ledger.job(job.id)
    assert (handed.state, handed.deaths) == (JobState.QUEUED, 0)


async def test_a_queued_job_hears_its_position_and_every_change(opened: Open) -> None:
    """Second becomes "first" when the one before begins."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    ahead, behind = await atelier.submit(user_id=2), await atelier.submit(user_id=3)
    news = atelier.queue.watch(behind.id)

    first = await anext(news)
    await atelier.queue.cancel(ahead.id)
    second = await anext(news)

    assert [told.position for told in (first, second) if isinstance(told, Queued)] == [2, 1]
    assert await atelier.queue.position(behind.id) == 1


async def test_a_queued_job_hears_of_those_who_come_before_it(opened: Open) -> None:
    """Somebody's first picture goes before another's second, whose person should not wonder."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    await atelier.submit(user_id=2)
    news = atelier.queue.watch((await atelier.submit(user_id=2)).id)
    assert await anext(news) == Queued(2)

    await atelier.submit(user_id=3)

    assert await asyncio.wait_for(anext(news), 5) == Queued(3)


async def test_a_job_in_hand_is_never_told_again_that_it_waits(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its message would fall back from "painting" to "first in line"."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    job, other = await atelier.submit(user_id=2), await atelier.submit(user_id=3)
    news = atelier.queue.watch(job.id)
    assert await anext(news) == Queued(1)
    counted, may_tell = asyncio.Event(), asyncio.Event()

    async def tell_late(_: object) -> None:
        counted.set()
        await may_tell.wait()

    monkeypatch.setattr(atelier.queue.ledger, "seconds_per_megapixel", tell_late)
    await atelier.queue.cancel(other.id)
    await counted.wait()
    painter.has_begun.clear()
    painter.may_end.set()
    await painter.has_begun.wait()
    painter.tell(Progress(0.2, seconds_left=None))
    assert isinstance(await anext(news), Painting)

    may_tell.set()

    assert not [told async for told in news if isinstance(told, Queued)]


async def test_telling_a_long_queue_its_positions_asks_for_the_speed_once(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy evening must not keep the painter waiting for the ledger."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=0)
    await painter.has_begun.wait()
    watched = [atelier.queue.watch((await atelier.submit(user_id)).id) for user_id in range(1, 9)]
    for news in watched:
        await anext(news)
    asked: list[object] = []

    async def count(options: object) -> float:
        asked.append(options)
        return 1.0

    monkeypatch.setattr(atelier.queue.ledger, "seconds_per_megapixel", count)
    await atelier.submit(user_id=9)
    for news in watched:
        await anext(news)

    assert len(asked) == 1


async def test_progress_reaches_every_watcher_and_slow_ones_get_the_newest(opened: Open) -> None:
    """A watcher that edits a message every few seconds must not work off a backlog."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    job = await atelier.submit()
    await painter.has_begun.wait()
    slow = atelier.queue.watch(job.id)
    assert isinstance(await anext(slow), Painting)

    for fraction in (0.2, 0.4, 0.6):
        painter.tell(Progress(fraction, seconds_left=10 * fraction, preview=b"a preview" if fraction < 0.3 else None))

    async with asyncio.timeout(20):
        seen = [await anext(slow)]
        while seen[-1] != Painting(0.6, 6.0, b"a preview"):
            seen.append(await anext(slow))
    assert len(seen) <= 3


async def test_cancelling_a_queued_job_paints_nothing(opened: Open) -> None:
    """It simply leaves the line."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    job = await atelier.submit(user_id=2)

    assert await atelier.queue.cancel(job.id)

    assert await atelier.last_news(job) == Cancelled()
    painter.may_end.set()
    await atelier.last_news(await atelier.submit(user_id=3))
    assert len(painter.orders) == 2


async def test_cancelling_a_job_in_hand_frees_the_painter(opened: Open) -> None:
    """The next job begins at once, and no result follows."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    job = await atelier.submit(user_id=1)
    await painter.has_begun.wait()

    assert await atelier.queue.cancel(job.id)

    assert await atelier.last_news(job) == Cancelled()
    painter.may_end.set()
    assert await atelier.last_news(await atelier.submit(user_id=2)) == Painted()
    assert (await atelier.queue.ledger.job(job.id)).result is None
    assert not await atelier.queue.cancel(job.id)


async def test_a_refusal_of_the_engine_is_told_as_it_is(opened: Open) -> None:
    """Its sentence is meant for the person."""

    def refuse(*_: object) -> None:
        raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.")

    atelier = await opened(FakePainter(refuse))

    news = await atelier.last_news(await atelier.submit())

    assert news == Failed("There is not enough memory to paint at this size; choose a smaller one.")


async def test_a_bug_is_logged_under_a_reference_and_stops_nobody_else(
    opened: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """The person gets the reference, the operator the traceback, the next person a picture."""

    def break_once(painter: FakePainter, _: object) -> None:
        if len(painter.orders) == 1:
            raise ZeroDivisionError("a bug")

    atelier = await opened(FakePainter(break_once))

    news = await atelier.last_news(await atelier.submit(user_id=1))

    assert isinstance(news, Failed)
    reference = news.sentence.partition("reference ")[2][:8]
    assert reference in caplog.text
    assert "a bug" in caplog.text
    assert "a bug" not in news.sentence
    assert await atelier.last_news(await atelier.submit(user_id=2)) == Painted()


async def test_a_ledger_that_is_locked_for_a_while_loses_no_painting(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup that holds the file costs patience, not minutes of painting and not the bot."""
    monkeypatch.setattr("bot.queue.PATIENCE_SECONDS", (0.0, 0.0))
    painter = FakePainter()
    atelier = await opened(painter)
    finish, refusals = atelier.queue.ledger.finish, [LedgerUnusable("Locked."), LedgerUnusable("Locked.")]

    async def refuse_twice(job: Job, result: bytes, picture: Picture) -> bool:
        if refusals:
            raise refusals.pop()
        return await finish(job, result, picture)

    monkeypatch.setattr(atelier.queue.ledger, "finish", refuse_twice)

    assert await atelier.last_news(await atelier.submit()) == Painted()
    assert len(painter.orders) == 1


async def test_a_late_look_at_one_job_does_not_stop_the_next(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker would leave it and live on, so that it would be "painting" until the next start."""
    painter = FakePainter(lambda painter, _: painter.may_end.clear())
    atelier = await opened(painter)
    first = await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    second = await atelier.submit(user_id=2)
    find, asked, may_answer, answered = atelier.queue.ledger.find, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def answer_late(job_ids: Collection[str]) -> Sequence[Job]:
        if first.id not in job_ids:
            return await find(job_ids)
        asked.set()
        await may_answer.wait()
        jobs = await find(job_ids)
        answered.set()
        return jobs

    monkeypatch.setattr(atelier.queue.ledger, "find", answer_late)
    await atelier.queue.wire.tell(Changed(first.id, JobState.PAINTING))
    await asked.wait()
    painter.has_begun.clear()
    painter.may_end.set()
    await painter.has_begun.wait()

    may_answer.set()
    await answered.wait()
    painter.may_end.set()

    async with asyncio.timeout(20):
        assert await atelier.last_news(second) == Painted()


async def test_however_many_begin_to_watch_the_line_is_asked_for_together(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start with a long line would else be busy counting it for each of its jobs, and paint nothing meanwhile."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=0)
    await painter.has_begun.wait()
    jobs = [await atelier.submit(user_id) for user_id in range(1, 21)]
    waiting, questions = atelier.queue.ledger.waiting, 0

    async def count() -> Sequence[Job]:
        nonlocal questions
        questions += 1
        return await waiting()

    monkeypatch.setattr(atelier.queue.ledger, "waiting", count)

    news = await asyncio.gather(*(anext(atelier.queue.watch(job.id)) for job in jobs))

    assert news == [Queued(position) for position in range(1, 21)]
    assert questions < 10


async def test_who_begins_to_watch_while_the_ledger_is_locked_hears_the_end_all_the_same(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the picture would be posted only after the bot's next start."""
    monkeypatch.setattr("bot.queue.DOUBT_SECONDS", 0.05)
    atelier = await opened(FakePainter())
    job = await atelier.submit()
    await atelier.news(job)
    find, refusals = atelier.queue.ledger.job, [LedgerUnusable("Locked.")]

    async def refuse_once(job_id: str) -> Job:
        if refusals:
            raise refusals.pop()
        return await find(job_id)

    monkeypatch.setattr(atelier.queue.ledger, "job", refuse_once)

    assert await atelier.last_news(job) == Painted()
    assert refusals == []


async def test_a_ledger_that_stays_unusable_ends_the_worker_with_its_sentence(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads what is wrong; nothing is marked as failed, so all is painted when it is mended."""
    monkeypatch.setattr("bot.queue.PATIENCE_SECONDS", (0.0,))
    atelier = await opened(FakePainter())

    async def refuse(*_: object) -> bool:
        raise LedgerUnusable("The disk is full.")

    monkeypatch.setattr(atelier.queue.ledger, "finish", refuse)
    job = await atelier.submit()

    with pytest.raises(LedgerUnusable, match="disk is full"):
        await atelier.worker

    assert (await atelier.queue.ledger.job(job.id)).state is JobState.PAINTING


async def test_an_accepted_job_stays_accepted_when_positions_cannot_be_told(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Positions are a courtesy; a person who is told "refused" would send it twice."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    await atelier.submit(user_id=1)
    await painter.has_begun.wait()
    news = atelier.queue.watch((await atelier.submit(user_id=2)).id)
    await anext(news)

    async def refuse() -> list[Job]:
        raise LedgerUnusable("Locked.")

    monkeypatch.setattr(atelier.queue.ledger, "waiting", refuse)
    job = await atelier.submit(user_id=3)

    assert (await atelier.queue.ledger.job(job.id)).state is JobState.QUEUED


async def test_a_job_that_keeps_killing_the_bot_is_given_up(opened: Open) -> None:
    """Otherwise one poisonous picture would stop the queue for ever."""
    poison: Job | None = None
    for _ in range(MAX_DEATHS):
        hanging = FakePainter()
        hanging.may_end.clear()
        atelier = await opened(hanging)
        poison = poison or await atelier.submit()
        await hanging.has_begun.wait()
        await atelier.kill()

    after = await opened(FakePainter())

    assert poison is not None
    assert isinstance(await after.last_news(poison), Failed)
    assert after.painter.orders == []


async def test_watching_an_ended_job_tells_the_end_at_once(opened: Open) -> None:
    """A page that is opened again shows what became of the job."""
    atelier = await opened(FakePainter())
    job = await atelier.submit()
    await atelier.news(job)

    assert await atelier.news(job) == [Painted()]


async def test_watching_an_unknown_job_is_refused(opened: Open) -> None:
    """A link of last year."""
    atelier = await opened(FakePainter())

    with pytest.raises(UnknownJob):
        await anext(atelier.queue.watch("0123456789ab"))


async def test_the_time_left_comes_from_measured_speed(opened: Open) -> None:
    """Two jobs of two seconds each are four seconds; before the first there is no guess."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    job = await atelier.submit()
    assert await atelier.queue.seconds_until_painted(job.options) is None
    painter.may_end.set()
    await atelier.news(job)
    painter.may_end.clear()
    painter.has_begun.clear()
    await atelier.submit()
    await painter.has_begun.wait()

    assert await atelier.queue.seconds_until_painted(job.options) == pytest.approx(4.0, abs=1.0)


@pytest.mark.parametrize(("seconds_left", "is_waited_for"), [(0.2, True), (60.0, False), (None, False)])
async def test_at_a_stop_a_job_that_is_soon_done_is_finished(
    opened: Open, seconds_left: float | None, is_waited_for: bool
) -> None:
    """Whatever takes longer, or nobody knows how long, goes back to its place; and no further job is begun."""
    painter = FakePainter()
    painter.may_end.clear()
    atelier = await opened(painter)
    in_hand, waiting = await atelier.submit(user_id=1), await atelier.submit(user_id=2)
    await painter.has_begun.wait()
    news = atelier.queue.watch(in_hand.id)
    painter.tell(Progress(0.9, seconds_left))
    async with asyncio.timeout(20):
        while await anext(news) != Painting(0.9, seconds_left):
            pass

    draining = asyncio.create_task(atelier.queue.drain(seconds=30.0))
    _, unfinished = await asyncio.wait([draining], timeout=1.0)
    painter.may_end.set()

    assert bool(unfinished) == is_waited_for
    await draining
    assert await atelier.last_news(in_hand) == Painted()
    assert (await atelier.queue.ledger.job(waiting.id)).state is JobState.QUEUED
