"""Whatever a picture does to the process that opens it, the bot goes on."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from pictures import a_photo

from bot.decode import DecodePool
from engine.errors import PictureRefused
from engine.images import Limits, encode_jpeg, encode_png, open_picture

pytestmark = pytest.mark.slow  # each test starts processes


@pytest.fixture
async def pool() -> AsyncIterator[DecodePool]:
    pool = DecodePool(memory_bytes=2**30, timeout_seconds=20, limits=Limits(max_bytes=10**6), long_edge=128)
    yield pool
    await pool.close()


def hang() -> None:
    time.sleep(600)


def hang_once_begun(beginning: Path) -> None:
    beginning.write_bytes(b"begun")
    hang()


def die() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def bloat() -> int:
    return int(np.ones(3 * 2**30, np.uint8).sum())


async def test_a_picture_is_opened_reduced_and_read_again(pool: DecodePool) -> None:
    """Upload, ledger, painter: the same picture all the way."""
    opened = await pool.open(encode_jpeg(a_photo(192, 256)))

    pixels = await pool.pixels(opened.png)

    assert (opened.width, opened.height) == (128, 96)
    assert pixels.shape == (96, 128, 3)


async def test_what_was_opened_can_be_read_again_whatever_the_limits_of_uploads() -> None:
    """A small JPEG becomes a larger PNG; it was accepted, so it is painted."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    upload = encode_jpeg(noise, quality=30)
    strict = DecodePool(limits=Limits(max_bytes=len(upload), min_edge=128), long_edge=120)

    opened = await strict.open(upload)

    assert len(opened.png) > len(upload)
    assert (await strict.pixels(opened.png)).shape == (120, 120, 3)
    await strict.close()


async def test_a_result_is_encoded_under_its_limit(pool: DecodePool) -> None:
    """What Discord takes."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)

    whole, small = await pool.encode(noise), await pool.encode(noise, 6000)

    assert whole.extension == "png"
    assert (open_picture(whole.data) == noise).all()
    assert small.extension == "jpg"
    assert len(small.data) <= 6000


async def test_a_refusal_comes_through_as_it_is(pool: DecodePool) -> None:
    """The sentence is written where the picture is looked at."""
    with pytest.raises(PictureRefused, match="no picture that can be read"):
        await pool.open(b"text")


@pytest.mark.parametrize("crime", [die, bloat])
async def test_a_process_that_dies_or_bloats_costs_one_refusal(pool: DecodePool, crime: object) -> None:
    """The next picture is opened as if nothing had happened."""
    with pytest.raises(PictureRefused, match="save it smaller"):
        await pool.run(crime)  # type: ignore[arg-type]  # one of the functions above

    assert (await pool.open(encode_png(a_photo()))).width == 64


async def test_a_process_that_dies_while_it_waits_is_replaced(pool: DecodePool) -> None:
    """When memory runs short, the system may take the one that does nothing."""
    process = await pool.run(os.getpid)

    os.kill(process, signal.SIGKILL)

    assert (await pool.open(encode_png(a_photo()))).width == 64
    assert await pool.run(os.getpid) != process


async def test_a_pool_that_was_never_used_can_be_closed() -> None:
    """The bot may be stopped before the first picture comes."""
    await DecodePool().close()


async def test_whoever_waits_when_the_pool_is_closed_is_told(tmp_path: Path) -> None:
    """A stop must not leave a person, or the stop itself, waiting for ever."""
    pool = DecodePool()
    beginning = tmp_path / "beginning"
    os.mkfifo(beginning)
    opening = asyncio.create_task(pool.run(hang_once_begun, beginning))
    await asyncio.to_thread(beginning.read_bytes)

    await pool.close()

    with pytest.raises(PictureRefused, match="being stopped"):
        await asyncio.wait_for(opening, timeout=10)
    assert not multiprocessing.active_children()


async def test_a_closed_pool_starts_nothing() -> None:
    """What comes too late is refused, not opened by a process that nobody ends."""
    pool = DecodePool()
    await pool.close()

    with pytest.raises(PictureRefused, match="being stopped"):
        await pool.open(encode_png(a_photo()))

    assert not multiprocessing.active_children()


async def test_a_picture_that_hangs_its_decoder_is_given_up() -> None:
    """The time limit ends the process, not only the waiting."""
    pool = DecodePool(timeout_seconds=3)

    with pytest.raises(PictureRefused, match="takes too long"):
        await pool.run(hang)

    assert (await pool.open(encode_png(a_photo()))).width == 64
    await pool.close()


async def test_the_loop_goes_on_while_pictures_are_opened(pool: DecodePool) -> None:
    """A heartbeat that is late is a bug."""
    await pool.open(encode_png(a_photo()))
    opening = asyncio.gather(*(pool.open(encode_jpeg(a_photo(600, 800))) for _ in range(4)))
    beats = 0

    while not opening.done():
        await asyncio.wait([opening], timeout=0.01)
        beats += 1

    assert beats > 3


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the children")
def test_a_bot_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    """kill -9 must not litter the machine with decoders."""
    script = tmp_path / "bot_to_be_killed.py"
    script.write_text(
        "import asyncio, sys, time\n"
        "from bot.decode import DecodePool\n"
        "import os\n"
        "async def main():\n"
        "    pool = DecodePool()\n"
        "    print(await pool.run(os.getpid), flush=True)\n"
        "    time.sleep(600)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment, text=True) as bot:
        assert bot.stdout is not None
        decoder = int(bot.stdout.readline())
        bot.kill()
        bot.wait()

    deadline = time.monotonic() + 10
    while Path(f"/proc/{decoder}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{decoder}").exists() or "Z" in Path(f"/proc/{decoder}/stat").read_text().split()[2]


@pytest.mark.skipif(sys.platform != "linux", reason="only there is memory limited")
def test_a_stricter_limit_of_the_system_is_kept(tmp_path: Path) -> None:
    """Under `ulimit -v` every picture would be refused as too large, though none is."""
    script = tmp_path / "limited_bot.py"
    script.write_text(
        "import asyncio, resource\n"
        "from bot.decode import DecodePool\n"
        "async def main():\n"
        "    pool = DecodePool(memory_bytes=2**40)\n"
        "    print(await pool.run(resource.getrlimit, resource.RLIMIT_AS))\n"
        "    await pool.close()\n"
        "if __name__ == '__main__':\n"
        "    resource.setrlimit(resource.RLIMIT_AS, (2**32, 2**32))\n"
        "    asyncio.run(main())\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}

    bot = subprocess.run([sys.executable, script], capture_output=True, env=environment, text=True, check=False)

    assert bot.stdout.strip() == str((2**32, 2**32)), bot.stderr
