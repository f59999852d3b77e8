"""The ledger's methods, each one transaction, on SQLAlchemy Core: the same statements for SQLite and PostgreSQL."""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from statistics import median
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from bot import fairness
from bot.jobs import (
    MAX_DEATHS,
    UNFINISHED,
    Job,
    JobState,
    Move,
    OpenLimits,
    Outdated,
    Owner,
    Picture,
    Refused,
    Retention,
    UnknownJob,
    digest,
)
from bot.ledger.database import asyncio_engine, insert_once, lock_the_line, migrate, place_of, told_in_a_sentence
from bot.ledger.sweeping import Sweep, forget_pictures, sweeps
from bot.ledger.tables import jobs, line, pictures, previews, to_job, to_row, workers
from engine.options import Options

P = ParamSpec("P")
T = TypeVar("T")

RECENT_JOBS: Final = 20
"""So many are looked at to tell how fast this machine paints."""
GAVE_UP: Final = "Painting this picture stopped the bot several times, so it was given up."
TOO_LATE: Final = "The queue was too long to paint this picture in time; please ask for it again."
OUT_OF_REACH: Final = "Its place was out of reach for too long."


def _finished(
    method: Callable[Concatenate["SqlLedger", P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate["SqlLedger", P], Coroutine[Any, Any, T]]:
    """Finish what was begun even though the caller is cancelled: half a transaction would keep SQLite's lock."""

    @functools.wraps(method)
    async def finish(self: "SqlLedger", /, *args: P.args, **kwargs: P.kwargs) -> T:
        running = asyncio.ensure_future(method(self, *args, **kwargs))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.gather(running, return_exceptions=True)
            raise

    return finish


class SqlLedger:
    """Fulfils `bot.protocols.Ledger`. Made by `open_ledger`.

    Args:
        revision: of the tables that this version writes.
        now: Unix time.
    """

    def __init__(self, engine: AsyncEngine, revision: str, now: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.revision = revision
        self._now = now

    # From acceptance to the painter

    @_finished
    async def accept(self, job: Job, pictures_: Mapping[str, bytes], limits: OpenLimits) -> None:
        """Store the job and its pictures, unless its person or its server has too many unfinished ones already."""
        async with self._transaction() as connection:
            await lock_the_line(connection)
            await self._check_limits(connection, job.owner, limits)
            for name, data in pictures_.items():
                await self._store(connection, name, data)
            await connection.execute(sa.insert(jobs).values(to_row(job)))

    @_finished
    async def enqueue(self, job_id: str) -> bool:
        """accepted → queued: its place in line."""
        async with self._transaction() as connection:
            await lock_the_line(connection)
            return await self._enqueue(connection, job_id)

    @_finished
    async def adopt(self) -> Sequence[str]:
        """accepted → queued for what a process accepted and then died."""
        accepted = sa.select(jobs.c.id).where(jobs.c.state == JobState.ACCEPTED).order_by(jobs.c.created_at)
        async with self._transaction() as connection:
            ids = (await connection.execute(accepted)).scalars().all()
            if not ids:
                return []  # as nearly always: then nobody has to wait for the line
            await lock_the_line(connection)
            return [job_id for job_id in ids if await self._enqueue(connection, job_id)]

    @_finished
    async def begin_next(self, worker: str) -> Job | None:
        """queued → painting for the job whose turn it is, with a new lease."""
        in_time = sa.or_(jobs.c.deadline.is_(None), jobs.c.deadline > self._now())
        next_ = (
            _in_line(jobs.c.id, jobs.c.turn, jobs.c.priority).where(in_time).limit(1).with_for_update(skip_locked=True)
        )
        async with self._transaction() as connection:
            await self._check_revision(connection)
            row = (await connection.execute(next_)).first()
            if row is None:
                return None
            lease = {"lease": jobs.c.lease + 1, "worker": worker, "started_at": self._now()}
            await self._move(connection, Move.BEGIN, jobs.c.id == row.id, **lease)
            if not row.priority:  # whoever goes first does not move the line under those who stand in it
                await connection.execute(sa.update(line).where(line.c.turn < row.turn).values(turn=row.turn))
            return to_job((await connection.execute(sa.select(jobs).where(jobs.c.id == row.id))).one())

    @_finished
    async def hand_back(self, job: Job) -> bool:
        """painting → queued at a graceful stop, at its old place."""
        return await self._change(Move.RETURN, job.id, job.lease)

    @_finished
    async def finish(self, job: Job, result: bytes, picture: Picture) -> bool:
        """painting → painted, with the result stored; False if it was cancelled or given away meanwhile."""
        name = digest(result)
        values = {"encoder": picture.encoder, "paint_seconds": picture.paint_seconds, "note": picture.note}
        mine = sa.and_(jobs.c.id == job.id, jobs.c.lease == job.lease)
        async with self._transaction() as connection:
            await lock_the_line(connection)  # so that no sweep takes the result before the job names it
            moved = await self._move(connection, Move.FINISH, mine, finished_at=self._now(), **values)
            if moved:
                await self._store(connection, name, result)
                await connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(result=name))
                await connection.execute(sa.delete(previews).where(previews.c.job == job.id))
        return bool(moved)

    @_finished
    async def fail(self, job: Job, sentence: str) -> bool:
        """painting → failed; False if it was cancelled or given away meanwhile."""
        return await self._change(Move.FAIL, job.id, job.lease, note=sentence, finished_at=self._now())

    @_finished
    async def cancel(self, job_id: str) -> bool:
        """accepted, queued or painting → cancelled; False if it is too late for that."""
        return await self._change(Move.CANCEL, job_id, finished_at=self._now())

    @_finished
    async def expire_overdue(self) -> Sequence[str]:
        """accepted or queued → expired for all whose deadline has passed."""
        async with self._transaction() as connection:
            overdue = jobs.c.deadline <= self._now()
            return await self._move(connection, Move.EXPIRE, overdue, note=TOO_LATE, finished_at=self._now())

    # From the painter to the person

    @_finished
    async def begin_delivery(self, job_id: str) -> bool:
        """painted → delivering, before anything is posted; False if that was so already."""
        return await self._change(Move.BEGIN_DELIVERY, job_id)

    @_finished
    async def delivered(self, job_id: str) -> bool:
        """delivering → delivered: its person has the picture."""
        return await self._change(Move.DELIVER, job_id, told_at=self._now())

    @_finished
    async def give_up(self, job_id: str, sentence: str) -> bool:
        """painted or delivering → failed: the picture cannot be handed out."""
        return await self._change(Move.GIVE_UP, job_id, note=sentence)

    @_finished
    async def lose_sight(self, job_id: str) -> bool:
        """painted or delivering → expired: its place was out of reach for too long."""
        return await self._change(Move.LOSE_SIGHT, job_id, note=OUT_OF_REACH, told_at=self._now())

    @_finished
    async def told(self, job_id: str) -> None:
        """The person of a cancelled, failed or expired job has been told."""
        ended = jobs.c.state.in_((JobState.CANCELLED, JobState.FAILED, JobState.EXPIRED))
        where = sa.and_(jobs.c.id == job_id, ended, jobs.c.told_at.is_(None))
        async with self._transaction() as connection:
            update = sa.update(jobs).where(where).values(told_at=self._now())
            if not (await connection.execute(update)).rowcount:
                await self._check_exists(connection, job_id)

    # Questions

    @_finished
    async def job(self, job_id: str) -> Job:
        """The job as it stands now."""
        async with self._transaction() as connection:
            row = (await connection.execute(sa.select(jobs).where(jobs.c.id == job_id))).first()
        if row is None:
            raise UnknownJob(job_id)
        return to_job(row)

    @_finished
    async def find(self, job_ids: Collection[str]) -> Sequence[Job]:
        """Those of these jobs that there are, as they stand now."""
        async with self._transaction() as connection:
            return [to_job(row) for row in await connection.execute(sa.select(jobs).where(jobs.c.id.in_(job_ids)))]

    @_finished
    async def picture(self, picture_digest: str) -> bytes:
        """A stored picture; `KeyError` if it was swept."""
        query = sa.select(pictures.c.data).where(pictures.c.digest == picture_digest)
        async with self._transaction() as connection:
            data: bytes | None = (await connection.execute(query)).scalar_one_or_none()
        if data is None:
            raise KeyError(picture_digest)
        return data

    @_finished
    async def unfinished(self, owner: Owner) -> int:
        """How many of the owner's jobs are accepted, queued or being painted."""
        async with self._transaction() as connection:
            return await self._count_unfinished(connection, jobs.c.user_id == owner.user_id)

    @_finished
    async def waiting(self) -> Sequence[Job]:
        """The queued jobs in the order in which they will be painted."""
        async with self._transaction() as connection:
            return [to_job(row) for row in await connection.execute(_in_line(jobs))]

    @_finished
    async def painting(self) -> Sequence[Job]:
        """The jobs that are being painted."""
        async with self._transaction() as connection:
            query = sa.select(jobs).where(jobs.c.state == JobState.PAINTING)
            return [to_job(row) for row in await connection.execute(query)]

    @_finished
    async def untold(self, front_end: str) -> Sequence[Job]:
        """The front-end's jobs whose person still waits for something, oldest first."""
        query = sa.select(jobs).where(jobs.c.front_end == front_end, jobs.c.told_at.is_(None))
        async with self._transaction() as connection:
            return [to_job(row) for row in await connection.execute(query.order_by(jobs.c.created_at, jobs.c.id))]

    @_finished
    async def seconds_per_megapixel(self, options: Options) -> float | None:
        """Median painting time of the last jobs of that quality, per million of their size squared."""
        query = (
            sa.select(jobs.c.options, jobs.c.paint_seconds)
            .where(jobs.c.quality == options.quality, jobs.c.paint_seconds.is_not(None))
            .order_by(jobs.c.finished_at.desc())
            .limit(RECENT_JOBS)
        )
        async with self._transaction() as connection:
            rows = (await connection.execute(query)).all()
        return median(row.paint_seconds * 1e6 / row.options["size"] ** 2 for row in rows) if rows else None

    # Workers and their previews

    @_finished
    async def beats(self) -> Mapping[str, int | None]:
        """How often each worker's heart has beaten; None for one that holds a job but shows no heart."""
        holding = sa.select(jobs.c.worker).where(jobs.c.state == JobState.PAINTING).distinct()
        async with self._transaction() as connection:
            alive = {row.id: row.beats for row in await connection.execute(sa.select(workers))}
            return dict.fromkeys((await connection.execute(holding)).scalars()) | alive

    @_finished
    async def bury(self, worker: str, beats: int | None) -> Sequence[str]:
        """Declare the worker dead, unless its heart has beaten since; the ids of its jobs: waiting again, or failed."""
        row = workers.c.id == worker
        held = sa.select(jobs).where(jobs.c.state == JobState.PAINTING, jobs.c.worker == worker)
        async with self._transaction() as connection:
            await lock_the_line(connection)
            if beats is None:
                is_dead = (await connection.execute(sa.select(workers).where(row))).first() is None
            else:
                is_dead = bool(
                    (await connection.execute(sa.delete(workers).where(row, workers.c.beats == beats))).rowcount
                )
            if not is_dead:
                return []
            orphans = (await connection.execute(held.with_for_update())).all()
            for orphan in orphans:
                await self._outlive(connection, orphan)
            return [orphan.id for orphan in orphans]

    @_finished
    async def keep_preview(self, job: Job, preview: bytes) -> None:
        """Where the front-ends of other processes find the newest preview of a job that is being painted."""
        async with self._transaction() as connection:
            insert = insert_once(connection, previews).values(job=job.id, data=preview)
            await connection.execute(insert.on_conflict_do_update(index_elements=["job"], set_={"data": preview}))

    @_finished
    async def preview(self, job_id: str) -> bytes | None:
        """The newest preview, while it is painted."""
        async with self._transaction() as connection:
            query = sa.select(previews.c.data).where(previews.c.job == job_id)
            data: bytes | None = (await connection.execute(query)).scalar_one_or_none()
        return data

    # Forgetting

    async def sweep(self, retention: Retention) -> None:
        """Forget what nobody waits for and has been kept long enough."""
        for sweep in sweeps(retention, self._now()):
            last = None
            while last := await self._sweep_page(sweep, last):
                pass

    @_finished
    async def forget(self, user_id: int) -> int:
        """Delete a person's ended jobs, and the pictures that no other job needs; how many jobs went."""
        theirs = sa.delete(jobs).where(jobs.c.user_id == user_id, jobs.c.told_at.is_not(None))
        async with self._transaction() as connection:
            await lock_the_line(connection)
            gone = (await connection.execute(theirs.returning(jobs.c.content, jobs.c.style, jobs.c.result))).all()
            await forget_pictures(connection, sorted({name for row in gone for name in row if name}))
        return len(gone)

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()

    # Parts of transactions

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        with told_in_a_sentence():
            async with self.engine.begin() as connection:
                yield connection

    async def _change(self, move: Move, job_id: str, lease: int | None = None, **values: Any) -> bool:
        """Make the move, as a transaction; False if the job is elsewhere or the lease is old. Any: columns' values."""
        mine = jobs.c.id == job_id if lease is None else sa.and_(jobs.c.id == job_id, jobs.c.lease == lease)
        async with self._transaction() as connection:
            if await self._move(connection, move, mine, **values):
                return True
            await self._check_exists(connection, job_id)
            return False

    @staticmethod
    async def _move(
        connection: AsyncConnection, move: Move, which: sa.ColumnElement[bool], **values: Any
    ) -> Sequence[str]:
        """The only statement that changes a job's state: from where the move may begin; whom it moved."""
        from_there = sa.update(jobs).where(which, jobs.c.state.in_(move.sources))
        moved = await connection.execute(from_there.values(state=move.target, **values).returning(jobs.c.id))
        ids: Sequence[str] = moved.scalars().all()
        return ids

    async def _enqueue(self, connection: AsyncConnection, job_id: str) -> bool:
        row = (await connection.execute(sa.select(jobs).where(jobs.c.id == job_id))).first()
        if row is None:
            raise UnknownJob(job_id)
        now = (await connection.execute(sa.select(line.c.turn))).scalar_one()
        in_line = (JobState.QUEUED, JobState.PAINTING)
        own = sa.select(sa.func.max(jobs.c.turn), sa.func.count()).where(
            jobs.c.user_id == row.user_id, jobs.c.state.in_(in_line)
        )
        last, count = (await connection.execute(own)).one()
        turn = fairness.turn(now, last, count, Options(**row.options))
        return bool(await self._move(connection, Move.ENQUEUE, jobs.c.id == job_id, turn=turn))

    async def _outlive(self, connection: AsyncConnection, orphan: sa.Row[Any]) -> None:
        """A job whose worker died: behind those who wait, or the end."""
        deaths, which = orphan.deaths + 1, jobs.c.id == orphan.id
        if deaths >= MAX_DEATHS:
            values = {"note": GAVE_UP, "finished_at": self._now()}
            await self._move(connection, Move.FAIL, which, deaths=deaths, **values)
            return
        last = sa.select(sa.func.max(jobs.c.turn)).where(jobs.c.state == JobState.QUEUED)
        behind = (await connection.execute(last)).scalar_one() or 0.0
        turn = max(orphan.turn, behind) + fairness.work(Options(**orphan.options))
        await self._move(connection, Move.RETURN, which, deaths=deaths, turn=turn)

    async def _check_limits(self, connection: AsyncConnection, owner: Owner, limits: OpenLimits) -> None:
        if await self._count_unfinished(connection, jobs.c.user_id == owner.user_id) >= limits.per_person:
            raise Refused(
                f"You already have {limits.per_person} pictures waiting or being painted; "
                "cancel one, or ask again when one is done."
            )
        if owner.guild_id is None:
            return
        if await self._count_unfinished(connection, jobs.c.guild_id == owner.guild_id) >= limits.per_server:
            raise Refused(
                f"This server already has {limits.per_server} pictures waiting or being painted; "
                "ask again when one is done."
            )

    async def _check_revision(self, connection: AsyncConnection) -> None:
        """A process that a newer version has overtaken must not begin what it may not understand."""
        found = await connection.execute(sa.text("SELECT version_num FROM alembic_version"))
        if found.scalar_one() != self.revision:
            raise Outdated

    @staticmethod
    async def _check_exists(connection: AsyncConnection, job_id: str) -> None:
        if (await connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job_id))).first() is None:
            raise UnknownJob(job_id)

    @staticmethod
    async def _count_unfinished(connection: AsyncConnection, whose: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(jobs).where(whose, jobs.c.state.in_(UNFINISHED))
        return int((await connection.execute(query)).scalar_one())

    async def _store(self, connection: AsyncConnection, name: str, data: bytes) -> None:
        """Once only: a picture is named by what it holds. Sent to the database only if it is not there."""
        known = (await connection.execute(sa.select(pictures.c.digest).where(pictures.c.digest == name))).first()
        if known is None:
            values = {"digest": name, "data": data, "created_at": self._now()}
            await connection.execute(insert_once(connection, pictures).values(values).on_conflict_do_nothing())

    @_finished
    async def _sweep_page(self, sweep: Sweep, after: Any) -> Any:  # Any: a key
        async with self._transaction() as connection:
            await lock_the_line(connection)  # so that no result is taken before its job names it
            return await sweep.page(connection, after)


def _in_line(*columns: Any) -> sa.Select[Any]:  # Any: columns, or the table for all of them
    """Queued jobs in their order."""
    order = (jobs.c.priority.desc(), jobs.c.turn, jobs.c.created_at, jobs.c.id)
    return sa.select(*columns).where(jobs.c.state == JobState.QUEUED).order_by(*order)


async def open_ledger(url: str, now: Callable[[], float] = time.time) -> SqlLedger:
    """The ledger at that URL, brought to this version's tables.

    Args:
        url: `sqlite:///path` or `postgresql://…`; SQLAlchemy's form.
        now: Unix time.

    Raises:
        LedgerUnusable: not a database that this version can use.
    """
    revision = await asyncio.to_thread(migrate, url)
    return SqlLedger(asyncio_engine(place_of(url)), revision, now)
