"""How late the event loop is while the GPU thread paints and pictures are decoded: a task that wakes every 50 ms.

    .venv/bin/python tests/benchmarks/heartbeat.py --size 512

Runs the real ledger, queue, decode processes, painting thread and service on our own sample and preset.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import engine
from bot.decode import DecodePool
from bot.gpu import GpuThread
from bot.jobs import LOCAL_OWNER, Address, Painted, Request
from bot.ledger import open_ledger
from bot.queue import LedgerQueue
from bot.service import Limits, StyleService
from bot.styles import Styles, bundled, samples
from bot.wires import LocalWire

BEAT_SECONDS = 0.05


async def lags_while_painting(size: int, folder: Path) -> tuple[list[float], float]:
    """The lag of every beat in seconds, and how long the job took from request to result."""
    ledger = await open_ledger(f"sqlite:///{folder}/ledger.db")
    decoder = DecodePool()
    gpu = GpuThread(lambda: engine.load_encoder("embedded"), engine.stylize)
    await gpu.start()
    queue = LedgerQueue(ledger, LocalWire(), "worker")
    styles = await asyncio.to_thread(Styles, [bundled()])
    service = StyleService(queue, ledger, decoder, styles, Limits())
    running = [asyncio.create_task(work) for work in (queue.run(), queue.run_worker(gpu, decoder))]
    lags: list[float] = []

    async def beat() -> None:
        while True:
            due = time.perf_counter() + BEAT_SECONDS
            await asyncio.sleep(BEAT_SECONDS)
            lags.append(time.perf_counter() - due)

    heart = asyncio.create_task(beat())
    began = time.perf_counter()
    preset = styles.search()[0].name
    content = await asyncio.to_thread(samples()[0].read_bytes)
    job = await service.submit(Request(LOCAL_OWNER, Address("page"), content=content, preset=preset, size=size))
    news = [told async for told in service.watch(job.id)]
    assert isinstance(news[-1], Painted), news[-1]
    await service.result(job.id)
    took = time.perf_counter() - began
    for task in (heart, *running):
        task.cancel()
    await asyncio.gather(heart, *running, return_exceptions=True)
    await gpu.close()
    await decoder.close()
    await ledger.close()
    return lags, took


def main(arguments: Sequence[str] | None = None) -> int:
    """Print median, 99th percentile and worst lag."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512)
    parser.add_argument("--quick", action="store_true", help="64 pixels")
    wishes = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        lags, took = asyncio.run(lags_while_painting(64 if wishes.quick else wishes.size, Path(folder)))
    lags.sort()
    at = {
        name: 1000 * lags[min(len(lags) - 1, int(share * len(lags)))]
        for name, share in (("median", 0.5), ("p99", 0.99), ("worst", 1.0))
    }
    print(
        f"{len(lags)} beats in {took:.1f} s; lag in ms: " + ", ".join(f"{name} {lag:.1f}" for name, lag in at.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
