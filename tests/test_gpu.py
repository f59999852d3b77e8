"""The painting thread: the loop never waits for it, and it never outlives a stop."""

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from pictures import a_painting, a_photo

import engine
from bot.gpu import GpuThread
from bot.jobs import PaintOrder, Progress
from engine.encoders import EmbeddedEncoder, Encoder
from engine.errors import OutOfMemory
from engine.images import Pixels, open_picture
from engine.options import Options
from engine.step import Style

ORDER = PaintOrder(a_photo(), a_painting(), Options(size=64, quality="draft"))


@dataclass
class FakeStep:
    work: float
    size: int = 64

    def image(self) -> Pixels:
        return np.full((self.size, self.size, 3), round(255 * self.work), np.uint8)


def load_encoder() -> Encoder:
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


async def test_a_real_picture_is_painted_on_another_thread() -> None:
    """The engine itself, from order to picture."""
    gpu = GpuThread(load_encoder, engine.stylize)
    heard: list[Progress] = []

    picture = await gpu.paint(ORDER, heard.append, threading.Event())

    await gpu.close()
    assert picture is not None
    assert picture.pixels.shape == (48, 64, 3)
    assert picture.encoder == "embedded"
    assert picture.paint_seconds > 0
    assert picture.note is None


async def test_starting_warms_up_and_tells_who_paints() -> None:
    """The first person's picture should not pay for torch's first iteration."""
    painted: list[Options] = []

    def steps(content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options) -> Iterator[FakeStep]:
        painted.append(options)
        yield FakeStep(1.0)

    gpu = GpuThread(load_encoder, steps)

    encoder = await gpu.start()

    await gpu.close()
    assert encoder.name == "embedded"
    assert [options.size for options in painted] == [64]


async def test_progress_is_heard_on_the_loop_with_a_preview_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Front-ends are asyncio: nothing of theirs may run on the painting thread."""
    monkeypatch.setattr("bot.gpu.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("bot.gpu.PREVIEW_SECONDS", 0.0)
    heard: list[tuple[Progress, int]] = []
    delivered = threading.Event()

    def steps(*_: object) -> Iterator[FakeStep]:
        yield FakeStep(0.25, size=640)
        delivered.wait(5)
        yield FakeStep(1.0)

    def hear(progress: Progress) -> None:
        heard.append((progress, threading.get_ident()))
        delivered.set()

    gpu = GpuThread(load_encoder, steps)
    await gpu.paint(ORDER, hear, threading.Event())
    await gpu.close()

    (progress, thread), *_ = heard
    assert thread == threading.get_ident()
    assert progress.fraction == 0.25
    assert progress.seconds_left is not None
    assert progress.preview is not None
    assert max(open_picture(progress.preview).shape) == 320


async def test_the_preview_of_a_small_picture_is_not_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that show nothing more, several times a minute."""
    monkeypatch.setattr("bot.gpu.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("bot.gpu.PREVIEW_SECONDS", 0.0)
    heard: list[Progress] = []

    def steps(*_: object) -> Iterator[FakeStep]:
        yield FakeStep(0.25, size=128)
        yield FakeStep(1.0)

    gpu = GpuThread(load_encoder, steps)
    await gpu.paint(ORDER, heard.append, threading.Event())
    await gpu.close()

    assert heard[0].preview is not None
    assert max(open_picture(heard[0].preview).shape) == 128


async def test_setting_stop_ends_the_painting_after_one_iteration() -> None:
    """A cancelled job frees the GPU for the next person."""
    stop = threading.Event()
    painted = 0

    def steps(*_: object) -> Iterator[FakeStep]:
        nonlocal painted
        for index in range(1, 100):
            painted += 1
            if index == 3:
                stop.set()
            yield FakeStep(index / 100)

    gpu = GpuThread(load_encoder, steps)

    assert await gpu.paint(ORDER, lambda _: None, stop) is None

    await gpu.close()
    assert painted == 3


async def test_cancelling_the_call_waits_until_the_thread_is_free() -> None:
    """At a graceful stop the job is handed back only when nobody paints it any more."""
    began, closed = threading.Event(), threading.Event()

    def steps(*_: object) -> Iterator[FakeStep]:
        try:
            while True:
                began.set()
                yield FakeStep(0.5)
        finally:
            closed.set()

    gpu = GpuThread(load_encoder, steps)
    painting = asyncio.create_task(gpu.paint(ORDER, lambda _: None, threading.Event()))
    await asyncio.to_thread(began.wait, 5)

    painting.cancel()
    await asyncio.gather(painting, return_exceptions=True)

    assert painting.cancelled()
    assert closed.is_set()
    await gpu.close()


def full_above(size: int) -> Callable[[Pixels, Sequence[Style], Encoder, Options], Iterator[FakeStep]]:
    def steps(content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options) -> Iterator[FakeStep]:
        if options.size > size:
            raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.")
        yield FakeStep(1.0, size=options.size)

    return steps


async def test_full_memory_is_tried_once_more_smaller_and_said() -> None:
    """A smaller picture with a sentence is better than none."""
    gpu = GpuThread(load_encoder, full_above(400))

    picture = await gpu.paint(PaintOrder(a_photo(), a_painting(), Options(size=512)), print, threading.Event())

    await gpu.close()
    assert picture is not None
    assert picture.pixels.shape[0] == 358
    assert picture.note == "There was not enough memory for 512 pixels, so this one has 358."


async def test_memory_that_stays_full_is_told() -> None:
    """Once, not for ever."""
    gpu = GpuThread(load_encoder, full_above(10))

    with pytest.raises(OutOfMemory, match="choose a smaller one"):
        await gpu.paint(ORDER, print, threading.Event())

    await gpu.close()


async def test_an_attempt_that_filled_the_memory_gives_it_back() -> None:
    """Else the smaller attempt has no more room than the one that failed."""
    attempts: list[weakref.ref[Pixels]] = []
    still_held: list[bool] = []

    def steps(content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options) -> Iterator[FakeStep]:
        still_held.extend(attempt() is not None for attempt in attempts)
        tensor = np.zeros((options.size, options.size, 3), np.uint8)
        attempts.append(weakref.ref(tensor))
        if options.size > 400:
            raise OutOfMemory("There is not enough memory to paint at this size; choose a smaller one.")
        yield FakeStep(1.0)

    gpu = GpuThread(load_encoder, steps)
    order = PaintOrder(a_photo(), a_painting(), Options(size=512))
    gc.disable()  # it comes too late: the next allocation fails before
    try:
        await gpu.paint(order, lambda _: None, threading.Event())

        assert still_held == [False]
        assert [attempt() is None for attempt in attempts] == [True, True]
    finally:
        gc.enable()
        await gpu.close()


@pytest.mark.slow
async def test_the_heartbeat_goes_on_while_a_picture_is_painted() -> None:
    """Discord disconnects a bot whose loop sleeps; half a second is far below what it forgives."""
    gpu = GpuThread(load_encoder, engine.stylize)
    order = PaintOrder(a_photo(192, 256), a_painting(), Options(size=256))
    painting = asyncio.create_task(gpu.paint(order, lambda _: None, threading.Event()))
    lags = []

    while not painting.done():
        before = time.perf_counter()
        await asyncio.wait([painting], timeout=0.05)
        lags.append(time.perf_counter() - before - 0.05)

    await gpu.close()
    assert len(lags) > 10
    assert max(lags) < 0.5
