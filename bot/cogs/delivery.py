"""The end of a job: its picture posted, or one sentence, so that its person is told once, whatever Discord does."""

import asyncio
import contextlib
import io
import logging
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, repeat

import discord

from bot.cogs import wording
from bot.cogs.places import TROUBLE, Place, Post, post_directly
from bot.jobs import Cancelled, Encoded, Failed, Job, JobError, News
from bot.service import StyleService
from engine.errors import EngineError

logger = logging.getLogger(__name__)

PAUSES_SECONDS = (5, 30, 120, 300)
"""Between attempts while Discord has troubles of its own; the last one repeats."""


class Courier:
    """Tells people how their jobs ended."""

    def __init__(self, client: discord.Client, service: StyleService) -> None:
        self._client = client
        self._service = service

    async def conclude(self, job: Job, place: Place, news: News) -> None:
        """Deliver the picture or say why there is none, and note that the person has been told.

        Returns when nothing more can be done about it.
        """
        for pause in chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])):
            try:
                await self._conclude(job, place, news)
            except TROUBLE as trouble:
                logger.warning("could not tell about job %s, trying again in %d s: %s", job.id, pause, trouble)
                await asyncio.sleep(pause)
            else:
                return

    async def _conclude(self, job: Job, place: Place, news: News) -> None:
        if isinstance(news, Cancelled):
            await self._say(place, "Cancelled.")
            await self._service.told(job.id)
        elif isinstance(news, Failed):
            await self._fail(job, place, news.sentence)
        else:
            await self._deliver(await self._service.job(job.id), place)

    async def _deliver(self, job: Job, place: Place) -> None:
        try:
            result = await self._service.result(job.id)
        except (JobError, EngineError) as refusal:
            await self._fail(job, place, str(refusal))
            return
        message = await self._post(job, place, wording.delivery(job), result)
        # At once: whatever fails or crashes from here on must not post the picture a second time.
        await self._service.told(job.id)
        with contextlib.suppress(*TROUBLE):
            await self._say(place, wording.delivered(job, message.jump_url) if message else wording.undeliverable())

    async def _fail(self, job: Job, place: Place, sentence: str) -> None:
        if not await self._say(place, sentence):
            await self._post(job, place, f"<@{job.owner.user_id}> {sentence}")
        await self._service.told(job.id)

    async def _say(self, place: Place, sentence: str) -> bool:
        """Reduce the progress message to a sentence; whether it is still there."""
        try:
            await place.edit(sentence, files=[])
        except TROUBLE:
            raise
        except discord.HTTPException:
            return False
        return True

    async def _post(self, job: Job, place: Place, text: str, result: Encoded | None = None) -> discord.Message | None:
        """In its place, else directly to the person; None if Discord refuses both for good."""
        directly = f"{text}\n{wording.detour()}"
        ways: Iterable[tuple[str, Callable[[Post], Awaitable[discord.Message]]]] = (
            (text, place.post),
            (directly, lambda post: post_directly(self._client, post)),
        )
        for words, send in ways:
            file = self._file(job, result) if result else None
            try:
                return await send(Post(words, job.owner.user_id, nonce=job.id, file=file))
            except TROUBLE:
                raise
            except discord.HTTPException as refusal:
                logger.warning("Discord refuses the answer to job %s: %s", job.id, refusal)
        return None

    def _file(self, job: Job, result: Encoded) -> discord.File:
        """A new one for every attempt: discord.py closes what it has sent."""
        name = f"atelier-{job.id}.{result.extension}"
        is_spoiler = bool(job.address.detail.get("is_spoiler"))
        return discord.File(io.BytesIO(result.data), name, spoiler=is_spoiler, description=wording.alt_text(job))
