"""Events between the queue's parts where everything runs in one process."""

import asyncio
from collections.abc import Callable

from bot.jobs import Event


class LocalWire:
    """Fulfils `bot.protocols.Wire`; nothing is lost, and nobody waits."""

    carries_previews = True

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    async def tell(self, event: Event) -> None:
        """To every listener, at once."""
        for hear in self._listeners:
            hear(event)

    async def listen(self, hear: Callable[[Event], None]) -> None:
        """Call `hear` for every event until cancelled."""
        self._listeners.append(hear)
        try:
            await asyncio.Event().wait()
        finally:
            self._listeners.remove(hear)
