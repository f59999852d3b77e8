"""The painting thread: the loop never waits for it, and it never outlives a stop."""

import asyncio
import threading
import time
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
from engine.errors import Cancelled, OutOfMemory
from engine.images import Pixels, open_picture
from engine.options import Options
from engine.step import Style

ORDER = PaintOrder(a_photo(), a_painting(), Options(size=64, quality="draft"))


@dataclass
class FakeStep:
    work: float
    size: int = 64
    note: str | None = None

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

    def steps(
        content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options, **ways: object
    ) -> Iterator[FakeStep]:
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

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
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

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
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

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
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


async def test_setting_stop_ends_an_iteration_under_way() -> None:
    """One of a picture in blocks takes a minute: the engine asks many times whether it should go on."""
    stop = threading.Event()

    def steps(*_: object, is_cancelled: Callable[[], bool], **ways: object) -> Iterator[FakeStep]:
        stop.set()
        if is_cancelled():
            raise Cancelled("The painting was stopped.")
        yield FakeStep(1.0)

    gpu = GpuThread(load_encoder, steps)

    assert await gpu.paint(ORDER, lambda _: None, stop) is None

    await gpu.close()


async def test_cancelling_the_call_waits_until_the_thread_is_free() -> None:
    """At a graceful stop the job is handed back only when nobody paints it any more."""
    began, closed = threading.Event(), threading.Event()

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
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


async def test_what_the_engine_has_to_say_comes_with_the_picture() -> None:
    """A smaller picture with a sentence is better than none."""

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
        yield FakeStep(1.0, note="There was not enough memory for 512 pixels.")

    gpu = GpuThread(load_encoder, steps)

    picture = await gpu.paint(ORDER, print, threading.Event())

    await gpu.close()
    assert picture is not None
    assert picture.note == "There was not enough memory for 512 pixels."


async def test_memory_that_is_full_is_told() -> None:
    """The engine has tried all it could by then."""

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
        raise OutOfMemory("There is not enough memory to paint this picture; choose a smaller size.")
        yield

    gpu = GpuThread(load_encoder, steps)

    with pytest.raises(OutOfMemory, match="choose a smaller size"):
        await gpu.paint(ORDER, print, threading.Event())

    await gpu.close()


async def test_what_a_painting_measures_is_remembered_for_the_next_job() -> None:
    """Presets come again and again."""
    caches: list[object] = []

    def steps(*_: object, **ways: object) -> Iterator[FakeStep]:
        caches.append(ways["cache"])
        yield FakeStep(1.0)

    gpu = GpuThread(load_encoder, steps)

    await gpu.paint(ORDER, print, threading.Event())
    await gpu.paint(ORDER, print, threading.Event())

    await gpu.close()
    assert caches[0] is not None
    assert caches[0] is caches[1]


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
