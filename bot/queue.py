"""The queue: a worker and the news of every job, over a ledger that alone knows order and state.

One class serves one process or twenty: the processes share a ledger, and a wire tells each when to look into it. Wires
may lose what they carry, so everything is looked up again now and then.
"""

import asyncio
import logging
import secrets
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from threading import Event as Flag
from typing import Final, TypeVar

from bot import fairness
from bot.jobs import (
    LAST_NEWS,
    Cancelled,
    Changed,
    Event,
    Failed,
    Job,
    JobError,
    JobState,
    LedgerUnusable,
    Missed,
    News,
    OpenLimits,
    Painted,
    Painting,
    PaintOrder,
    Progress,
    Progressed,
    Queued,
    Retention,
)
from bot.protocols import Decoder, Ledger, Painter, Wire
from bot.upkeep import Upkeep
from engine.errors import EngineError
from engine.options import Options

T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""How long the worker waits between its attempts to use a ledger that is locked, full or away, before it gives up."""
DOUBT_SECONDS: Final = 5.0
"""Between two looks at everything that a lost event may have hidden."""
IN_LINE: Final = (JobState.ACCEPTED, JobState.QUEUED)
COALESCE_SECONDS: Final = 0.02
"""A burst of changes is told at once."""


class LedgerQueue:
    """Fulfils `bot.protocols.Queue`.

    Args:
        ledger: shared by all processes.
        wire: tells them when to look.
        worker: this process's name, which no other bears or has borne.
        silence_seconds: a worker whose heart stands still for so long is dead; None: this process is alone, so that
            every other worker in the ledger is.
        retention: how long ended jobs are kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        wire: Wire,
        worker: str,
        *,
        silence_seconds: float | None = None,
        retention: Retention | None = None,
    ) -> None:
        self.ledger = ledger
        self.wire = wire
        self.worker = worker
        self._is_alone = silence_seconds is None
        self._upkeep = Upkeep(ledger, wire, silence_seconds, retention)
        self._watchers: defaultdict[str, set[_Watcher]] = defaultdict(set)
        self._heard: dict[str, tuple[Painting, float]] = {}
        self._work_waits = asyncio.Event()
        self._job: Job | None = None
        self._stop = Flag()
        self._is_leaving = False
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._progress: Progress | None = None
        self._has_progress = asyncio.Event()
        self._stale: set[str] = set()
        self._unseen_previews: set[str] = set()
        self._line_moved = True
        self._stirred = asyncio.Event()

    # What front-ends ask

    async def submit(self, job: Job, pictures: Mapping[str, bytes], limits: OpenLimits) -> None:
        """Put the job into the ledger and wake a worker."""
        await self.ledger.accept(job, pictures, limits)
        try:
            await self.ledger.enqueue(job.id)
        except LedgerUnusable as error:  # what was accepted is safe: upkeep brings it into the line
            log.warning("job %s is not in line yet: %s", job.id, error)
        await self.wire.tell(Changed(job.id, JobState.QUEUED))

    async def cancel(self, job_id: str) -> bool:
        """Take the job out, or stop its painting; False if it is too late for that."""
        if not await self.ledger.cancel(job_id):
            return False
        if self._job and self._job.id == job_id:
            self._stop.set()
        await self.wire.tell(Changed(job_id, JobState.CANCELLED))
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
            with suppress(LedgerUnusable):  # it passes: all who watch are looked up now and then
                job = await self.ledger.job(job_id)
                if job.state in IN_LINE:  # all who begin to watch at once are told together
                    self._line_moved = True
                    self._stirred.set()
                elif not watcher.has_news:  # nothing overtook the ledger's answer
                    watcher.tell(self._news_of(job))
            while True:
                news = await watcher.next()
                yield news
                if isinstance(news, LAST_NEWS):
                    return
        finally:
            self._watchers[job_id].discard(watcher)
            if not self._watchers[job_id]:
                del self._watchers[job_id]

    # What runs beside them

    async def run(self) -> None:
        """Hear of other processes, tell watchers, and look after what the dead left, until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.wire.listen(self._hear), name="listen")
                group.create_task(self._tell_watchers(), name="tell watchers")
                group.create_task(self._doubt(), name="doubt")
                group.create_task(self._upkeep.run(), name="upkeep")
        except* JobError as refusals:
            raise refusals.exceptions[0] from None  # as one: its sentence is for the operator

    async def run_worker(self, painter: Painter, decoder: Decoder) -> None:
        """Paint jobs one after another until cancelled; a job in hand is then handed back."""
        if self._is_alone:
            await self._insist(self._upkeep.bury_predecessors)
        telling = asyncio.create_task(self._tell_progress(), name="tell progress")
        try:
            while True:
                self._work_waits.clear()
                job = None if self._is_leaving else await self._insist(partial(self.ledger.begin_next, self.worker))
                if job is None:
                    await self._work_waits.wait()
                    continue
                await self._take(job, painter, decoder)
        except asyncio.CancelledError:
            await self._hand_back()
            raise
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    async def drain(self, seconds: float) -> None:
        """Begin no further job; wait for the one in hand if it is expected to be done within that time."""
        self._is_leaving = True
        left = self._heard[self._job.id][0].seconds_left if self._job and self._job.id in self._heard else None
        if left is not None and left <= seconds:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_idle.wait(), seconds)

    # The worker

    async def _take(self, job: Job, painter: Painter, decoder: Decoder) -> None:
        self._job, self._stop, self._progress = job, Flag(), None
        self._is_idle.clear()
        try:
            await self.wire.tell(Changed(job.id, JobState.PAINTING))
            await self._paint(job, painter, decoder)
        finally:
            self._job = None
            self._is_idle.set()

    async def _hand_back(self) -> None:
        """What the ledger says is in this worker's hand, and so also what it began while the stop came."""
        for job in await self.ledger.painting():
            if job.worker == self.worker and await self.ledger.hand_back(job):
                await self.wire.tell(Changed(job.id, JobState.QUEUED))

    async def _paint(self, job: Job, painter: Painter, decoder: Decoder) -> None:
        try:
            content, style = [
                await decoder.pixels(await self._insist(partial(self.ledger.picture, picture)))
                for picture in (job.content, job.style)
            ]
            order = PaintOrder(content, style, job.options)
            picture = await painter.paint(order, self._on_progress, self._stop)
            if picture is None:
                return  # cancelled, or given away: the ledger knows
            result = await decoder.encode(picture.pixels)
            if await self._insist(partial(self.ledger.finish, job, result.data, picture)):
                await self.wire.tell(Changed(job.id, JobState.PAINTED))
        except LedgerUnusable:
            raise  # no fault of the job
        except EngineError as error:
            await self._fail(job, str(error))
        except Exception:  # the worker's border: one bad job must not stop the queue
            reference = secrets.token_hex(4)
            log.exception("job %s failed, reference %s", job.id, reference)
            await self._fail(job, f"Something went wrong while painting (reference {reference}); please try again.")

    async def _fail(self, job: Job, sentence: str) -> None:
        if await self._insist(partial(self.ledger.fail, job, sentence)):
            await self.wire.tell(Changed(job.id, JobState.FAILED))

    async def _insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What the ledger answers, asked again while it is unusable: a lock goes, a disk is tidied up."""
        for seconds in PATIENCE_SECONDS:
            try:
                return await ask()
            except LedgerUnusable as error:
                log.warning("%s The worker tries again in %.0f s.", error, seconds)
            await asyncio.sleep(seconds)
        return await ask()

    def _on_progress(self, progress: Progress) -> None:
        preview = progress.preview or (self._progress.preview if self._progress else None)
        self._progress = replace(progress, preview=preview)
        self._has_progress.set()

    async def _tell_progress(self) -> None:
        """The newest only, one after another: a slow wire makes them rarer, not later."""
        while True:
            await self._has_progress.wait()
            self._has_progress.clear()
            progress, self._progress, job = self._progress, None, self._job
            if progress is None or job is None or self._stop.is_set():
                continue
            news = Painting(progress.fraction, progress.seconds_left, progress.preview)
            if progress.preview is not None and not self.wire.carries_previews:
                with suppress(LedgerUnusable):
                    await self.ledger.keep_preview(job, progress.preview)
            await self.wire.tell(Progressed(job.id, news, has_preview=progress.preview is not None))

    # News

    def _hear(self, event: Event) -> None:
        match event:
            case Changed(job_id, state):
                self._stale.add(job_id)
                self._line_moved = True
                if state is not JobState.PAINTING:
                    self._heard.pop(job_id, None)
                if state is JobState.QUEUED:
                    self._work_waits.set()
            case Progressed(job_id, news, has_preview):
                self._hear_progress(job_id, news)
                if has_preview and news.preview is None and job_id in self._watchers:
                    self._unseen_previews.add(job_id)
            case Missed():
                self._doubt_everything()
        self._stirred.set()

    def _hear_progress(self, job_id: str, news: Painting) -> None:
        known, _ = self._heard.get(job_id, (news, 0.0))
        news = replace(news, preview=news.preview or known.preview)
        self._heard[job_id] = news, time.monotonic()
        self._publish(job_id, news)

    def _doubt_everything(self) -> None:
        self._stale.update(self._watchers)
        if self._job:
            self._stale.add(self._job.id)
        self._line_moved = True
        self._work_waits.set()
        self._stirred.set()

    async def _doubt(self) -> None:
        while True:
            await asyncio.sleep(DOUBT_SECONDS)
            self._doubt_everything()

    async def _tell_watchers(self) -> None:
        """Look up what has changed, and tell whoever watches it."""
        while True:
            await self._stirred.wait()
            await asyncio.sleep(COALESCE_SECONDS)
            self._stirred.clear()
            stale, self._stale = self._stale, set()
            unseen, self._unseen_previews = self._unseen_previews, set()
            line_moved, self._line_moved = self._line_moved, False
            try:
                if stale:
                    await self._look_up(stale)
                for job_id in unseen:
                    await self._show_preview(job_id)
                if line_moved:
                    await self._publish_positions()
            except LedgerUnusable as error:
                log.warning("%s Nobody was told their news; they are looked up again.", error)

    async def _look_up(self, job_ids: Collection[str]) -> None:
        """Tell what became of these; positions are told together, elsewhere."""
        own, stop = self._job, self._stop  # while the ledger is asked, the next may begin
        for job in await self.ledger.find(job_ids):
            if own and job.id == own.id and (job.lease, job.state) != (own.lease, JobState.PAINTING):
                stop.set()
            if job.state not in IN_LINE:
                self._publish(job.id, self._news_of(job))

    async def _show_preview(self, job_id: str) -> None:
        preview = await self.ledger.preview(job_id)
        if preview is not None and job_id in self._heard:
            self._hear_progress(job_id, replace(self._heard[job_id][0], preview=preview))

    def _publish(self, job_id: str, news: News) -> None:
        for watcher in self._watchers.get(job_id, ()):
            watcher.tell(news)

    async def _publish_positions(self) -> None:
        """Everybody who waits and is watched hears where they stand now."""
        waiting = await self.ledger.waiting()
        if not any(job.id in self._watchers for job in waiting):
            return
        seconds_left = await self._seconds_left([job.options for job in waiting])
        for position, (job, seconds) in enumerate(zip(waiting, seconds_left, strict=True), 1):
            has_begun = job.id in self._heard or (self._job is not None and job.id == self._job.id)
            if not has_begun:  # since the ledger answered
                self._publish(job.id, Queued(position, seconds))

    def _news_of(self, job: Job) -> News:
        """Of one that does not wait any more."""
        match job.state:
            case JobState.PAINTING:
                return self._heard[job.id][0] if job.id in self._heard else Painting(0.0)
            case JobState.PAINTED | JobState.DELIVERING | JobState.DELIVERED:
                return Painted()
            case JobState.CANCELLED:
                return Cancelled()
            case _:
                return Failed(job.note or "")

    async def _seconds_left(self, orders: Sequence[Options]) -> Sequence[float | None]:
        """Until each of these is painted, behind those in hand; None where no speed is known."""
        painting = await self.ledger.painting()
        self._heard = {job.id: self._heard[job.id] for job in painting if job.id in self._heard}
        rates = {
            options.quality: await self.ledger.seconds_per_megapixel(options)
            for options in {order.quality: order for order in (*orders, *(job.options for job in painting))}.values()
        }

        def seconds(options: Options) -> float | None:
            rate = rates[options.quality]
            return None if rate is None else rate * options.size**2 / 1e6

        in_hand = [self._seconds_in_hand(job, seconds(job.options) or 0.0) for job in painting]
        painters = 1 if self._is_alone else len(await self.ledger.beats())
        return fairness.seconds_left(in_hand, [seconds(order) for order in orders], painters)

    def _seconds_in_hand(self, job: Job, usual: float) -> float:
        """What a job that is being painted still takes: as its worker says, else as such jobs usually do."""
        if job.id in self._heard:
            news, at = self._heard[job.id]
            if news.seconds_left is not None:
                return max(0.0, news.seconds_left - (time.monotonic() - at))
        return max(0.0, usual - (time.time() - (job.started_at or time.time())))


class _Watcher:
    """One reader's newest unread news: a slow reader skips, and nobody waits for it."""

    def __init__(self) -> None:
        self._unread: News | None = None
        self._told: News | None = None
        self._arrived = asyncio.Event()

    @property
    def has_news(self) -> bool:
        return self._unread is not None

    def tell(self, news: News) -> None:
        is_new = news != (self._unread or self._told)
        if is_new and not isinstance(self._unread, LAST_NEWS):
            self._unread = news
            self._arrived.set()

    async def next(self) -> News:
        await self._arrived.wait()
        self._arrived.clear()
        news, self._unread = self._unread, None
        assert news is not None  # noqa: S101  # set before the event, always
        self._told = news
        return news
