"""The ledger: every job and its pictures in SQL, from acceptance to delivery; the only door to the database.

One method, one transaction. Migrations (`bot/migrations`) run when it is opened. SQLite is written ahead (WAL) and
synced at every commit: a job whose person was told "accepted" survives a power cut.
"""

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from statistics import median
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.util.exc import CommandError
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.jobs import Address, Job, JobState, LedgerUnusable, Owner, Picture, Refused, UnknownJob, digest
from engine.options import Options

P = ParamSpec("P")
T = TypeVar("T")

UNFINISHED: Final = (JobState.QUEUED, JobState.PAINTING)
RECENT_JOBS: Final = 20
"""So many are looked at to tell how fast this machine paints."""

_metadata = sa.MetaData()
_pictures = sa.Table(
    "pictures",
    _metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary),
    sa.Column("created_at", sa.Double),
)
_jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("state", sa.String(12)),
    sa.Column("created_at", sa.Double),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column("front_end", sa.String(20)),
    sa.Column("address", sa.JSON),
    sa.Column("content", sa.String(64)),
    sa.Column("style", sa.String(64)),
    sa.Column("style_name", sa.Text),
    sa.Column("options", sa.JSON),
    sa.Column("quality", sa.String(12)),
    sa.Column("upload_limit_bytes", sa.BigInteger),
    sa.Column("attempts", sa.Integer),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("told_at", sa.Double),
    sa.Column("result", sa.String(64)),
    sa.Column("note", sa.Text),
    sa.Column("encoder", sa.String(20)),
    sa.Column("paint_seconds", sa.Double),
)


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
    """Fulfils `bot.jobs.Ledger`. Made by `open_ledger`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine

    @_finished
    async def add(self, job: Job, pictures: Mapping[str, bytes], open_limit: int) -> None:
        """Store the job and its pictures, unless its owner has `open_limit` unfinished ones already."""
        async with self._transaction() as connection:
            if await self._count_unfinished(connection, job.owner) >= open_limit:
                raise Refused(
                    f"You already have {open_limit} pictures waiting or being painted; "
                    "cancel one, or ask again when one is done."
                )
            for name, data in pictures.items():
                await self._store(connection, name, data)
            await connection.execute(sa.insert(_jobs).values(_to_row(job)))

    @_finished
    async def job(self, job_id: str) -> Job:
        """The job as it stands now."""
        async with self._transaction() as connection:
            row = (await connection.execute(sa.select(_jobs).where(_jobs.c.id == job_id))).first()
        if row is None:
            raise UnknownJob(job_id)
        return _to_job(row)

    @_finished
    async def picture(self, picture_digest: str) -> bytes:
        """A stored picture; `KeyError` if it was swept."""
        async with self._transaction() as connection:
            query = sa.select(_pictures.c.data).where(_pictures.c.digest == picture_digest)
            data: bytes | None = (await connection.execute(query)).scalar_one_or_none()
        if data is None:
            raise KeyError(picture_digest)
        return data

    @_finished
    async def unfinished(self, owner: Owner) -> int:
        """How many of the owner's jobs are queued or being painted."""
        async with self._transaction() as connection:
            return await self._count_unfinished(connection, owner)

    @_finished
    async def waiting(self) -> Sequence[Job]:
        """The queued jobs in the order in which they will be painted."""
        async with self._transaction() as connection:
            return [_to_job(row) for row in await connection.execute(_waiting())]

    @_finished
    async def untold(self, front_end: str) -> Sequence[Job]:
        """The front-end's jobs whose person still waits for something, oldest first."""
        query = sa.select(_jobs).where(_jobs.c.front_end == front_end, _jobs.c.told_at.is_(None))
        async with self._transaction() as connection:
            return [_to_job(row) for row in await connection.execute(query.order_by(_jobs.c.created_at, _jobs.c.id))]

    @_finished
    async def recover(self) -> int:
        """Queue the jobs again that were being painted when the process died."""
        async with self._transaction() as connection:
            update = sa.update(_jobs).where(_jobs.c.state == JobState.PAINTING).values(state=JobState.QUEUED)
            return (await connection.execute(update)).rowcount

    @_finished
    async def begin_next(self) -> Job | None:
        """queued → painting for the job whose turn it is."""
        async with self._transaction() as connection:
            row = (await connection.execute(_waiting().limit(1))).first()
            if row is None:
                return None
            values = {"state": JobState.PAINTING, "attempts": row.attempts + 1, "started_at": time.time()}
            await connection.execute(sa.update(_jobs).where(_jobs.c.id == row.id).values(values))
            begun = (await connection.execute(sa.select(_jobs).where(_jobs.c.id == row.id))).one()
        return _to_job(begun)

    @_finished
    async def hand_back(self, job_id: str) -> None:
        """painting → queued at a graceful stop; the attempt does not count."""
        await self._move(job_id, (JobState.PAINTING,), state=JobState.QUEUED, attempts=_jobs.c.attempts - 1)

    @_finished
    async def finish(self, job_id: str, result: bytes, picture: Picture) -> bool:
        """painting → painted, with the result stored; False if it was cancelled meanwhile."""
        name = digest(result)
        values = {
            "state": JobState.PAINTED,
            "finished_at": time.time(),
            "note": picture.note,
            "encoder": picture.encoder,
            "paint_seconds": picture.paint_seconds,
        }
        async with self._transaction() as connection:
            if not await self._change(connection, job_id, (JobState.PAINTING,), values):
                return False
            await self._store(connection, name, result)
            await connection.execute(sa.update(_jobs).where(_jobs.c.id == job_id).values(result=name))
        return True

    @_finished
    async def fail(self, job_id: str, sentence: str) -> bool:
        """painting → failed; False if it was cancelled meanwhile."""
        return await self._move(
            job_id, (JobState.PAINTING,), state=JobState.FAILED, note=sentence, finished_at=time.time()
        )

    @_finished
    async def cancel(self, job_id: str) -> bool:
        """queued or painting → cancelled; False if it is too late for that."""
        return await self._move(job_id, UNFINISHED, state=JobState.CANCELLED, finished_at=time.time())

    @_finished
    async def readdress(self, job_id: str, address: Address) -> None:
        """Remember where the answer goes."""
        await self._move(job_id, tuple(JobState), front_end=address.front_end, address=dict(address.detail))

    @_finished
    async def told(self, job_id: str) -> None:
        """A painted job becomes delivered, any other ended job is closed; a second time changes nothing."""
        ended = (JobState.PAINTED, JobState.CANCELLED, JobState.FAILED)
        delivered = sa.case((_jobs.c.state == JobState.PAINTED, JobState.DELIVERED.value), else_=_jobs.c.state)
        await self._move(job_id, ended, state=delivered, told_at=time.time())

    @_finished
    async def seconds_per_megapixel(self, options: Options) -> float | None:
        """Median painting time of the last jobs of that quality, per million of their size squared."""
        query = (
            sa.select(_jobs.c.options, _jobs.c.paint_seconds)
            .where(_jobs.c.quality == options.quality, _jobs.c.paint_seconds.is_not(None))
            .order_by(_jobs.c.finished_at.desc())
            .limit(RECENT_JOBS)
        )
        async with self._transaction() as connection:
            rows = (await connection.execute(query)).all()
        return median(row.paint_seconds * 1e6 / row.options["size"] ** 2 for row in rows) if rows else None

    async def close(self) -> None:
        """Give the connections back."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        with _told_in_a_sentence():
            async with self.engine.begin() as connection:
                yield connection

    async def _move(self, job_id: str, states: Sequence[JobState], **values: Any) -> bool:
        """`_change`, as a transaction of its own. Any: a column's value or expression."""
        async with self._transaction() as connection:
            return await self._change(connection, job_id, states, values)

    @staticmethod
    async def _change(
        connection: AsyncConnection, job_id: str, states: Sequence[JobState], values: Mapping[str, Any]
    ) -> bool:
        """Change the job if it is in one of those states; whether it was."""
        update = sa.update(_jobs).where(_jobs.c.id == job_id, _jobs.c.state.in_(states)).values(**values)
        if (await connection.execute(update)).rowcount:
            return True
        if (await connection.execute(sa.select(_jobs.c.id).where(_jobs.c.id == job_id))).first() is None:
            raise UnknownJob(job_id)
        return False

    @staticmethod
    async def _count_unfinished(connection: AsyncConnection, owner: Owner) -> int:
        query = sa.select(sa.func.count()).where(_jobs.c.user_id == owner.user_id, _jobs.c.state.in_(UNFINISHED))
        return int((await connection.execute(query)).scalar_one())

    @staticmethod
    async def _store(connection: AsyncConnection, name: str, data: bytes) -> None:
        """Once only: a picture is named by what it holds."""
        known = (await connection.execute(sa.select(_pictures.c.digest).where(_pictures.c.digest == name))).first()
        if known is None:
            values = {"digest": name, "data": data, "created_at": time.time()}
            await connection.execute(sa.insert(_pictures).values(values))


async def open_ledger(url: str) -> SqlLedger:
    """The ledger at that URL, brought to this version's tables.

    Args:
        url: `sqlite:///path`; SQLAlchemy's form.

    Raises:
        LedgerUnusable: not a database that this version can use.
    """
    place = make_url(url)
    if place.get_backend_name() != "sqlite":
        raise LedgerUnusable("This version keeps its ledger in SQLite only; set database.url to sqlite:///….")
    await asyncio.to_thread(_migrate, place)
    # Parameters hold interactions' tokens, and the text of an error ends in the log.
    engine = create_async_engine(place.set(drivername="sqlite+aiosqlite"), hide_parameters=True)
    sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin)
    return SqlLedger(engine)


def _migrate(place: URL) -> None:
    """Run every migration that the database lacks; blocks."""
    if place.database:
        Path(place.database).parent.mkdir(parents=True, exist_ok=True)
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(files("bot") / "migrations"))
    engine = sa.create_engine(place.set(drivername="sqlite"))
    try:
        with _told_in_a_sentence(), engine.begin() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "head")
    except CommandError as error:
        raise LedgerUnusable(
            f"The ledger {place.database} was written by a newer version of Atelier; run that version, or another file."
        ) from error
    finally:
        engine.dispose()


def _prepare_sqlite(connection: Any, _: object) -> None:  # Any: the driver's own connection
    connection.isolation_level = None  # the driver's own BEGIN would come too late: see _begin
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    """Take the write lock at once, so that what a transaction counted still holds when it writes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except DatabaseError as error:
        found = str(error.orig).lower()
        for sign, sentence in (
            ("full", "The disk that holds the bot's ledger is full; nothing was changed."),
            ("locked", "The bot's ledger is locked by another program; try again in a moment."),
            ("not a database", "The bot's ledger file is damaged or no SQLite file; restore it, or name another one."),
            ("malformed", "The bot's ledger file is damaged or no SQLite file; restore it, or name another one."),
            ("unable to open", "The bot's ledger file cannot be opened; check data_dir and its rights."),
            ("readonly", "The bot's ledger file cannot be written; check data_dir and its rights."),
        ):
            if sign in found:
                raise LedgerUnusable(sentence) from error
        raise


def _waiting() -> sa.Select[Any]:
    """Queued jobs in their order: everybody's first before anybody's second, and by age among those."""
    turn = sa.func.row_number().over(partition_by=_jobs.c.user_id, order_by=(_jobs.c.created_at, _jobs.c.id))
    queued = sa.select(_jobs, turn.label("turn")).where(_jobs.c.state == JobState.QUEUED).subquery()
    columns = [column for column in queued.c if column.name != "turn"]
    return sa.select(*columns).order_by(queued.c.turn, queued.c.created_at, queued.c.id)


def _to_row(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": job.state,
        "created_at": job.created_at,
        "user_id": job.owner.user_id,
        "guild_id": job.owner.guild_id,
        "front_end": job.address.front_end,
        "address": dict(job.address.detail),
        "content": job.content,
        "style": job.style,
        "style_name": job.style_name,
        "options": asdict(job.options),
        "quality": job.options.quality,
        "upload_limit_bytes": job.upload_limit_bytes,
        "attempts": job.attempts,
    }


def _to_job(row: sa.Row[Any]) -> Job:
    return Job(
        owner=Owner(row.user_id, row.guild_id),
        address=Address(row.front_end, row.address),
        content=row.content,
        style=row.style,
        style_name=row.style_name,
        options=Options(**row.options),
        upload_limit_bytes=row.upload_limit_bytes,
        id=row.id,
        state=JobState(row.state),
        attempts=row.attempts,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        told_at=row.told_at,
        result=row.result,
        note=row.note,
        encoder=row.encoder,
        paint_seconds=row.paint_seconds,
    )
