"""The one thread that paints: the engine on one side, the event loop on the other."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, Final, Protocol, cast

import numpy as np

from bot.jobs import PaintOrder, Picture, Progress
from engine.errors import Cancelled
from engine.images import Pixels, encode_jpeg, resize
from engine.options import MIN_SIZE, Options

if TYPE_CHECKING:
    from collections.abc import Generator

    from engine.encoders import Encoder
    from engine.step import Style
    from engine.targets import MeasureCache

PROGRESS_SECONDS: Final = 0.25
PREVIEW_SECONDS: Final = 2.0
PREVIEW_LONG_EDGE: Final = 320
WARM_UP: Final = Options(size=MIN_SIZE, quality="draft")
GUESS_FROM: Final = 0.05
"""The time left is told from this share of the work on: the first iterations are slow, and would promise too much."""


class Step(Protocol):
    """What is needed of `engine.step.Step`."""

    @property
    def work(self) -> float:
        """Share of the whole work that is done."""

    @property
    def note(self) -> str | None:
        """What the person should know of this painting."""

    def image(self) -> Pixels:
        """The picture as it is now."""


class Stylize(Protocol):
    """What is needed of `engine.stylize`."""

    def __call__(
        self,
        content: Pixels,
        styles: "Sequence[Style]",
        encoder: "Encoder",
        options: Options,
        /,
        *,
        cache: "MeasureCache | None",
        is_cancelled: Callable[[], bool],
    ) -> Iterator[Step]:
        """One step an iteration; `cache` remembers what paintings measure. Raises `Cancelled` if it is."""


class GpuThread:
    """Fulfils `bot.protocols.Painter`: one picture at a time, on one thread, with one encoder that it keeps.

    Args:
        load_encoder: called once, on the thread; torch is first imported there.
        stylize: `engine.stylize`.
    """

    def __init__(self, load_encoder: "Callable[[], Encoder]", stylize: Stylize) -> None:
        self._load_encoder = load_encoder
        self._stylize = stylize
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gpu")
        self._encoder: Encoder | None = None
        self._cache: MeasureCache | None = None

    async def start(self) -> "Encoder":
        """Load the encoder and warm up; raises `engine.errors.WeightsUnusable`.

        torch imports and prepares much at its first iteration, which would make the loop stutter later. What is
        loaded by then stays for ever, so it is taken out of the garbage collector's sight: a full collection of it
        holds every thread, the loop's too, for a tenth of a second.
        """
        encoder = await asyncio.get_running_loop().run_in_executor(self._executor, self._ready)
        grey = np.full((MIN_SIZE, MIN_SIZE, 3), 128, np.uint8)
        await self.paint(PaintOrder(grey, grey, WARM_UP), lambda _: None, Event())
        gc.collect()
        gc.freeze()
        return encoder

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Event) -> Picture | None:
        """The finished picture, or None if `stop` was set meanwhile.

        Cancelling this call stops the painting and waits until the thread is free.
        """
        loop = asyncio.get_running_loop()
        mailbox = _Mailbox(loop, on_progress)
        painting = loop.run_in_executor(self._executor, self._paint, order, mailbox.post, stop)
        try:
            return await asyncio.shield(painting)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([painting])
            raise

    async def close(self) -> None:
        """Wait for the thread and end it."""
        await asyncio.to_thread(self._executor.shutdown)
        gc.unfreeze()

    def _ready(self) -> "Encoder":
        if self._encoder is None:
            from engine.targets import MeasureCache  # here, because it brings torch, which belongs to this thread

            self._encoder = self._load_encoder()
            self._cache = MeasureCache()  # presets come again and again
        return self._encoder

    def _paint(self, order: PaintOrder, post: Callable[[Progress], None], stop: Event) -> Picture | None:
        from engine.step import Style  # here, because it brings torch

        encoder = self._ready()
        began = told = shown = time.monotonic()
        steps = self._stylize(
            order.content, [Style(order.style)], encoder, order.options, cache=self._cache, is_cancelled=stop.is_set
        )
        picture: Picture | None = None
        with suppress(Cancelled), closing(cast("Generator[Step, None, None]", steps)):
            for step in steps:
                if stop.is_set():
                    return None
                now = time.monotonic()
                if step.work >= 1:
                    picture = Picture(step.image(), encoder.name, time.monotonic() - began, step.note)
                elif now - told >= PROGRESS_SECONDS:
                    preview = None
                    if now - shown >= PREVIEW_SECONDS:
                        preview = _preview(step.image())
                        shown = now
                    left = (now - began) / step.work * (1 - step.work) if step.work > GUESS_FROM else None
                    post(Progress(step.work, left, preview))
                    told = now
        return picture


def _preview(pixels: Pixels) -> bytes:
    return encode_jpeg(resize(pixels, min(PREVIEW_LONG_EDGE, max(pixels.shape[:2]))), quality=80)


class _Mailbox:
    """Carries progress from the thread to the loop: the newest only, and never more than one call under way.

    A preview that was not delivered yet is kept when plain progress overtakes it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, deliver: Callable[[Progress], None]) -> None:
        self._loop = loop
        self._deliver_to = deliver
        self._lock = threading.Lock()
        self._waiting: Progress | None = None

    def post(self, progress: Progress) -> None:
        """From the painting thread; never waits for the loop."""
        with self._lock:
            is_first = self._waiting is None
            if self._waiting and progress.preview is None:
                progress = replace(progress, preview=self._waiting.preview)
            self._waiting = progress
        if is_first:
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            progress, self._waiting = self._waiting, None
        if progress:
            self._deliver_to(progress)
