"""Atelier's commands.

    atelier run       front-ends and worker in one process (also `python -m bot`)
    atelier bot       front-ends only; the painting is done by workers that share a PostgreSQL ledger
    atelier worker    one of those workers, without Discord
    atelier migrate   bring the ledger to this version's tables, as the owner of the database
    atelier paint     one picture from the command line (also `python -m engine`)
    atelier presets   list, check, preview and fetch presets
    atelier preset    paint one of our own presets anew (also `python -m engine.painters`)

The first three read the configuration, build the parts, run them, and stop them at Ctrl-C or SIGTERM: the job in hand
is finished if that is soon done, else it goes back to its place in line. Exit codes: 0 stopped as asked, 2 refused to
start, or could not go on (one sentence says why).
"""

import argparse
import asyncio
import fcntl
import logging
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Final

import engine
import engine.__main__
import engine.painters.__main__
from bot import presets_command
from bot.cogs import DiscordFrontEnd, LoginFailed
from bot.config import Config, ConfigError, load
from bot.decode import DecodePool
from bot.gpu import GpuThread
from bot.jobs import JobError, Retention
from bot.ledger import Heart, PostgresWire, migrate, open_ledger
from bot.protocols import Wire
from bot.queue import LedgerQueue
from bot.running import Work, run_until
from bot.service import Limits, StyleService
from bot.styles import Styles, preset_folders, samples
from bot.web import LocalPage
from bot.wires import LocalWire
from engine.errors import EngineError
from engine.heap import keep_what_is_freed
from engine.images import Limits as PictureLimits

log = logging.getLogger(__name__)

ELSEWHERE: Final[Mapping[str, Callable[[Sequence[str]], int]]] = {
    "paint": engine.__main__.main,
    "presets": presets_command.main,
    "preset": engine.painters.__main__.main,
}
"""Commands that other modules answer."""
COMMANDS: Final = ("run", "bot", "worker", "migrate", *ELSEWHERE)
DEFAULT_SIZE_ON_A_CPU: Final = 512
DEFAULT_SIZE_ON_AN_ACCELERATOR: Final = 1024
BEATS_OF_SILENCE: Final = 4
"""A heart beats so many times in the silence after which a worker counts as dead."""


class StartRefused(Exception):
    """The bot cannot start; `str(error)` is one sentence for its operator."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments and arguments[0] in ELSEWHERE:
        return ELSEWHERE[arguments[0]](arguments[1:])
    parser = argparse.ArgumentParser(
        prog="atelier", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", nargs="?", choices=COMMANDS, default="run")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the configuration; ./config.toml if there is one")
    wishes = parser.parse_args(arguments)
    try:
        config = load(wishes.config)
        logging.basicConfig(level=config.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        logging.getLogger("alembic").setLevel(logging.WARNING)
        if wishes.command == "migrate":
            migrate(config.database_url)
            return 0
        keep_what_is_freed()
        is_cluster = config.database_url.startswith("postgresql")
        if wishes.command != "run" and not is_cluster:
            raise StartRefused(
                f"atelier {wishes.command} shares its ledger with other processes: set database.url to postgresql://…, "
                "or use atelier run."
            )
        with nullcontext() if is_cluster else _alone_in(config.data_dir):
            asyncio.run(serve(config, wishes.command, is_cluster=is_cluster))
    except (ConfigError, StartRefused, JobError, EngineError, LoginFailed) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


async def serve(config: Config, command: str, *, is_cluster: bool) -> None:
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
        wire: Wire = LocalWire()
        if is_cluster:
            wire = PostgresWire(config.database_url)
            parts.push_async_callback(wire.close)
        worker = f"{socket.gethostname()[:60]}-{secrets.token_hex(4)}"
        queue = LedgerQueue(
            ledger,
            wire,
            worker,
            silence_seconds=config.queue.silence_seconds if is_cluster else None,
            retention=Retention(config.keep.inputs_days, config.keep.results_days, config.keep.jobs_days),
        )
        work: list[Work] = [queue.run]
        device = "cpu"
        if command != "bot":
            gpu = GpuThread(
                lambda: engine.load_encoder(config.engine.encoder, config.engine.weights, config.engine.device),
                # Looked up on the painting thread: the first look imports torch, which takes seconds.
                lambda *order, **ways: engine.stylize(*order, **ways),
            )
            parts.push_async_callback(gpu.close)
            encoder = await gpu.start()
            device = encoder.device.type
            log.info("painting with the %s encoder on %s", encoder.name, encoder.device)
            if is_cluster:
                heart = Heart(config.database_url, worker, config.queue.silence_seconds / BEATS_OF_SILENCE)
                parts.push_async_callback(asyncio.to_thread, heart.stop)
                heart.start()
            work.append(partial(queue.run_worker, gpu, decoder))
        if command != "worker":
            styles = await asyncio.to_thread(_styles, config)
            service = StyleService(queue, ledger, decoder, styles, _limits(config, device))
            work.append(styles.keep_fresh)
            work.extend(await _front_ends(config, service, parts))
        if command == "worker":
            print(f"Worker {worker} is ready.", flush=True)
        await run_until(stop, work, partial(queue.drain, config.queue.stop_seconds))


async def _front_ends(config: Config, service: StyleService, parts: AsyncExitStack) -> Sequence[Work]:
    """Discord where there is a token, the local page where it is wanted; what is to be run of them."""
    work: list[Work] = []
    token = config.discord.token
    if token is not None:
        discord = DiscordFrontEnd(service, config.discord)
        parts.push_async_callback(discord.close)
        work.append(partial(discord.run, token.get_secret_value()))
    if config.web.enabled or (config.web.enabled is None and token is None):
        page = LocalPage(service, port=config.web.port, upload_bytes=config.limits.upload_bytes, samples=samples())
        parts.push_async_callback(page.close)
        url = await page.start()
        why = "The local page" if token else "No DISCORD_TOKEN is set, so the bot serves a local page"
        print(f"{why}: {url}", flush=True)
    return work


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
