"""A job as plain data, from acceptance to delivery, and what the upper floors promise one another.

The life of a job (each arrow is one transaction in the ledger):

    queued ──► painting ──► painted ──► delivered
      │  ▲         │ │
      │  └─────────┘ │      a crash or a graceful stop: back into the queue, at its old place
      ├──────────────┼──► cancelled      its person, or a moderator, said so
      └──────────────┴──► failed         with one sentence that its person is told

`painted`, `cancelled` and `failed` jobs stay *open* until their person has been told (`told_at`), whatever restarts
in between; `delivered` is a painted job whose person has been told.

    JobError
    ├── Refused        no job came to be: a limit, a missing style, a channel the bot may not post in, …
    ├── UnknownJob     no such job, or it has been swept
    ├── NotYours       the job belongs to somebody else
    └── LedgerUnusable the database cannot be opened, read or written; it may pass (locked, full)
"""

import hashlib
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from threading import Event
from typing import Protocol

from engine.images import Pixels
from engine.options import Options


class JobError(Exception):
    """A refusal: `str(error)` is one sentence for a person."""


class Refused(JobError):
    """No job came to be; nothing was stored and nothing will be painted."""


class UnknownJob(JobError):
    """No such job, or it has been swept."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"There is no job {job_id} any more.")


class NotYours(JobError):
    """The job belongs to somebody else."""

    def __init__(self) -> None:
        super().__init__("Only the person who asked for this picture, or a moderator, can do that.")


class LedgerUnusable(JobError):
    """The database cannot be opened, read or written; it may pass (locked, full)."""


@dataclass(frozen=True)
class Owner:
    """Who asked: the unit of limits and of fairness."""

    user_id: int
    guild_id: int | None = None


LOCAL_OWNER = Owner(user_id=0)
"""Whoever sits at the local page."""


@dataclass(frozen=True)
class Address:
    """Where the answer goes; only the front-end that wrote it reads `detail`."""

    front_end: str
    detail: Mapping[str, str | int | float | None] = field(default_factory=dict, repr=False)
    """JSON-able; hidden from repr because it may hold an interaction's token."""


@dataclass(frozen=True)
class Request:
    """What a person asked for, pictures still as they were sent."""

    owner: Owner
    address: Address
    content: bytes = field(repr=False)
    style: bytes | None = field(default=None, repr=False)
    preset: str | None = None
    strength: int | None = None
    """None leaves it to the style: a preset has its own."""
    size: int | None = None
    """The long edge in pixels; None leaves it to the configuration."""
    deliver_by: float | None = None
    """Unix time after which the answer could not be delivered any more; None: there is no such time."""
    upload_limit_bytes: int | None = None
    """The largest file that the front-end can post; None: no limit."""


class JobState(StrEnum):
    """Where a job stands; the arrows are drawn in this module's docstring."""

    QUEUED = "queued"
    PAINTING = "painting"
    PAINTED = "painted"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"


def new_job_id() -> str:
    """Twelve hexadecimal digits: short enough for a button's custom_id, unique enough for a ledger."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class Job:
    """One row of the ledger."""

    owner: Owner
    address: Address
    content: str
    """The content picture's digest in the ledger."""
    style: str
    """The style picture's digest in the ledger."""
    style_name: str
    """What the style is called in sentences and alt text: a preset's title, or "your painting"."""
    options: Options
    upload_limit_bytes: int | None = None
    id: str = field(default_factory=new_job_id)
    state: JobState = JobState.QUEUED
    attempts: int = 0
    """How often painting has begun."""
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None
    told_at: float | None = None
    result: str | None = None
    """The result's digest, once painted."""
    note: str | None = None
    """One sentence for the person: why it failed, or what was done differently (a smaller size, say)."""
    encoder: str | None = None
    """Which encoder painted it, once painted."""
    paint_seconds: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether somebody still waits for something."""
        return self.told_at is None


# News of a job, in the order in which they come. A watcher that is slow gets the newest, not every one.


@dataclass(frozen=True)
class Queued:
    """Waiting; `position` 1 is painted next."""

    position: int
    seconds_left: float | None = None
    """Until the picture is ready, as far as measured speed can tell."""


@dataclass(frozen=True)
class Painting:
    """On the GPU thread now."""

    fraction: float
    seconds_left: float | None = None
    preview: bytes | None = field(default=None, repr=False)
    """A small JPEG of the picture as it is now."""


@dataclass(frozen=True)
class Painted:
    """Ready to be delivered."""


@dataclass(frozen=True)
class Cancelled:
    """Nothing more will come."""


@dataclass(frozen=True)
class Failed:
    """Nothing more will come; `sentence` says why."""

    sentence: str


News = Queued | Painting | Painted | Cancelled | Failed
LAST_NEWS = (Painted, Cancelled, Failed)


# What floor 4 fulfils, and `bot.__main__` hands to service and queue.


@dataclass(frozen=True)
class Opened:
    """An uploaded picture after decoding: upright, sRGB, no alpha, no metadata."""

    png: bytes = field(repr=False)
    width: int
    height: int


@dataclass(frozen=True)
class Encoded:
    """A picture as a file to hand out."""

    data: bytes = field(repr=False)
    extension: str
    """"png" or "jpg"."""


class Decoder(Protocol):
    """Opens and writes pictures away from the event loop (`bot.decode`: processes with a memory and a time limit)."""

    async def open(self, data: bytes) -> Opened:
        """The uploaded picture, checked and cleaned; raises `engine.errors.PictureRefused`."""

    async def pixels(self, png: bytes) -> Pixels:
        """The array of a picture that `open` cleaned."""

    async def encode(self, pixels: Pixels, limit_bytes: int | None = None) -> Encoded:
        """A PNG where it fits under the limit, else the best JPEG that does; raises `PictureRefused` if none does."""


@dataclass(frozen=True)
class PaintOrder:
    """All the GPU thread needs."""

    content: Pixels = field(repr=False)
    style: Pixels = field(repr=False)
    options: Options


@dataclass(frozen=True)
class Progress:
    """How far the painting has come."""

    fraction: float
    seconds_left: float | None
    preview: bytes | None = field(default=None, repr=False)
    """A small JPEG, set now and then; made on the painting thread."""


@dataclass(frozen=True)
class Picture:
    """What the painter hands back."""

    pixels: Pixels = field(repr=False)
    encoder: str
    paint_seconds: float
    note: str | None = None
    """What was done differently from the order, as one sentence; None if nothing was."""


class Painter(Protocol):
    """Paints one order at a time (`bot.gpu`)."""

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Event) -> Picture | None:
        """The finished picture, or None if `stop` was set meanwhile; raises `engine.errors.EngineError`.

        `on_progress` is called on the event loop, never on the painting thread.
        """


def digest(data: bytes) -> str:
    """The name under which a picture lies in the ledger: its SHA-256, so that the same picture is stored once."""
    return hashlib.sha256(data).hexdigest()


class Ledger(Protocol):
    """Every job, from acceptance to delivery (`bot.ledger`); each method that changes something is one transaction.

    A method that names a job raises `UnknownJob` where there is none.
    """

    async def add(self, job: Job, pictures: Mapping[str, bytes], open_limit: int) -> None:
        """Store the job and its pictures (digest to bytes); only after this may its person be told "accepted".

        Raises `Refused` if the owner already has `open_limit` unfinished jobs: counted in the same transaction, so that
        two commands at once cannot both slip under it.
        """

    async def job(self, job_id: str) -> Job:
        """The job as it stands now."""

    async def picture(self, picture_digest: str) -> bytes:
        """A stored picture; `KeyError` if it was swept."""

    async def unfinished(self, owner: Owner) -> int:
        """How many of the owner's jobs are queued or being painted."""

    async def waiting(self) -> Sequence[Job]:
        """The queued jobs in the order in which they will be painted."""

    async def untold(self, front_end: str) -> Sequence[Job]:
        """The front-end's jobs whose person still waits for something, oldest first."""

    async def recover(self) -> int:
        """At start: jobs that were being painted when the process died are queued again, at their old places."""

    async def begin_next(self) -> Job | None:
        """queued → painting for the job whose turn it is; None if none waits."""

    async def hand_back(self, job_id: str) -> None:
        """painting → queued at a graceful stop; the attempt does not count."""

    async def finish(self, job_id: str, result: bytes, picture: Picture) -> bool:
        """painting → painted, with the result (a PNG) stored; False if it was cancelled meanwhile."""

    async def fail(self, job_id: str, sentence: str) -> bool:
        """painting → failed; False if it was cancelled meanwhile."""

    async def cancel(self, job_id: str) -> bool:
        """queued or painting → cancelled; False if it is too late for that."""

    async def readdress(self, job_id: str, address: Address) -> None:
        """Remember where the answer goes (the progress message's id, say)."""

    async def told(self, job_id: str) -> None:
        """Its person has been told: a painted job becomes delivered, any other ended job is closed."""

    async def seconds_per_megapixel(self, options: Options) -> float | None:
        """Median painting time of the last jobs of that quality, per million of their size squared; None before one."""

    async def close(self) -> None:
        """Give the database back; what was committed stays."""


class Queue(Protocol):
    """The order of painting (`bot.local_queue`)."""

    async def submit(self, job: Job, pictures: Mapping[str, bytes], open_limit: int) -> None:
        """Put the job into the ledger and wake the worker; raises as `Ledger.add`."""

    async def cancel(self, job_id: str) -> bool:
        """Take the job out, or stop its painting; False if it is too late for that."""

    async def position(self, job_id: str) -> int:
        """1 is painted next; 0 is being painted, or over."""

    async def seconds_until_painted(self, options: Options) -> float | None:
        """How long a job with these options would take if it came now; None before anything was measured."""

    def watch(self, job_id: str) -> AsyncIterator[News]:
        """The job's news from now on, beginning with where it stands, ending after one of `LAST_NEWS`."""

    async def run_worker(self, painter: Painter, decoder: Decoder) -> None:
        """Paint jobs one after another until cancelled; a job in hand is then handed back."""
