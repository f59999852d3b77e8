"""A job as plain data, from acceptance to delivery, and what the upper floors promise one another.

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
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from threading import Event as Flag
from typing import Final, Protocol

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

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Flag) -> Picture | None:
        """The finished picture, or None if `stop` was set meanwhile; raises `engine.errors.EngineError`.

        `on_progress` is called on the event loop, never on the painting thread.
        """


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


class Ledger(Protocol):
    """Every job, from acceptance to delivery (`bot.ledger`); each method that changes something is one transaction.

    A method that names a job raises `UnknownJob` where there is none, and returns False, having changed nothing, where
    the job is not in a state from which its arrow begins. All raise `LedgerUnusable`.
    """

    async def accept(self, job: Job, pictures: Mapping[str, bytes], limits: OpenLimits) -> None:
        """Store the job and its pictures (digest to bytes); only after this may its person be told "accepted".

        Raises `Refused` if its person or its server already has as many unfinished jobs as they may: counted in the
        same transaction, so that two commands at once cannot both slip under it.
        """

    async def enqueue(self, job_id: str) -> bool:
        """accepted → queued: its place in line (`bot.fairness`)."""

    async def begin_next(self, worker: str) -> Job | None:
        """queued → painting for the job whose turn it is, with a new lease; None if none waits."""

    async def hand_back(self, job: Job) -> bool:
        """painting → queued at a graceful stop, at its old place; False if the lease is not the newest."""

    async def finish(self, job: Job, result: bytes, picture: Picture) -> bool:
        """painting → painted, with the result (a PNG) stored; False if it was cancelled or given away meanwhile."""

    async def fail(self, job: Job, sentence: str) -> bool:
        """painting → failed; False as for `finish`."""

    async def cancel(self, job_id: str) -> bool:
        """accepted, queued or painting → cancelled; False if it is too late for that."""

    async def expire_overdue(self) -> Sequence[str]:
        """accepted or queued → expired for all whose deadline has passed; their ids."""

    async def begin_delivery(self, job_id: str) -> bool:
        """painted → delivering, before anything is posted; False if that was so already: look whether it was posted."""

    async def delivered(self, job_id: str) -> bool:
        """delivering → delivered: its person has the picture."""

    async def give_up(self, job_id: str, sentence: str) -> bool:
        """painted or delivering → failed: the picture cannot be handed out."""

    async def lose_sight(self, job_id: str) -> bool:
        """painted or delivering → expired: its place was out of reach for too long. Nobody is left to be told."""

    async def told(self, job_id: str) -> None:
        """The person of a cancelled, failed or expired job has been told; a second time changes nothing."""

    async def job(self, job_id: str) -> Job:
        """The job as it stands now."""

    async def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        """Those of these jobs that there are, as they stand now."""

    async def picture(self, picture_digest: str) -> bytes:
        """A stored picture; `KeyError` if it was swept."""

    async def unfinished(self, owner: Owner) -> int:
        """How many of the owner's jobs are accepted, queued or being painted."""

    async def waiting(self) -> Sequence[Job]:
        """The queued jobs in the order in which they will be painted."""

    async def painting(self) -> Sequence[Job]:
        """The jobs that are being painted."""

    async def untold(self, front_end: str) -> Sequence[Job]:
        """The front-end's jobs whose person still waits for something, oldest first."""

    async def beats(self) -> Mapping[str, int | None]:
        """How often each worker's heart has beaten; None for one that holds a job but shows no heart."""

    async def bury(self, worker: str, beats: int | None) -> Sequence[str]:
        """Declare the worker dead, unless its heart has beaten since; the ids of its jobs: waiting again, or failed."""

    async def adopt(self) -> Sequence[str]:
        """accepted → queued for what a process accepted and then died; their ids."""

    async def seconds_per_megapixel(self, options: Options) -> float | None:
        """Median painting time of the last jobs of that quality, per million of their size squared; None before one."""

    async def keep_preview(self, job: Job, preview: bytes) -> None:
        """Where the front-ends of other processes find the newest preview of a job that is being painted."""

    async def preview(self, job_id: str) -> bytes | None:
        """The newest preview, while it is painted."""

    async def sweep(self, retention: Retention) -> int:
        """Forget what nobody waits for and has been kept long enough; how many jobs and pictures went."""

    async def forget(self, user_id: int) -> int:
        """Delete a person's ended jobs, and the pictures that no other job needs; how many jobs went."""

    async def close(self) -> None:
        """Give the database back; what was committed stays."""


class Wire(Protocol):
    """Carries events between the queues of all processes that share a ledger (`bot.wires`, `bot.ledger`).

    It may lose and repeat: it only says when to ask the ledger.
    """

    @property
    def carries_previews(self) -> bool:
        """Whether a preview travels with its event."""

    async def tell(self, event: Event) -> None:
        """To every queue, this process's own too."""

    async def listen(self, hear: Callable[[Event], None]) -> None:
        """Call `hear` on the loop for every event, until cancelled."""


class Queue(Protocol):
    """The order of painting (`bot.queue`)."""

    async def submit(self, job: Job, pictures: Mapping[str, bytes], limits: OpenLimits) -> None:
        """Put the job into the ledger and wake a worker; raises as `Ledger.accept`."""

    async def cancel(self, job_id: str) -> bool:
        """Take the job out, or stop its painting; False if it is too late for that."""

    async def position(self, job_id: str) -> int:
        """1 is painted next; 0 is being painted, or over."""

    async def seconds_until_painted(self, options: Options) -> float | None:
        """How long a job with these options would take if it came now; None before anything was measured."""

    def watch(self, job_id: str) -> AsyncIterator[News]:
        """The job's news from now on, beginning with where it stands, ending after one of `LAST_NEWS`."""

    async def run(self) -> None:
        """Hear of other processes and look after the dead, until cancelled."""

    async def run_worker(self, painter: Painter, decoder: Decoder) -> None:
        """Paint jobs one after another until cancelled; a job in hand is then handed back."""
