"""What the parts of the bot promise one another: fulfilled on floor 4, handed over by `bot.__main__`."""

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from threading import Event as Flag
from typing import Protocol

from bot.jobs import Encoded, Event, Job, News, Opened, OpenLimits, Owner, PaintOrder, Picture, Progress, Retention
from engine.images import Pixels
from engine.options import Options


class Decoder(Protocol):
    """Opens and writes pictures away from the event loop (`bot.decode`: processes with a memory and a time limit)."""

    async def open(self, data: bytes) -> Opened:
        """The uploaded picture, checked and cleaned; raises `engine.errors.PictureRefused`."""

    async def pixels(self, png: bytes) -> Pixels:
        """The array of a picture that `open` cleaned."""

    async def encode(self, pixels: Pixels, limit_bytes: int | None = None) -> Encoded:
        """A PNG where it fits under the limit, else the best JPEG that does; raises `PictureRefused` if none does."""


class Painter(Protocol):
    """Paints one order at a time (`bot.gpu`)."""

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Flag) -> Picture | None:
        """The finished picture, or None if `stop` was set meanwhile; raises `engine.errors.EngineError`.

        `on_progress` is called on the event loop, never on the painting thread.
        """


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

    async def sweep(self, retention: Retention) -> None:
        """Forget what nobody waits for and has been kept long enough."""

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
