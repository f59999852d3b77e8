"""A `StyleService` that paints nothing: the test itself says what becomes of a job.

A subclass, so that mypy holds its methods to the real ones.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from pictures import a_painting

from bot.jobs import LAST_NEWS, Cancelled, Encoded, Job, News, NotYours, Owner, Queued, Request
from bot.preset_files import Preset, Texts
from bot.service import StyleService
from engine.images import encode_jpeg
from engine.options import Options

PRESETS = [
    Preset(
        f"style-{number}",
        f"Style {number}",
        "bold strokes",
        alt="Bold strokes",
        path=Path("unused"),
        picture=b"unused",
        thumbnail=encode_jpeg(a_painting()),
        size=(64, 64),
        translations={"de": Texts(f"Stil {number}", "kühne Striche")},
    )
    for number in range(40)
]


class FakeService(StyleService):
    """Remembers what it was asked, and tells what the test lets happen."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        """What `admit` raises."""
        self.submit_refusal: Exception | None = None
        self.offered = [*PRESETS]
        self.admitted: list[Sequence[int]] = []
        """The declared sizes of every command that was let in or not."""
        self.requests: list[Request] = []
        self.jobs: dict[str, Job] = {}
        self.told_jobs: list[str] = []
        self.delivering: set[str] = set()
        """Jobs whose delivery has begun, in this life of the bot or an earlier one."""
        self.given_up: dict[str, str] = {}
        self.lost: list[str] = []
        """Jobs that nobody could be told of."""
        self.picture = Encoded(b"finished picture", "png")
        self.result_error: Exception | None = None
        """What `result` raises."""
        self._news: dict[str, list[News]] = {}
        self._changed = asyncio.Condition()

    @property
    def newest(self) -> Job:
        """The job that was submitted last."""
        return list(self.jobs.values())[-1]

    async def happens(self, news: News, job: Job | None = None) -> None:
        """Let the (newest) job come so far."""
        async with self._changed:
            self._news[(job or self.newest).id].append(news)
            self._changed.notify_all()

    async def all_told(self) -> None:
        """Wait until every person has been told."""
        async with asyncio.timeout(20), self._changed:
            await self._changed.wait_for(lambda: set(self.told_jobs) == set(self.jobs))

    async def admit(self, owner: Owner, *, sizes: Sequence[int], has_style: bool, preset: str | None) -> None:
        self.admitted.append(sizes)
        if self.refusal:
            raise self.refusal

    async def submit(self, request: Request) -> Job:
        self.requests.append(request)
        if self.submit_refusal:
            raise self.submit_refusal
        job = Job(request.owner, request.address, "content", "style", "Style 1", Options())
        self.jobs[job.id] = job
        self._news[job.id] = [Queued(1)]
        return job

    async def watch(self, job_id: str) -> AsyncIterator[News]:
        seen = len(self._news[job_id]) - 1
        while True:
            async with self._changed:
                while len(self._news[job_id]) <= seen:
                    await self._changed.wait()
                news = self._news[job_id][seen]
            seen += 1
            yield news
            if isinstance(news, LAST_NEWS):
                return

    async def cancel(self, job_id: str, by: Owner, *, is_moderator: bool = False) -> bool:
        job = self.jobs[job_id]
        if job.owner.user_id != by.user_id and not is_moderator:
            raise NotYours
        if isinstance(self._news[job_id][-1], LAST_NEWS):
            return False
        await self.happens(Cancelled(), job)
        return True

    async def job(self, job_id: str) -> Job:
        return self.jobs[job_id]

    async def result(self, job_id: str) -> Encoded:
        if self.result_error:
            raise self.result_error
        return self.picture

    async def untold(self, front_end: str) -> Sequence[Job]:
        return [job for job in self.jobs.values() if job.id not in self.told_jobs]

    async def told(self, job_id: str) -> None:
        async with self._changed:
            self.told_jobs.append(job_id)
            self._changed.notify_all()

    async def begin_delivery(self, job_id: str) -> bool:
        if job_id in self.delivering:
            return False
        self.delivering.add(job_id)
        return True

    async def delivered(self, job_id: str) -> None:
        await self.told(job_id)

    async def give_up(self, job_id: str, sentence: str) -> None:
        self.given_up[job_id] = sentence
        await self.told(job_id)

    async def lose_sight(self, job_id: str) -> None:
        self.lost.append(job_id)
        await self.told(job_id)

    async def forget(self, user_id: int) -> int:
        return sum(job.owner.user_id == user_id for job in self.jobs.values())

    def presets(self, query: str = "", limit: int = 25, locale: str = "") -> Sequence[Preset]:
        found = [preset for preset in self.offered if query.casefold() in preset.texts(locale).title.casefold()]
        return found[:limit]
