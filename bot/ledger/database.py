"""What SQLite and PostgreSQL do differently: how they are opened, locked and migrated, and what their errors mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.jobs import LedgerUnusable

DRIVERS: Final = {"sqlite": ("sqlite", "sqlite+aiosqlite"), "postgresql": ("postgresql+psycopg",) * 2}
"""By kind of database: the blocking driver, and the one for asyncio."""
LINE_LOCK: Final = 0xA7E11E5
"""PostgreSQL's advisory lock on limits and turns; the number only has to be nobody else's."""
CONNECT_SECONDS: Final = 10

CROWDED: Final = "The bot's ledger was in use by too many at once; try again in a moment."
REFUSED: Final = "The bot's database refuses the user or password in database.url."
NO_DATABASE: Final = "The bot's database server has no database of the name in database.url."
SQLITE_SENTENCES: Final = (
    ("full", "The disk that holds the bot's ledger is full; nothing was changed."),
    ("locked", "The bot's ledger is locked by another program; try again in a moment."),
    ("not a database", "The bot's ledger file is damaged or no SQLite file; restore it, or name another one."),
    ("malformed", "The bot's ledger file is damaged or no SQLite file; restore it, or name another one."),
    ("unable to open", "The bot's ledger file cannot be opened; check data_dir and its rights."),
    ("readonly", "The bot's ledger file cannot be written; check data_dir and its rights."),
)
"""By a part of the error's text: the driver gives no numbers to SQLAlchemy."""
POSTGRES_SENTENCES: Final = (
    ("53100", "The disk that holds the bot's ledger is full; nothing was changed."),
    ("53", "The bot's database is short of memory or connections; try again in a moment."),
    ("55P03", "The bot's ledger is locked by another program; try again in a moment."),
    ("40", CROWDED),
    ("28", REFUSED),
    ("3D", NO_DATABASE),
    ("42501", "The user in database.url may not do that; run `atelier migrate` as the database's owner."),
    ("XX", "The bot's database is damaged; restore it from a backup."),
)
"""By the beginning of the error's SQLSTATE."""
POSTGRES_GREETINGS: Final = (
    ("pg_hba.conf", "The bot's database takes no such connection from here; check sslmode in database.url."),
    ("authentication failed", REFUSED),
    ('role "', REFUSED),
    ('database "', NO_DATABASE),
)
"""By a part of the text in which a server refuses a connection, when there is no SQLSTATE yet."""
UNREACHABLE: Final = "The bot's database cannot be reached; try again in a moment."


def place_of(url: str) -> URL:
    """Where the ledger lies.

    Raises:
        LedgerUnusable: not a URL of SQLite or PostgreSQL.
    """
    try:
        place = make_url(url)
    except ArgumentError:
        place = None
    if place is None or place.get_backend_name() not in DRIVERS:
        raise LedgerUnusable("database.url must begin with sqlite:/// or postgresql://.")
    return place


def blocking_engine(place: URL) -> sa.Engine:
    """For a thread of its own."""
    driver, _ = DRIVERS[place.get_backend_name()]
    return sa.create_engine(place.set(drivername=driver), poolclass=sa.NullPool, **_settings(place))


def asyncio_engine(place: URL) -> AsyncEngine:
    """For the event loop, which never waits for it."""
    _, driver = DRIVERS[place.get_backend_name()]
    is_sqlite = place.get_backend_name() == "sqlite"
    # SQLite has one writer at a time, and lets those who wait for it starve; one connection is handed on in order.
    pool = {"pool_size": 1, "max_overflow": 0} if is_sqlite else {"pool_pre_ping": True}
    engine = create_async_engine(place.set(drivername=driver), **pool, **_settings(place))
    if is_sqlite:
        sa.event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _settings(place: URL) -> dict[str, Any]:  # Any: whatever the drivers take
    # Parameters hold interactions' tokens, and the text of an error ends in the log.
    settings: dict[str, Any] = {"hide_parameters": True}
    if place.get_backend_name() == "postgresql":
        settings["connect_args"] = {"connect_timeout": CONNECT_SECONDS, "application_name": "atelier"}
    return settings


def _prepare_sqlite(connection: Any, _: object) -> None:  # Any: the driver's own connection
    connection.isolation_level = None  # the driver's own BEGIN would come too late: see _begin_sqlite
    cursor = connection.cursor()
    # Written ahead, and synced at every commit: a job whose person was told "accepted" survives a power cut.
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """Take the write lock at once, so that what a transaction counted still holds when it writes."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def lock_the_line(connection: AsyncConnection) -> None:
    """Until the transaction ends, nobody else counts or takes turns; SQLite's transactions are so anyway."""
    if connection.dialect.name == "postgresql":
        await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LINE_LOCK)))


def insert_once(connection: AsyncConnection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """An INSERT that can say what happens if the row is there already."""
    return (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table)


def migrate(url: str, revision: str = "head") -> str:
    """Run every migration that the database lacks, up to that one; blocks. The newest revision there is.

    A database that is up to date is only read, so that a role without the right to change tables can work with it.

    Raises:
        LedgerUnusable: not a database that this version can use.
    """
    place = place_of(url)
    if place.get_backend_name() == "sqlite" and place.database:
        Path(place.database).parent.mkdir(parents=True, exist_ok=True)
    settings = AlembicConfig()
    settings.set_main_option("script_location", str(files("bot") / "migrations"))
    newest = ScriptDirectory.from_config(settings).get_current_head() or ""
    engine = blocking_engine(place)
    try:
        with told_in_a_sentence(), engine.begin() as connection:
            if connection.dialect.name == "postgresql":  # several processes may start at once
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LINE_LOCK)))
            if MigrationContext.configure(connection).get_current_revision() != newest:
                settings.attributes["connection"] = connection
                command.upgrade(settings, revision)
    except CommandError as error:
        raise LedgerUnusable(
            f"The ledger {place.database} was written by a newer version of Atelier; run that version, or another one."
        ) from error
    finally:
        engine.dispose()
    return newest


@contextmanager
def told_in_a_sentence() -> Iterator[None]:
    """Turn a database's trouble into `LedgerUnusable`; what is a mistake of ours stays as it is."""
    try:
        yield
    except sa.exc.TimeoutError as error:  # whoever has the connections waits for a lock
        raise LedgerUnusable(CROWDED) from error
    except DBAPIError as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        raise LedgerUnusable(sentence) from error


def _sentence(error: DBAPIError) -> str | None:
    text, code = str(error.orig).lower(), getattr(error.orig, "sqlstate", "")
    if type(error.orig).__module__.startswith("psycopg"):
        known = [sentence for start, sentence in POSTGRES_SENTENCES if code and code.startswith(start)]
        if not code and "fatal:" in text:
            known = [sentence for sign, sentence in POSTGRES_GREETINGS if sign in text.partition("fatal:")[2]]
        lost = error.connection_invalidated or not code or code.startswith(("08", "57P"))
        return known[0] if known else UNREACHABLE if lost and isinstance(error, sa.exc.OperationalError) else None
    return next((sentence for sign, sentence in SQLITE_SENTENCES if sign in text), None)
