"""A worker's heartbeat: from a thread and a connection of its own, so that no painting and no busy loop delays it."""

import logging
import threading

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from bot.ledger import tables
from bot.ledger.database import blocking_engine, place_of

log = logging.getLogger(__name__)


class Heart:
    """Counts up the worker's row; whoever sees the number stand still for long enough may bury the worker.

    A count and not a time, because the clocks of two machines need not agree, and may be set.

    Args:
        url: the ledger's.
        worker: its name.
        seconds: between two beats.
    """

    def __init__(self, url: str, worker: str, seconds: float) -> None:
        self._engine = blocking_engine(place_of(url))
        self._worker = worker
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Beat from now on; a database that is away is tried again at the next beat."""
        self._thread.start()

    def stop(self) -> None:
        """Take the row away: the worker leaves, it does not die. Blocks until that is done or tried."""
        self._stopped.set()
        self._thread.join()

    def _beat_on(self) -> None:
        connection: sa.Connection | None = None
        while True:
            leaving = self._stopped.is_set()
            try:
                if connection is None:
                    connection = self._engine.connect()
                with connection.begin():
                    self._leave(connection) if leaving else self._beat(connection)
            except SQLAlchemyError as error:
                log.warning("the heart of %s missed a beat: %s", self._worker, type(error).__name__)
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                connection = None
            if leaving:
                break
            self._stopped.wait(self._seconds)
        if connection is not None:
            connection.close()
        self._engine.dispose()

    def _beat(self, connection: sa.Connection) -> None:
        mine = tables.workers.c.id == self._worker
        beat = sa.update(tables.workers).where(mine).values(beats=tables.workers.c.beats + 1)
        if not connection.execute(beat).rowcount:  # the first, or it was buried by mistake
            connection.execute(sa.insert(tables.workers).values(id=self._worker, beats=1))

    def _leave(self, connection: sa.Connection) -> None:
        connection.execute(sa.delete(tables.workers).where(tables.workers.c.id == self._worker))
