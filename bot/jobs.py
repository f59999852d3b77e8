"""A job as plain data, from acceptance to delivery, and what passes between the parts of the bot.

The life of a job; each arrow is one transaction in the ledger, and stands in `Move`:

    accepted ──► queued ──► painting ──► painted ──► delivering ──► delivered
                    ▲           │
                    └───────────┘ handed back at a graceful stop, to its old place in line;
                                  behind those who wait, if its worker died

    accepted, queued, painting ────► cancelled   its person, or a moderator, said so
    accepted, queued ──────────────► expired     its deadline passed before it was begun
    painting ──────────────────────► failed      by its fault, or because three workers died of it
    painted, delivering ───────────► failed      its picture cannot be handed out
    painted, delivering ───────────► expired     its place was out of reach for a day

`accepted` is safe but not in line yet; a crash in between loses neither. `delivering` is committed before anything is
posted, so that whoever takes the job up after a crash knows to look whether it was. Every job stays *open* until its
person has been told (`told_at`), whatever restarts in between; `delivered` is told by its picture.

    JobError
    ├── Refused        no job came to be: a limit, a missing style, a channel the bot may not post in, …
    ├── UnknownJob     no such job, or it has been swept
    ├── NotYours       the job belongs to somebody else
    ├── LedgerUnusable the database cannot be opened, read or written; it may pass (locked, full, away)
    └── Outdated       a newer version of Atelier has taken the ledger over
"""

import hashlib
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import Final

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


class Outdated(JobError):
    """A newer version of Atelier has taken the ledger over, and writes what this one cannot read."""

    def __init__(self) -> None:
        super().__init__("A newer version of Atelier has taken the ledger over; update this one.")


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
    priority: int = 0
    """Higher goes first, whoever waits: for operators."""


class JobState(StrEnum):
    """Where a job stands; the arrows are drawn in this module's docstring."""

    ACCEPTED = "accepted"
    QUEUED = "queued"
    PAINTING = "painting"
    PAINTED = "painted"
    DELIVERING = "delivering"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    FAILED = "failed"
    EXPIRED = "expired"


MAX_DEATHS: Final = 3
"""A job of which so many workers died is not begun again."""

UNFINISHED: Final = (JobState.ACCEPTED, JobState.QUEUED, JobState.PAINTING)
"""What counts against the limits."""


class Move(Enum):
    """Every arrow of a job's life: the states that it leaves, and the one that it leads to."""

    ENQUEUE = ((JobState.ACCEPTED,), JobState.QUEUED)
    BEGIN = ((JobState.QUEUED,), JobState.PAINTING)
    RETURN = ((JobState.PAINTING,), JobState.QUEUED)
    FINISH = ((JobState.PAINTING,), JobState.PAINTED)
    FAIL = ((JobState.PAINTING,), JobState.FAILED)
    CANCEL = (UNFINISHED, JobState.CANCELLED)
    EXPIRE = ((JobState.ACCEPTED, JobState.QUEUED), JobState.EXPIRED)
    BEGIN_DELIVERY = ((JobState.PAINTED,), JobState.DELIVERING)
    DELIVER = ((JobState.DELIVERING,), JobState.DELIVERED)
    GIVE_UP = ((JobState.PAINTED, JobState.DELIVERING), JobState.FAILED)
    LOSE_SIGHT = ((JobState.PAINTED, JobState.DELIVERING), JobState.EXPIRED)

    @property
    def sources(self) -> tuple[JobState, ...]:
        """Where the arrow may begin."""
        sources: tuple[JobState, ...] = self.value[0]
        return sources

    @property
    def target(self) -> JobState:
        """Where it ends."""
        target: JobState = self.value[1]
        return target


def new_job_id() -> str:
    """Twelve hexadecimal digits: short enough for a button's custom_id, unique enough for a ledger."""
    return uuid.uuid4().hex[:12]


@dataclass(frozen=True)
class Job:
    """One row of the ledger."""

    owner: Owner
    address: Address
    content: str
    """The content picture's digest in the ledger; empty once it was swept."""
    style: str
    """The style picture's digest in the ledger; empty once it was swept."""
    style_name: str
    """What the style is called in sentences and alt text: a preset's title, or "your painting"."""
    options: Options
    upload_limit_bytes: int | None = None
    id: str = field(default_factory=new_job_id)
    state: JobState = JobState.ACCEPTED
    priority: int = 0
    """Higher goes first, whoever waits."""
    deadline: float | None = None
    """Unix time after which it is not begun any more; None: there is no such time."""
    lease: int = 0
    """How often painting was begun; who began it must show the number to change anything, so that the dead cannot."""
    worker: str | None = None
    """Who paints it, or painted it last."""
    deaths: int = 0
    """How many workers died while they painted it; a graceful stop is no death."""
    created_at: float = field(default_factory=time.time)
    started_at: float | None = None
    finished_at: float | None = None
    told_at: float | None = None
    result: str | None = None
    """The result's digest, once painted and until it was swept."""
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
    """Nothing more will come, by a fault or because it came too late; `sentence` says why."""

    sentence: str


News = Queued | Painting | Painted | Cancelled | Failed
LAST_NEWS = (Painted, Cancelled, Failed)


@dataclass(frozen=True)
class Changed:
    """Between queues: the job entered another state; whoever cares asks the ledger which."""

    job_id: str
    state: JobState


@dataclass(frozen=True)
class Progressed:
    """Between queues: how far a job's painting is."""

    job_id: str
    news: Painting
    has_preview: bool = False
    """Whether there is a new one; where the wire does not carry it, the ledger has it."""


@dataclass(frozen=True)
class Missed:
    """Between queues: some events may have been lost; ask the ledger."""


Event = Changed | Progressed | Missed


# What passes between the parts (`bot.protocols`).


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


def digest(data: bytes) -> str:
    """The name under which a picture lies in the ledger: its SHA-256, so that the same picture is stored once."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class OpenLimits:
    """How many unfinished jobs there may be."""

    per_person: int
    per_server: int


@dataclass(frozen=True)
class Retention:
    """For how many days something is kept after its person has been told."""

    inputs_days: float
    results_days: float
    jobs_days: float
    """The record that there was a job; not above it are the others kept."""
