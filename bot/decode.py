"""The processes that open untrusted pictures: each with a memory and a time limit, none of them on the event loop.

A picture that kills, hangs or bloats its decoder costs that one process, which is replaced; the bot goes on.
"""

import asyncio
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Final, TypeVar, cast

from pebble import ProcessExpired, ProcessPool

from bot.jobs import Encoded, Opened
from engine.errors import PictureRefused
from engine.images import Limits, Pixels, encode_png, encode_under, open_picture, resize

T = TypeVar("T")

LONG_EDGE: Final = 2048
"""Larger uploads are reduced to it when they are stored: twice the largest usual result."""
_OUR_OWN: Final = Limits(max_bytes=sys.maxsize, max_pixels=sys.maxsize, min_edge=1, max_aspect=sys.maxsize)
"""For pictures that `open` wrote: a PNG may be larger than the JPEG that was uploaded."""
_PARENT_DIED: Final = 1  # Linux's PR_SET_PDEATHSIG


class DecodePool:
    """Fulfils `bot.protocols.Decoder`.

    Args:
        processes: how many pictures are opened at once.
        memory_bytes: address space that each process may take beyond what it has when it starts.
        timeout_seconds: for one picture.
        limits: of uploads.
        long_edge: larger uploads are stored reduced to it.
    """

    def __init__(
        self,
        *,
        processes: int = 1,
        memory_bytes: int = 2 * 2**30,
        timeout_seconds: float = 20.0,
        limits: Limits = Limits(),  # noqa: B008  # frozen, so safe to share
        long_edge: int = LONG_EDGE,
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._limits = limits
        self._long_edge = long_edge
        self._processes = processes
        self._memory_bytes = memory_bytes
        self._pool = self._new_pool()
        self._unanswered: set[Future[Any]] = set()  # Any: pebble's futures are not generic
        self._is_closed = False
        # Starting a process blocks. One thread for the pool's whole life, since a process dies with its starter.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="decode")

    async def open(self, data: bytes) -> Opened:
        """The uploaded picture, checked and cleaned, as a PNG."""
        return await self.run(_open, data, self._limits, self._long_edge)

    async def pixels(self, png: bytes) -> Pixels:
        """The array of a picture that `open` cleaned."""
        return await self.run(open_picture, png, _OUR_OWN)

    async def encode(self, pixels: Pixels, limit_bytes: int | None = None) -> Encoded:
        """A PNG where it fits under the limit, else the best JPEG that does."""
        return Encoded(*await self.run(encode_under, pixels, limit_bytes))

    async def run(self, function: Callable[..., T], *arguments: object) -> T:
        """What the function answers, from one of the processes.

        Raises:
            PictureRefused: the function's own refusal; or it died, hung, asked for too much memory, or the pool is
                closed meanwhile.
        """
        try:
            try:
                return await self._try(function, arguments)
            except BrokenProcessPool:  # a process died while it waited for this picture, so not because of it
                return await self._try(function, arguments)
        except TimeoutError as error:
            raise PictureRefused(
                "This picture takes too long to open; save it as a plain JPEG and send that."
            ) from error
        except (ProcessExpired, BrokenProcessPool, MemoryError) as error:
            raise PictureRefused("This picture is too much to open; save it smaller, as a plain JPEG.") from error

    async def close(self) -> None:
        """End the processes; whoever still waits for a picture is refused."""
        self._is_closed = True
        await asyncio.get_running_loop().run_in_executor(self._starter, self._end)
        self._starter.shutdown(wait=False)

    async def _try(self, function: Callable[..., T], arguments: tuple[object, ...]) -> T:
        if self._is_closed:
            raise PictureRefused("The bot is being stopped; send this picture again in a minute.")
        future = await asyncio.get_running_loop().run_in_executor(self._starter, self._schedule, function, arguments)
        return cast("T", await asyncio.wrap_future(future))

    def _schedule(self, function: Callable[..., T], arguments: tuple[object, ...]) -> "Future[Any]":
        if not self._pool.active:  # pebble gives a pool up for good when a process dies that had nothing to do
            self._end()
            self._pool = self._new_pool()
        future = cast("Future[Any]", self._pool.schedule(function, args=arguments, timeout=self._timeout_seconds))
        self._unanswered.add(future)
        future.add_done_callback(self._unanswered.discard)
        return future

    def _end(self) -> None:
        self._pool.stop()
        self._pool.join()
        for future in tuple(self._unanswered):  # pebble would leave them waiting for ever
            future.set_exception(BrokenProcessPool("The pool has ended."))

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._processes,
            initializer=_confine,
            initargs=[self._memory_bytes, os.getpid()],
            # Not forked: the bot's process has torch's threads, and a forked one would copy their locks.
            context=multiprocessing.get_context("spawn"),
        )


def _open(data: bytes, limits: Limits, long_edge: int) -> Opened:
    pixels = open_picture(data, limits)
    if max(pixels.shape) > long_edge:
        pixels = resize(pixels, long_edge)
    return Opened(encode_png(pixels, compress_level=1), pixels.shape[1], pixels.shape[0])


def _confine(memory_bytes: int, bot: int) -> None:
    """Run in each new process: limit its memory, and let it die with the bot."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bot's to handle
    if sys.platform == "linux":
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: SIM115, PTH123
        _, most = resource.getrlimit(resource.RLIMIT_AS)  # the system's own, which may only be lowered
        limit = used + memory_bytes if most == resource.RLIM_INFINITY else min(used + memory_bytes, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        # Even a bot that was killed with -9 leaves no process behind.
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
        if os.getppid() != bot:  # it died before we asked
            os._exit(1)
