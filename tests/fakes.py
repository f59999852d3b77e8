"""Small stand-ins for the slow parts; `test_fakes.py` checks that each still has the shape of the real one."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from threading import Event

import numpy as np
from pictures import a_painting, a_photo

from bot.jobs import Address, Encoded, Job, Opened, Owner, PaintOrder, Picture, Progress, digest
from engine.images import Pixels, encode_png, open_picture
from engine.options import Options


class FakeDecoder:
    """Opens and writes in this very process."""

    async def open(self, data: bytes) -> Opened:
        pixels = open_picture(data)
        return Opened(encode_png(pixels), pixels.shape[1], pixels.shape[0])

    async def pixels(self, png: bytes) -> Pixels:
        return open_picture(png)

    async def encode(self, pixels: Pixels, limit_bytes: int | None = None) -> Encoded:
        data = encode_png(pixels)
        return Encoded(data, "png") if limit_bytes is None or len(data) <= limit_bytes else Encoded(data[:9], "jpg")


class FakePainter:
    """Paints what it is told to: `behave` is called for every order and may wait, raise, or report progress."""

    def __init__(self, behave: "Callable[[FakePainter, PaintOrder], None] | None" = None) -> None:
        self.orders: list[PaintOrder] = []
        self.has_begun = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.tell: Callable[[Progress], None] = lambda progress: None
        self._behave = behave

    async def paint(self, order: PaintOrder, on_progress: Callable[[Progress], None], stop: Event) -> Picture | None:
        self.orders.append(order)
        self.tell = on_progress
        self.has_begun.set()
        if self._behave:
            self._behave(self, order)
        while not self.may_end.is_set() and not stop.is_set():  # noqa: ASYNC110  # the real thread polls too
            await asyncio.sleep(0.001)
        if stop.is_set():
            return None
        return Picture(255 - order.content, "fake", paint_seconds=2.0)


def a_job(user_id: int = 7, guild_id: int | None = 1, **more: object) -> tuple[Job, dict[str, bytes]]:
    """A job and its two pictures."""
    content, style = encode_png(a_photo()), encode_png(a_painting())
    job = Job(
        owner=Owner(user_id, guild_id),
        address=Address("page", {"message": 5}),
        content=digest(content),
        style=digest(style),
        style_name="your painting",
        options=Options(size=64),
    )
    job = replace(job, **more)  # type: ignore[arg-type]  # whatever the test wants different
    return job, {job.content: content, job.style: style}


def a_picture() -> Picture:
    """A finished one, of one colour."""
    return Picture(np.full((48, 64, 3), 99, np.uint8), "fake", paint_seconds=3.0, note="Smaller.")
