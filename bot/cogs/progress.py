"""A job's live message: its place in line, its progress with a small preview, and its end."""

import asyncio
import contextlib
import io
import logging
from typing import Protocol

import discord

from bot.cogs import wording
from bot.cogs.cancel import cancel_view
from bot.cogs.delivery import Courier
from bot.cogs.places import TROUBLE, Place, place_of
from bot.cogs.refusals import sentence_for
from bot.jobs import Job, News, Painting, Queued
from bot.service import StyleService

logger = logging.getLogger(__name__)

FAREWELL_SECONDS = 2.0
"""At a stop, so long is taken to tell everybody who waits."""


class Pace(Protocol):
    """How often Discord is troubled (a part of the configuration)."""

    @property
    def edit_seconds(self) -> float:
        """Between two edits of one message."""

    @property
    def preview_seconds(self) -> float:
        """Between two previews."""


class ProgressBoard:
    """Follows every open job until its person has been told; holds one task per job."""

    def __init__(self, client: discord.Client, service: StyleService, pace: Pace) -> None:
        self._client = client
        self._service = service
        self._pace = pace
        self._courier = Courier(client, service)
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, tuple[Job, Place]] = {}
        self._is_closed = False

    def follow(self, job: Job) -> None:
        """Keep the job's message alive, and deliver its picture."""
        if self._is_closed:  # a command that was still being answered; the next start takes its job up
            return
        task = asyncio.create_task(self._follow(job), name=f"follow {job.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop following, and say so; jobs that are not told yet are followed again after the next start."""
        self._is_closed = True
        waiting = list(self._waiting.values())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        farewells = [asyncio.create_task(self._bid_farewell(job, place)) for job, place in waiting]
        if farewells:
            _, late = await asyncio.wait(farewells, timeout=FAREWELL_SECONDS)
            for farewell in late:
                farewell.cancel()

    async def _bid_farewell(self, job: Job, place: Place) -> None:
        with contextlib.suppress(discord.HTTPException, *TROUBLE):
            await place.edit(wording.restarting(job), view=cancel_view(job.id))

    async def _follow(self, job: Job) -> None:
        place = place_of(self._client, job.address)
        try:
            news = await self._show_until_the_end(job, place)
            await self._courier.conclude(job, place, news)
        except Exception as error:  # noqa: BLE001  # a border: one job's trouble must not pass unseen
            logger.error("stopped following job %s; it will be taken up again at the next start", job.id)
            sentence = sentence_for(error)
            with contextlib.suppress(discord.HTTPException, *TROUBLE):
                await place.edit(sentence)

    async def _show_until_the_end(self, job: Job, place: Place) -> News:
        live = LiveMessage(job, place, self._pace)
        self._waiting[job.id] = job, place
        end: News | None = None
        editing = asyncio.create_task(live.keep_edited(), name=f"edit {job.id}")
        try:
            async for news in self._service.watch(job.id):
                if isinstance(news, Queued | Painting):
                    live.show(news)
                else:
                    end = news
        finally:
            del self._waiting[job.id]
            # The end does not wait for an edit that Discord holds back.
            editing.cancel()
            await asyncio.gather(editing, return_exceptions=True)
        if end is None:
            raise RuntimeError(f"the news of job {job.id} stopped before its end")
        return end


class LiveMessage:
    """Shows the newest news only, no faster than the pace allows, and only when something has changed."""

    def __init__(self, job: Job, place: Place, pace: Pace) -> None:
        self._job = job
        self._place = place
        self._pace = pace
        self._news: Queued | Painting | None = None
        self._preview: bytes | None = None
        self._has_news = asyncio.Event()

    def show(self, news: Queued | Painting) -> None:
        """Take the news; what it replaces before an edit is never seen."""
        self._news = news
        if isinstance(news, Painting) and news.preview:
            self._preview = news.preview
        self._has_news.set()

    async def keep_edited(self) -> None:
        """Edit until cancelled, or until the message is out of reach."""
        clock = asyncio.get_running_loop().time
        shown = ""
        next_preview_at = clock()
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            text = wording.progress(self._job, self._news) if self._news else shown
            has_preview = self._preview is not None and clock() >= next_preview_at
            if text == shown and not has_preview:
                continue
            if has_preview:
                next_preview_at = clock() + self._pace.preview_seconds
            if not await self._edit(text, self._take_preview() if has_preview else None):
                return
            shown = text
            await asyncio.sleep(self._pace.edit_seconds)

    def _take_preview(self) -> list[discord.File] | None:
        if self._preview is None:
            return None
        preview, self._preview = io.BytesIO(self._preview), None
        is_spoiler = bool(self._job.address.detail.get("is_spoiler"))
        return [discord.File(preview, "preview.jpg", spoiler=is_spoiler, description="The picture as it is now")]

    async def _edit(self, text: str, files: list[discord.File] | None) -> bool:
        """Whether it makes sense to edit again."""
        try:
            await self._place.edit(text, files, cancel_view(self._job.id))
        except TROUBLE as trouble:
            logger.info("could not edit the message of job %s: %s", self._job.id, trouble)
        except discord.HTTPException as refusal:
            # Deleted, out of sight, or the token is over: the job goes on, only its progress is not shown.
            logger.info("no longer editing the message of job %s: %s", self._job.id, refusal)
            return False
        return True
