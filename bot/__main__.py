"""Atelier's commands: `atelier run` (also `python -m bot`), and those that other modules answer (`ELSEWHERE`).

`run` reads the configuration, builds the parts, runs them, and stops them at Ctrl-C or SIGTERM: the job in hand goes
back into the queue. Exit codes: 0 stopped as asked, 2 refused to start (one sentence says why).
"""

import argparse
import asyncio
import fcntl
import logging
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import engine
import engine.__main__
import engine.painters.__main__
from bot import presets_command
from bot.cogs import DiscordFrontEnd, LoginFailed
from bot.config import Config, ConfigError, load
from bot.decode import DecodePool
from bot.gpu import GpuThread
from bot.jobs import JobError
from bot.ledger import open_ledger
from bot.local_queue import LocalQueue
from bot.service import Limits, StyleService
from bot.styles import Styles, preset_folders, samples
from bot.web import LocalPage
from engine.errors import EngineError
from engine.heap import keep_what_is_freed
from engine.images import Limits as PictureLimits

ELSEWHERE: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "paint": engine.__main__.main,
    "presets": presets_command.main,
    "preset": engine.painters.__main__.main,
}
HELP: Final = "run the bot; paint one picture; list, check and preview presets; paint one of our presets anew"
DEFAULT_SIZE_ON_A_CPU = 512
DEFAULT_SIZE_ON_AN_ACCELERATOR = 1024


class StartRefused(Exception):
    """The bot cannot start; `str(error)` is one sentence for its operator."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in ELSEWHERE:
        return ELSEWHERE[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(prog="atelier", description="Repaints pictures in the style of a painting.")
    parser.add_argument("command", nargs="?", choices=("run", *ELSEWHERE), default="run", help=HELP)
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration; ./config.toml if there is one")
    wishes = parser.parse_args(arguments)
    try:
        config = load(wishes.config)
        logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("alembic").setLevel(logging.WARNING)
        keep_what_is_freed()
        with _alone_in(config.data_dir):
            asyncio.run(serve(config))
    except (ConfigError, StartRefused, JobError, EngineError, LoginFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def serve(config: Config) -> None:
    """Build the parts, run them until asked to stop, and stop them in the opposite order."""
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    async with AsyncExitStack() as parts:
        ledger = await open_ledger(config.database_url)
        parts.push_async_callback(ledger.close)
        decoder = DecodePool(
            processes=config.decode.processes,
            memory_bytes=config.decode.memory_bytes,
            timeout_seconds=config.decode.seconds,
            limits=PictureLimits(max_bytes=config.limits.upload_bytes, max_pixels=config.limits.upload_pixels),
            long_edge=2 * config.limits.max_size,
        )
        parts.push_async_callback(decoder.close)
        gpu = GpuThread(
            lambda: engine.load_encoder(config.engine.encoder, config.engine.weights, config.engine.device),
            # Looked up on the painting thread: the first look imports torch, which takes seconds.
            lambda *order, cache: engine.stylize(*order, cache=cache),
        )
        parts.push_async_callback(gpu.close)
        encoder = await gpu.start()
        logging.getLogger(__name__).info("painting with the %s encoder on %s", encoder.name, encoder.device)
        queue = LocalQueue(ledger)
        styles = await asyncio.to_thread(_styles, config)
        service = StyleService(queue, ledger, decoder, styles, _limits(config, encoder.device.type))
        running: list[Coroutine[Any, Any, None]] = [queue.run_worker(gpu, decoder), styles.keep_fresh()]
        token = config.discord.token
        if token is not None:
            discord = DiscordFrontEnd(service, config.discord)
            parts.push_async_callback(discord.close)
            running.append(discord.run(token.get_secret_value()))
        if config.web.enabled or (config.web.enabled is None and token is None):
            page = LocalPage(service, port=config.web.port, upload_bytes=config.limits.upload_bytes, samples=samples())
            parts.push_async_callback(page.close)
            url = await page.start()
            why = "The local page" if token else "No DISCORD_TOKEN is set, so the bot serves a local page"
            print(f"{why}: {url}", flush=True)
        await _run_until(stop, running)


async def _run_until(stop: asyncio.Event, running: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run all of them until asked to stop or until one fails; its error goes up."""
    tasks = [asyncio.create_task(coroutine) for coroutine in running]
    asked = asyncio.create_task(stop.wait())
    await asyncio.wait([asked, *tasks], return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in tasks if task.done()]
    for task in (asked, *tasks):
        task.cancel()
    await asyncio.gather(asked, *tasks, return_exceptions=True)
    for task in failed:
        task.result()


def _styles(config: Config) -> Styles:
    return Styles(preset_folders(config.presets_dir))


def _limits(config: Config, device: str) -> Limits:
    default_size = config.limits.default_size or (
        DEFAULT_SIZE_ON_A_CPU if device == "cpu" else DEFAULT_SIZE_ON_AN_ACCELERATOR
    )
    return Limits(
        open_jobs_per_person=config.limits.open_jobs_per_person,
        max_size=config.limits.max_size,
        default_size=min(default_size, config.limits.max_size),
        upload_bytes=config.limits.upload_bytes,
        quality=config.engine.quality,
    )


@contextmanager
def _alone_in(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock: two bots on one ledger would paint, and post, every picture twice."""
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock = (data_dir / "lock").open("w")
    except OSError as error:
        raise StartRefused(f"The data folder {data_dir} cannot be written: {error.strerror}.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StartRefused(
                f"Another Atelier is running on {data_dir}; stop it, or set another data_dir."
            ) from error
        yield


if __name__ == "__main__":
    sys.exit(main())
