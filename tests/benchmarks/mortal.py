"""One process of the fault bench: a bot, a worker or both, as `bot.__main__` builds them, but for Discord and paint.

    python mortal.py STAGE NAME (run|bot|worker) BOT

The painter is scripted and quick; the front-end follows its jobs as `bot.cogs` does and posts to a file.
"""

import argparse
import asyncio
import logging
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from threading import Event as Flag
from typing import Any, Final

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parents[1]))
from fakes import FakeDecoder
from pictures import a_painting
from stage import FRONT_END, Part, Stage, add, lines, painted, picture_of, slot_of

from bot.jobs import (
    LAST_NEWS,
    Address,
    Failed,
    Job,
    JobError,
    LedgerUnusable,
    News,
    Owner,
    PaintOrder,
    Picture,
    Progress,
    Refused,
    Request,
    Retention,
    digest,
)
from bot.ledger import Heart, PostgresWire, SqlLedger, open_ledger
from bot.protocols import Wire
from bot.queue import LedgerQueue
from bot.running import Work, run_until
from bot.service import Limits, StyleService
from bot.styles import Styles
from bot.wires import LocalWire
from engine.errors import OutOfMemory
from engine.images import encode_png

log = logging.getLogger(__name__)

BEATS_OF_SILENCE: Final = 4
"""As in `bot.__main__`, which would load Discord's library for every process."""
STOP_SECONDS: Final = 2.0
PAINT_SECONDS: Final = (0.02, 0.05, 0.08)
PAUSES_SECONDS: Final = (0.5, 1.0, 2.0)
"""Between attempts to tell a person, as the courier has them, but quicker."""
RETRY_SECONDS: Final = 0.5
"""After which a person asks again who was told that the ledger is away."""
LIMITED_SECONDS: Final = 3.0
"""After which a person asks again who has too many jobs in line."""
DOOR_SECONDS: Final = 0.05
KEEP: Final = Retention(inputs_days=1, results_days=7, jobs_days=30)
ROOM_PAGES: Final = 2**31 - 2


def die() -> None:
    """As `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


class ScriptedPainter:
    """Fulfils `bot.protocols.Painter`: tens of milliseconds a picture; some fail, and some kill."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Flag) -> Picture | None:
        """The negative."""
        slot = slot_of(order.content)
        self._stage.tell("begun", slot=slot)
        seconds = PAINT_SECONDS[slot % len(PAINT_SECONDS)]
        on_progress(Progress(0.3, seconds, preview=b"a preview"))
        await asyncio.sleep(seconds)
        match self._stage.parts[slot]:
            case Part.KILLS:
                self._stage.tell("killed by a job", slot=slot)
                die()
            case Part.FAILS:
                raise OutOfMemory(f"Job {slot} fails as it should.")
        return None if stop.is_set() else Picture(painted(order.content), "fake", paint_seconds=seconds)


class Courier:
    """Tells people how their jobs ended, step by step as `bot.cogs.delivery.Courier` does."""

    def __init__(self, stage: Stage, service: StyleService) -> None:
        self._stage = stage
        self._service = service

    async def conclude(self, job: Job, news: News) -> None:
        """Deliver the picture or say why there is none, and note that the person has been told."""
        for pause in chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])):
            try:
                if isinstance(news, Failed):
                    self._post(job, kind="sentence", sentence=news.sentence)
                    await self._service.told(job.id)
                else:
                    await self._deliver(job)
            except LedgerUnusable as trouble:
                log.warning("could not tell about job %s: %s", job.id, trouble)
                await asyncio.sleep(pause)
            else:
                return

    async def _deliver(self, job: Job) -> None:
        try:
            result = await self._service.result(job.id)
        except LedgerUnusable:
            raise  # it passes
        except JobError as refusal:
            self._post(job, kind="sentence", sentence=str(refusal))
            await self._service.give_up(job.id, str(refusal))
            return
        is_first_attempt = await self._service.begin_delivery(job.id)
        if is_first_attempt and self._stage.dies_at(_slot(job), Part.DIES_BEFORE_POST):
            self._stage.tell("killed before the post")
            die()
        if is_first_attempt or not self._is_posted(job):
            self._post(job, kind="picture", digest=digest(result.data))
        else:
            self._stage.tell("found in the channel")
        if is_first_attempt and self._stage.dies_at(_slot(job), Part.DIES_AFTER_POST):
            self._stage.tell("killed after the post")
            die()
        await self._service.delivered(job.id)

    def _is_posted(self, job: Job) -> bool:
        return any(post["job"] == job.id and post["kind"] == "picture" for post in lines(self._stage.channel))

    def _post(self, job: Job, **said: str) -> None:
        add(self._stage.channel, job=job.id, slot=_slot(job), **said)


class FrontEnd:
    """The people of one bot, and whoever follows their jobs."""

    def __init__(self, stage: Stage, bot: int, service: StyleService) -> None:
        self._stage = stage
        self._bot = bot
        self._service = service
        self._courier = Courier(stage, service)
        self._following: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Take up what is untold, then let people ask."""
        for job in await self._service.untold(FRONT_END):
            if job.owner.user_id % self._stage.bots == self._bot:
                self._follow(job)
        self._stage.say_ready()
        asked = {line["slot"] for line in lines(self._stage.accepted)}
        orders: dict[int, asyncio.Queue[int]] = {person: asyncio.Queue() for person in range(self._stage.people)}
        async with asyncio.TaskGroup() as group:
            for slots in orders.values():
                group.create_task(self._ask_one_after_another(slots))
            seen = 0
            while True:
                door = self._stage.door()
                for slot in self._stage.mine(self._bot, range(seen, door)):
                    if slot not in asked:
                        orders[slot % self._stage.people].put_nowait(slot)
                seen = door
                await asyncio.sleep(DOOR_SECONDS)

    async def _ask_one_after_another(self, slots: asyncio.Queue[int]) -> None:
        while True:
            await self._ask(await slots.get())

    async def _ask(self, slot: int) -> None:
        request = Request(
            owner=Owner(user_id=slot % self._stage.people),
            address=Address(FRONT_END, {"slot": slot}),
            content=encode_png(picture_of(slot)),
            style=encode_png(a_painting()),
            size=64,
        )
        while True:
            began = time.monotonic()
            try:
                job = await self._service.submit(request)
                break
            except (Refused, LedgerUnusable) as refusal:
                log.info("job %d is refused: %s", slot, refusal)
                is_limited = isinstance(refusal, Refused)
            await asyncio.sleep(LIMITED_SECONDS if is_limited else RETRY_SECONDS)
        add(self._stage.accepted, slot=slot, job=job.id)
        self._stage.tell("asked", slot=slot, at=began)
        self._follow(job)

    def _follow(self, job: Job) -> None:
        task = asyncio.create_task(self._follow_to_the_end(job), name=f"follow {job.id}")
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _follow_to_the_end(self, job: Job) -> None:
        try:
            async for news in self._service.watch(job.id):
                if isinstance(news, LAST_NEWS):
                    await self._courier.conclude(job, news)
        except Exception as error:  # as the border in `bot.cogs.progress`
            log.exception("stopped following job %s", job.id)
            self._stage.tell("stopped following", why=repr(error))


def _slot(job: Job) -> int:
    return int(job.address.detail["slot"] or 0)


def _watch_the_database(stage: Stage, ledger: SqlLedger) -> None:
    """Tell of its troubles, and let SQLite's disk be full while the stage says so."""

    def tell_trouble(context: sa.engine.ExceptionContext) -> None:
        error = context.original_exception
        stage.tell(
            "trouble",
            why=f"{getattr(error, 'sqlstate', None) or ''} {error}"[:120],
            is_cut=context.is_disconnect or context.connection is None,
        )

    def limit_pages(connection: sa.Connection) -> None:
        pages = 1 if stage.disk_is_full.exists() else ROOM_PAGES  # 1: as many as there are
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

    sa.event.listen(ledger.engine.sync_engine, "handle_error", tell_trouble)
    if stage.silence_seconds is None:
        sa.event.listen(ledger.engine.sync_engine, "begin", limit_pages)


def _clock(stage: Stage, name: str) -> Callable[[], float]:
    """Unix time as that process believes it."""
    believed = 0.0

    def now() -> float:
        nonlocal believed
        offset = stage.clock(name)
        if offset != believed:
            stage.tell("clock jumped", by=offset - believed)
            believed = offset
        return time.time() + offset

    return now


async def live(stage: Stage, name: str, role: str, bot: int) -> None:
    """Build the parts and run them until killed, or stopped by SIGTERM."""
    now, is_cluster = _clock(stage, name), stage.silence_seconds is not None
    async with AsyncExitStack() as parts:
        ledger = await open_ledger(stage.url, now)
        parts.push_async_callback(ledger.close)
        _watch_the_database(stage, ledger)
        wire: Wire = LocalWire()
        if is_cluster:
            wire = PostgresWire(stage.url)
            parts.push_async_callback(wire.close)
        worker = f"{name}-{secrets.token_hex(4)}"
        queue = LedgerQueue(ledger, wire, worker, silence_seconds=stage.silence_seconds, retention=KEEP)
        decoder = FakeDecoder()
        work: list[Callable[[], Any]] = [queue.run, partial(_end_with_the_bench, stage)]  # Any: coroutines
        if role != "bot":
            if stage.silence_seconds is not None:
                heart = Heart(stage.url, worker, stage.silence_seconds / BEATS_OF_SILENCE)
                parts.push_async_callback(asyncio.to_thread, heart.stop)
                heart.start()
            work.append(partial(queue.run_worker, ScriptedPainter(stage), decoder))
        if role == "worker":
            stage.say_ready()
        else:
            service = StyleService(queue, ledger, decoder, Styles([]), Limits(), now)
            work.append(FrontEnd(stage, bot, service).run)
        await _run_until_stopped(work, queue)


async def _end_with_the_bench(stage: Stage) -> None:
    """Whoever ends the bench with -9 leaves nobody behind."""
    while os.getppid() == stage.bench:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(1.0)
    die()


async def _run_until_stopped(work: Sequence[Work], queue: LedgerQueue) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await run_until(stop, work, partial(queue.drain, STOP_SECONDS))


def main(arguments: Sequence[str] | None = None) -> int:
    """Live; 0 stopped as asked, 2 could not start or go on, as `bot.__main__` has it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stage", type=Path)
    parser.add_argument("name")
    parser.add_argument("role", choices=("run", "bot", "worker"))
    parser.add_argument("bot", type=int)
    wishes = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        asyncio.run(live(Stage.load(wishes.stage), wishes.name, wishes.role, wishes.bot))
    except JobError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
