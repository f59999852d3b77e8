"""The queue inside one process: asyncio over the ledger, one worker, and the news of every job."""

import asyncio
import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from threading import Event
from typing import Final, TypeVar

from bot.jobs import (
    LAST_NEWS,
    Cancelled,
    Decoder,
    Failed,
    Job,
    JobState,
    Ledger,
    LedgerUnusable,
    News,
    Painted,
    Painter,
    Painting,
    PaintOrder,
    Progress,
    Queued,
)
from engine.errors import EngineError
from engine.options import Options

T = TypeVar("T")

log = logging.getLogger(__name__)

MAX_ATTEMPTS: Final = 3
"""A job whose painting killed the bot so often is not begun again."""
PATIENCE_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""How long the worker waits between its attempts to use a ledger that is locked or full, before it gives up."""


class LocalQueue:
    """Fulfils `bot.jobs.Queue`. The ledger alone knows the order; here are only the worker and the watchers."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._work_waits = asyncio.Event()
        self._watchers: defaultdict[str, set[_Watcher]] = defaultdict(set)
        self._job: Job | None = None
        self._stop = Event()
        self._news = Painting(0.0)
        self._telling_positions = asyncio.Lock()

    async def submit(self, job: Job, pictures: Mapping[str, bytes], open_limit: int) -> None:
        """Put the job into the ledger and wake the worker."""
        await self.ledger.add(job, pictures, open_limit)
        self._work_waits.set()
        await self._publish_positions()

    async def cancel(self, job_id: str) -> bool:
        """Take the job out, or stop its painting; False if it is too late for that."""
        if not await self.ledger.cancel(job_id):
            return False
        if self._job and self._job.id == job_id:
            self._stop.set()
        self._publish(job_id, Cancelled())
        await self._publish_positions()
        return True

    async def position(self, job_id: str) -> int:
        """1 is painted next; 0 is being painted, or over."""
        waiting = [job.id for job in await self.ledger.waiting()]
        return waiting.index(job_id) + 1 if job_id in waiting else 0

    async def seconds_until_painted(self, options: Options) -> float | None:
        """How long a job with these options would take if it came now; None before anything was measured."""
        return (await self._seconds_left([*(job.options for job in await self.ledger.waiting()), options]))[-1]

    async def watch(self, job_id: str) -> AsyncIterator[News]:
        """The job's news from now on, beginning with where it stands, ending after one of `LAST_NEWS`."""
        watcher = _Watcher()
        self._watchers[job_id].add(watcher)
        try:
            standing = await self._standing(job_id)
            if not watcher.has_news:  # nothing overtook the ledger's answer
                watcher.tell(standing)
            while True:
                news = await watcher.next()
                yield news
                if isinstance(news, LAST_NEWS):
                    return
        finally:
            self._watchers[job_id].discard(watcher)
            if not self._watchers[job_id]:
                del self._watchers[job_id]

    async def run_worker(self, painter: Painter, decoder: Decoder) -> None:
        """Paint jobs one after another until cancelled; a job in hand is then handed back."""
        recovered = await self.ledger.recover()
        if recovered:
            log.info("%d interrupted job(s) are queued again", recovered)
        while True:
            self._work_waits.clear()
            job = await self._insist(self.ledger.begin_next)
            if job is None:
                await self._work_waits.wait()
                continue
            self._job, self._stop, self._news = job, Event(), Painting(0.0)
            try:
                self._publish(job.id, self._news)
                await self._publish_positions()
                await self._paint(job, painter, decoder)
            except asyncio.CancelledError:
                await self.ledger.hand_back(job.id)
                raise
            finally:
                self._job = None

    async def _paint(self, job: Job, painter: Painter, decoder: Decoder) -> None:
        if job.attempts > MAX_ATTEMPTS:
            await self._fail(job, "Painting this picture stopped the bot several times, so it was given up.")
            return
        try:
            content, style = [
                await decoder.pixels(await self._insist(partial(self.ledger.picture, picture)))
                for picture in (job.content, job.style)
            ]
            order = PaintOrder(content, style, job.options)
            picture = await painter.paint(order, self._on_progress, self._stop)
            if picture is None:
                return  # cancelled: ledger and watchers know
            result = await decoder.encode(picture.pixels)
            if await self._insist(partial(self.ledger.finish, job.id, result.data, picture)):
                self._publish(job.id, Painted())
        except LedgerUnusable:
            raise  # no fault of the job: it is recovered when the bot starts again
        except EngineError as error:
            await self._fail(job, str(error))
        except Exception:  # the worker's border: one bad job must not stop the queue
            reference = secrets.token_hex(4)
            log.exception("job %s failed, reference %s", job.id, reference)
            await self._fail(job, f"Something went wrong while painting (reference {reference}); please try again.")

    async def _fail(self, job: Job, sentence: str) -> None:
        if await self._insist(partial(self.ledger.fail, job.id, sentence)):
            self._publish(job.id, Failed(sentence))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the ledger answers, asked again while it is unusable: a lock goes, and a disk is tidied up."""
        for seconds in PATIENCE_SECONDS:
            try:
                return await ask()
            except LedgerUnusable as error:
                log.warning("%s The worker tries again in %.0f s.", error, seconds)
            await asyncio.sleep(seconds)
        return await ask()

    def _on_progress(self, progress: Progress) -> None:
        if self._job and not self._stop.is_set():
            preview = progress.preview or self._news.preview
            self._news = Painting(progress.fraction, progress.seconds_left, preview)
            self._publish(self._job.id, self._news)

    def _publish(self, job_id: str, news: News) -> None:
        for watcher in self._watchers.get(job_id, ()):
            watcher.tell(news)

    async def _publish_positions(self) -> None:
        """Everybody who waits and is watched hears where they stand now.

        A courtesy that breaks nothing: what was accepted or cancelled stays so if the ledger cannot answer.
        """
        async with self._telling_positions:  # one after another, so that the newest is told last
            try:
                waiting = await self.ledger.waiting()
                seconds_left = await self._seconds_left([job.options for job in waiting])
            except LedgerUnusable as error:
                log.warning("%s Nobody was told their position.", error)
                return
            for position, (job, seconds) in enumerate(zip(waiting, seconds_left, strict=True), 1):
                if self._job is None or job.id != self._job.id:  # it may have begun since the ledger answered
                    self._publish(job.id, Queued(position, seconds))

    async def _standing(self, job_id: str) -> News:
        job = await self.ledger.job(job_id)
        match job.state:
            case JobState.QUEUED:
                waiting = await self.ledger.waiting()
                position = next((index for index, other in enumerate(waiting, 1) if other.id == job_id), 1)
                seconds_left = await self._seconds_left([*(other.options for other in waiting[:position]), job.options])
                return Queued(position, seconds_left[position - 1])
            case JobState.PAINTING:
                return self._news if self._job and self._job.id == job_id else Painting(0.0)
            case JobState.PAINTED | JobState.DELIVERED:
                return Painted()
            case JobState.CANCELLED:
                return Cancelled()
            case JobState.FAILED:
                return Failed(job.note or "")

    async def _seconds_left(self, orders: Sequence[Options]) -> list[float | None]:
        """Until each of these is painted, one after another behind the one in hand; None where no speed is known."""
        in_hand = [self._job.options] if self._job else []
        by_quality = {order.quality: order for order in (*in_hand, *orders)}
        rates = {quality: await self.ledger.seconds_per_megapixel(order) for quality, order in by_quality.items()}
        seconds: float | None = 0.0
        if self._news.seconds_left is not None and in_hand:
            seconds = self._news.seconds_left
        elif in_hand:
            seconds = (rates[in_hand[0].quality] or 0.0) * in_hand[0].size ** 2 / 1e6
        left = []
        for order in orders:
            rate = rates[order.quality]
            seconds = None if rate is None or seconds is None else seconds + rate * order.size**2 / 1e6
            left.append(seconds)
        return left


class _Watcher:
    """One reader's newest unread news: a slow reader skips, and nobody waits for it."""

    def __init__(self) -> None:
        self._unread: News | None = None
        self._arrived = asyncio.Event()

    @property
    def has_news(self) -> bool:
        return self._unread is not None

    def tell(self, news: News) -> None:
        if not isinstance(self._unread, LAST_NEWS):
            self._unread = news
            self._arrived.set()

    async def next(self) -> News:
        await self._arrived.wait()
        self._arrived.clear()
        news, self._unread = self._unread, None
        assert news is not None  # noqa: S101  # set before the event, always
        return news
