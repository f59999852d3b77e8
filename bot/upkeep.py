"""What must be done now and then whoever is alive: bury dead workers, bring stragglers into the line, sweep."""

import asyncio
import logging
import time
from collections.abc import Iterable
from typing import Final

from bot.jobs import Changed, JobState, LedgerUnusable, Retention
from bot.protocols import Ledger, Wire

log = logging.getLogger(__name__)

UPKEEP_SECONDS: Final = 1.0
"""Between two looks at who is dead, overdue or forgotten in between.

A ledger that was away between two looks, unseen, counts as a worker's silence: that must be allowed to last longer.
"""
SWEEP_SECONDS: Final = 3600.0


class Upkeep:
    """Every process does it, and it does not matter how many do.

    Args:
        silence_seconds: a worker whose heart stands still for so long is dead; None: nobody is looked after, since this
            process is alone.
        retention: how long ended jobs are kept; None: for ever.
    """

    def __init__(
        self, ledger: Ledger, wire: Wire, silence_seconds: float | None = None, retention: Retention | None = None
    ) -> None:
        self._ledger = ledger
        self._wire = wire
        self._silence_seconds = silence_seconds
        self._retention = retention
        self._hearts: dict[str, tuple[int | None, float]] = {}
        self._swept_at = -SWEEP_SECONDS

    async def run(self) -> None:
        """Until cancelled; a ledger that is away is waited for."""
        while True:
            try:
                await self._look_after()
            except LedgerUnusable as error:
                log.warning("%s Upkeep waits.", error)
                self._hearts.clear()  # nobody could beat: from the next look everyone may be silent anew
            await asyncio.sleep(UPKEEP_SECONDS)

    async def bury_predecessors(self) -> None:
        """For a process that is alone in the ledger: every worker that stands in it is dead."""
        for worker, beats in (await self._ledger.beats()).items():
            orphans = await self._ledger.bury(worker, beats)
            log.info("%d job(s) were interrupted when the bot stopped", len(orphans))
            await self._tell(orphans, JobState.QUEUED)

    async def _look_after(self) -> None:
        await self._tell(await self._ledger.adopt(), JobState.QUEUED)
        await self._tell(await self._ledger.expire_overdue(), JobState.EXPIRED)
        if self._silence_seconds is not None:
            await self._bury_the_silent(self._silence_seconds)
        if self._retention and time.monotonic() - self._swept_at >= SWEEP_SECONDS:
            self._swept_at = time.monotonic()
            await self._ledger.sweep(self._retention)

    async def _bury_the_silent(self, silence_seconds: float) -> None:
        """Time is this process's own, so that no clock that differs or is set can kill anybody."""
        now, beats = time.monotonic(), await self._ledger.beats()
        for worker in self._hearts.keys() - beats.keys():
            del self._hearts[worker]
        for worker, count in beats.items():
            last, since = self._hearts.get(worker, (None, now))
            if worker not in self._hearts or count != last:
                self._hearts[worker] = count, now
            elif now - since >= silence_seconds:
                orphans = await self._ledger.bury(worker, count)
                log.warning("worker %s was silent for %.0f s; %d job(s) in its hand", worker, now - since, len(orphans))
                await self._tell(orphans, JobState.QUEUED)

    async def _tell(self, job_ids: Iterable[str], state: JobState) -> None:
        for job_id in job_ids:
            await self._wire.tell(Changed(job_id, state))
