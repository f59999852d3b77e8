"""The end of a job: its picture posted once, or one sentence, whatever Discord, the network or this process do.

`delivering` is committed before the picture is posted. Whoever finds a job in that state, after a crash or a broken
connection, looks for the picture first: in the channel after the progress message, and in the person's own messages.
Where the bot may not read the channel's history, or speaks through a token, it cannot look: there a crash between
posting and its record posts the picture twice.
"""

import asyncio
import contextlib
import io
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from itertools import chain, repeat

import discord

from bot.cogs import wording
from bot.cogs.places import TROUBLE, Place, Post, file_name, find_directly, post_directly
from bot.jobs import Cancelled, Encoded, Failed, Job, JobError, LedgerUnusable, News
from bot.service import StyleService
from engine.errors import EngineError

logger = logging.getLogger(__name__)

PAUSES_SECONDS = (5, 30, 120, 300)
"""Between attempts while Discord has troubles of its own; the last one repeats."""
OUT_OF_REACH_SECONDS = 86400.0
"""After so long of them, nobody waits any more."""


class Courier:
    """Tells people how their jobs ended."""

    def __init__(self, client: discord.Client, service: StyleService) -> None:
        self._client = client
        self._service = service

    async def conclude(self, job: Job, place: Place, news: News) -> None:
        """Deliver the picture or say why there is none, and note that the person has been told.

        Returns when nothing more can be done about it.
        """
        began = time.monotonic()
        for pause in chain(PAUSES_SECONDS, repeat(PAUSES_SECONDS[-1])):
            try:
                await self._conclude(job, place, news)
            except (*TROUBLE, LedgerUnusable) as trouble:
                logger.warning("could not tell about job %s, trying again in %d s: %s", job.id, pause, trouble)
            else:
                return
            if time.monotonic() - began >= OUT_OF_REACH_SECONDS:
                logger.warning("job %s could not be delivered for a day", job.id)
                await self._service.lose_sight(job.id)
                return
            await asyncio.sleep(pause)

    async def _conclude(self, job: Job, place: Place, news: News) -> None:
        if isinstance(news, Cancelled):
            await self._say(place, "Cancelled.")
            await self._service.told(job.id)
        elif isinstance(news, Failed):
            await self._tell_failure(job, place, news.sentence)
            await self._service.told(job.id)
        else:
            await self._deliver(await self._service.job(job.id), place)

    async def _deliver(self, job: Job, place: Place) -> None:
        try:
            result = await self._service.result(job.id)
        except LedgerUnusable:
            raise  # it passes
        except (JobError, EngineError) as refusal:
            await self._tell_failure(job, place, str(refusal))
            await self._service.give_up(job.id, str(refusal))
            return
        is_first_attempt = await self._service.begin_delivery(job.id)
        message = None if is_first_attempt else await self._find(job, place)
        message = message or await self._post(job, place, wording.delivery(job), result)
        if message:
            await self._service.delivered(job.id)
        else:
            await self._service.give_up(job.id, wording.undeliverable())
        with contextlib.suppress(*TROUBLE):
            await self._say(place, wording.delivered(job, message.jump_url) if message else wording.undeliverable())

    async def _find(self, job: Job, place: Place) -> discord.Message | None:
        """The message with the job's picture, if an earlier attempt has posted it and the bot can see it."""
        for look in (place.find, lambda job_id: find_directly(self._client, job.owner.user_id, job_id)):
            try:
                if message := await look(job.id):
                    return message
            except TROUBLE:
                raise
            except discord.HTTPException as refusal:
                logger.info("cannot look for job %s: %s", job.id, refusal)
        return None

    async def _tell_failure(self, job: Job, place: Place, sentence: str) -> None:
        if not await self._say(place, sentence):
            await self._post(job, place, f"<@{job.owner.user_id}> {sentence}")

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
        name = file_name(job.id, result.extension)
        is_spoiler = bool(job.address.detail.get("is_spoiler"))
        return discord.File(io.BytesIO(result.data), name, spoiler=is_spoiler, description=wording.alt_text(job))
