"""Events between processes, by PostgreSQL's LISTEN and NOTIFY."""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Final

import psycopg

from bot.jobs import Changed, Event, JobState, Missed, Painting, Progressed
from bot.ledger.database import CONNECT_SECONDS, place_of

log = logging.getLogger(__name__)

CHANNEL: Final = "atelier"
PAUSES_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Before each new attempt to connect; the last one repeats."""


class PostgresWire:
    """Fulfils `bot.protocols.Wire`. An event is a few numbers: a notification holds 8,000 bytes, so previews are rows.

    The listening connection is made again whenever it breaks, and says so: `Missed`.
    """

    carries_previews = False

    def __init__(self, url: str) -> None:
        self._url = place_of(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._telling: psycopg.AsyncConnection | None = None
        self._one_at_a_time = asyncio.Lock()

    async def tell(self, event: Event) -> None:
        """To every process; an event that cannot be sent is dropped, since the ledger knows it all."""
        async with self._one_at_a_time:
            try:
                if self._telling is None or self._telling.closed:
                    self._telling = await self._connect()
                await self._telling.execute("SELECT pg_notify(%s, %s)", (CHANNEL, _to_text(event)))
            except psycopg.Error as error:
                log.info("an event was not sent: %s", type(error).__name__)
                await self._hang_up()

    async def listen(self, hear: Callable[[Event], None]) -> None:
        """Call `hear` for every event until cancelled."""
        failures = 0
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    failures = 0
                    hear(Missed())
                    async for notification in connection.notifies():
                        hear(_to_event(notification.payload))
            except psycopg.Error as error:
                log.info("listening broke off: %s", type(error).__name__)
            await asyncio.sleep(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
            failures += 1

    async def close(self) -> None:
        """Hang up."""
        async with self._one_at_a_time:
            await self._hang_up()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self._url,
            autocommit=True,
            connect_timeout=CONNECT_SECONDS,
            application_name="atelier wire",
            # A cut without a word is noticed within seconds, not after the system's two hours.
            keepalives_idle=5,
            keepalives_interval=2,
            keepalives_count=3,
        )

    async def _hang_up(self) -> None:
        if self._telling is not None:
            await self._telling.close()
            self._telling = None


def _to_text(event: Event) -> str:
    match event:
        case Changed(job_id, state):
            return json.dumps({"job": job_id, "state": state})
        case Progressed(job_id, news, has_preview):
            told = {"fraction": news.fraction, "seconds_left": news.seconds_left, "has_preview": has_preview}
            return json.dumps({"job": job_id, **told})
        case Missed():
            return json.dumps({})


def _to_event(text: str) -> Event:
    """`Missed` for what another version may have sent."""
    try:
        told = json.loads(text)
        if "state" in told:
            return Changed(told["job"], JobState(told["state"]))
        news = Painting(float(told["fraction"]), told["seconds_left"])
        return Progressed(told["job"], news, bool(told["has_preview"]))
    except (ValueError, KeyError, TypeError):
        return Missed()
