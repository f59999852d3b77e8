"""The style service: everything a front-end may ask, and every rule about it. No framework, no SQL, no torch."""

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bot.jobs import Encoded, Job, News, NotYours, Opened, OpenLimits, Owner, Refused, Request, digest
from bot.preset_files import Preset
from bot.protocols import Decoder, Ledger, Queue
from bot.styles import Styles
from engine.options import MIN_SIZE, Options, Quality

OWN_STYLE: Final = "your painting"
"""What an uploaded style is called in sentences and alt texts."""


@dataclass(frozen=True)
class Limits:
    """The operator's numbers."""

    open_jobs_per_person: int = 3
    open_jobs_per_server: int = 50
    max_size: int = 1024
    default_size: int = 512
    upload_bytes: int = 25 * 2**20
    quality: Quality = "standard"


class StyleService:
    """What may happen to whose job; a front-end translates between this and its own world.

    Every refusal is a `JobError` or an `EngineError` whose text is one sentence for the person.
    """

    def __init__(
        self,
        queue: Queue,
        ledger: Ledger,
        decoder: Decoder,
        styles: Styles,
        limits: Limits,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.queue = queue
        self.ledger = ledger
        self.decoder = decoder
        self.styles = styles
        self.limits = limits
        self._now = now
        self._opened_presets: dict[str, tuple[bytes, Opened]] = {}

    async def admit(self, owner: Owner, *, sizes: Sequence[int], has_style: bool, preset: str | None) -> None:
        """Refuse what can be refused before a byte is fetched.

        Args:
            sizes: bytes of each attached picture, as the front-end was told them.

        Raises:
            Refused: one sentence.
        """
        self._check_style(has_style=has_style, preset=preset)
        for size in sizes:
            self._check_bytes(size)
        unfinished = await self.ledger.unfinished(owner)
        if unfinished >= self.limits.open_jobs_per_person:
            raise Refused(
                f"You already have {unfinished} pictures waiting or being painted; "
                "cancel one, or ask again when one is done."
            )

    async def submit(self, request: Request) -> Job:
        """Check, open, store and queue: when this returns, the job is safe in the ledger.

        Raises:
            JobError: a rule forbids it.
            EngineError: a picture or an option cannot be used.
        """
        preset = self._check_style(has_style=request.style is not None, preset=request.preset)
        for data in filter(None, (request.content, request.style)):
            self._check_bytes(len(data))
        options = self._options(request, preset)
        await self._check_deadline(request, options)
        content = await self.decoder.open(request.content)
        style, style_name = await self._style(request, preset)
        job = Job(
            owner=request.owner,
            address=request.address,
            content=digest(content.png),
            style=digest(style.png),
            style_name=style_name,
            options=options,
            upload_limit_bytes=request.upload_limit_bytes,
            priority=request.priority,
            deadline=request.deliver_by,
            created_at=self._now(),
        )
        pictures = {job.content: content.png, job.style: style.png}
        limits = OpenLimits(self.limits.open_jobs_per_person, self.limits.open_jobs_per_server)
        await self.queue.submit(job, pictures, limits)
        return job

    def watch(self, job_id: str) -> AsyncIterator[News]:
        """The job's news, beginning with where it stands."""
        return self.queue.watch(job_id)

    async def cancel(self, job_id: str, by: Owner, *, is_moderator: bool = False) -> bool:
        """Stop the job; False if it is too late for that.

        Args:
            is_moderator: whether `by` may act for others in their own guild.

        Raises:
            UnknownJob: no such job.
            NotYours: it is somebody else's.
        """
        job = await self.ledger.job(job_id)
        is_own = job.owner.user_id == by.user_id
        may_moderate = is_moderator and by.guild_id is not None and by.guild_id == job.owner.guild_id
        if not (is_own or may_moderate):
            raise NotYours
        return await self.queue.cancel(job_id)

    async def job(self, job_id: str) -> Job:
        """The job as it stands now; raises `UnknownJob`."""
        return await self.ledger.job(job_id)

    async def result(self, job_id: str) -> Encoded:
        """The finished picture as a file that the job's front-end can post.

        Raises:
            Refused: it is not painted yet, or was swept.
        """
        job = await self.ledger.job(job_id)
        if job.result is None and job.is_open:
            raise Refused("This picture is not painted yet.")
        try:
            png = await self.ledger.picture(job.result or "")
        except KeyError as error:
            raise Refused("This picture is kept no longer; ask for it again.") from error
        if job.upload_limit_bytes is None or len(png) <= job.upload_limit_bytes:
            return Encoded(png, "png")
        return await self.decoder.encode(await self.decoder.pixels(png), job.upload_limit_bytes)

    async def content(self, job_id: str) -> bytes:
        """The picture that was sent, as a clean PNG; raises as `result` does."""
        try:
            return await self.ledger.picture((await self.ledger.job(job_id)).content)
        except KeyError as error:
            raise Refused("This picture is kept no longer.") from error

    async def untold(self, front_end: str) -> Sequence[Job]:
        """Jobs whose person still waits for something: what a front-end takes up again after a restart."""
        return await self.ledger.untold(front_end)

    async def begin_delivery(self, job_id: str) -> bool:
        """Before the picture is posted; False if that was said before: then it may have been posted already."""
        return await self.ledger.begin_delivery(job_id)

    async def delivered(self, job_id: str) -> None:
        """The person has the picture."""
        await self.ledger.delivered(job_id)

    async def told(self, job_id: str) -> None:
        """The person has the sentence that there will be no picture."""
        await self.ledger.told(job_id)

    async def give_up(self, job_id: str, sentence: str) -> None:
        """The picture cannot be handed out, and the person has the sentence that says why."""
        await self.ledger.give_up(job_id, sentence)
        await self.ledger.told(job_id)

    async def lose_sight(self, job_id: str) -> None:
        """Nobody could be told for too long."""
        if not await self.ledger.lose_sight(job_id):
            await self.ledger.told(job_id)

    async def forget(self, user_id: int) -> int:
        """Delete what is stored of a person's ended jobs; how many there were."""
        return await self.ledger.forget(user_id)

    def presets(self, query: str = "", limit: int = 25, locale: str = "") -> Sequence[Preset]:
        """The presets that fit what was typed so far, as somebody who reads that language finds them."""
        return self.styles.search(query, limit, locale)

    def _check_style(self, *, has_style: bool, preset: str | None) -> Preset | None:
        if has_style and preset:
            raise Refused("Choose either a style picture or a preset, not both.")
        if not has_style and not preset:
            raise Refused("Attach a style picture, or choose a preset.")
        return self.styles.get(preset) if preset else None

    def _check_bytes(self, size: int) -> None:
        if size > self.limits.upload_bytes:
            raise Refused(
                f"A picture may have up to {self.limits.upload_bytes / 2**20:.0f} MB, "
                f"but this one has {size / 2**20:.0f} MB; save it smaller or as a JPEG."
            )

    def _size(self, asked: int | None) -> int:
        size = asked or min(self.limits.default_size, self.limits.max_size)
        if not MIN_SIZE <= size <= self.limits.max_size:
            raise Refused(f"The size must lie between {MIN_SIZE} and {self.limits.max_size} pixels here.")
        return size

    def _options(self, request: Request, preset: Preset | None) -> Options:
        """The preset's own, where the person asked for nothing else."""
        tuned = preset.options if preset else Options()
        strength = tuned.strength if request.strength is None else request.strength
        return replace(tuned, size=self._size(request.size), strength=strength, quality=self.limits.quality)

    async def _check_deadline(self, request: Request, options: Options) -> None:
        """Where the answer can only be given for a while, refuse what would come too late."""
        if request.deliver_by is None:
            return
        seconds = await self.queue.seconds_until_painted(options)
        if self._now() + (seconds or 0.0) > request.deliver_by:
            raise Refused(
                "The queue is too long to answer here within Discord's fifteen minutes; "
                "try a smaller size, later, or in a server where the bot is a member."
            )

    async def _style(self, request: Request, preset: Preset | None) -> tuple[Opened, str]:
        if preset is None:
            return await self.decoder.open(request.style or b""), OWN_STYLE
        picture, opened = self._opened_presets.get(preset.name, (None, None))
        if opened is None or picture is not preset.picture:  # its file was changed since
            opened = await self.decoder.open(preset.picture)
            self._opened_presets[preset.name] = preset.picture, opened
        return opened, preset.title
