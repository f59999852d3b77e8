"""Everything that runs beside each other in one process, until one of its parts fails or it is asked to stop."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

Work = Callable[[], Coroutine[Any, Any, None]]
"""What runs until it is cancelled."""


async def run_until(stop: asyncio.Event, work: Sequence[Work], drain: Callable[[], Awaitable[None]]) -> None:
    """Run all of them until asked to stop, then drain and cancel them; an error of one ends all, and goes up."""
    tasks = [asyncio.create_task(begin()) for begin in work]
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
    if stop.is_set():
        await drain()
    failed = [task for task in tasks if task.done()]
    for task in (asked, *tasks):
        task.cancel()
    await asyncio.gather(asked, *tasks, return_exceptions=True)
    for task in failed:
        task.result()
