"""The whole bot as its own process: started, used, killed, started again, stopped."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from aiohttp import FormData
from pictures import a_painting
from postgres import PostgresServer

from bot.__main__ import main
from engine.images import encode_png, open_picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


class Bot:
    """A running `python -m bot` on the local page."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def get(self, address: str) -> bytes:
        async with aiohttp.ClientSession(self.url) as client, client.get(address) as response:
            assert response.status == 200, await response.text()
            return await response.read()

    async def ask(self, size: int) -> str:
        """A sample in the style of a preset; the job's id."""
        form = FormData(default_to_multipart=True)
        for name, value in (("sample", "hills-at-dusk"), ("preset", "dusk-dots"), ("size", str(size))):
            form.add_field(name, value)
        async with aiohttp.ClientSession(self.url) as client, client.post("/api/jobs", data=form) as response:
            assert response.status == 202, await response.text()
            answer: dict[str, str] = await response.json()
        return answer["id"]

    async def hear(self, job: str, word: str) -> None:
        """Wait until the job's news hold the word."""
        async with aiohttp.ClientSession(self.url) as client, client.get(f"/api/jobs/{job}/events") as response:
            async for line in response.content:
                if word in line.decode():
                    return
        raise AssertionError(f"no news of job {job} held {word!r}")


async def start(folder: Path, command: str = "run", **environment: str) -> Bot:
    """Start it on a data folder; no token, any free port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", command,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        env=bot_environment(folder, environment),
    )  # fmt: skip
    assert process.stdout is not None
    line = (await process.stdout.readline()).decode()
    assert ("is ready" if command == "worker" else "No DISCORD_TOKEN is set") in line
    return Bot(process, line.split()[-1])


def bot_environment(folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "DISCORD_"))}
    own = {"ATELIER_DATA_DIR": str(folder / "data"), "ATELIER_WEB__PORT": "0", "ATELIER_ENGINE__DEVICE": "cpu"}
    return {**inherited, **own, "PYTHONPATH": str(Path(__file__).parents[1]), **more}


async def test_a_job_survives_kill_nine_and_is_finished_after_the_restart(tmp_path: Path) -> None:
    """Accepted is accepted: the power may fail in the middle of a brush stroke."""
    first = await start(tmp_path)
    job = await first.ask(size=256)
    await first.hear(job, '"fraction": 0.')
    first.process.kill()
    await first.process.wait()

    second = await start(tmp_path)
    await second.hear(job, '"painted"')

    assert job in (await second.get("/api/jobs")).decode()
    assert max(open_picture(await second.get(f"/api/jobs/{job}/result")).shape) == 256
    assert job not in (await second.get("/api/jobs")).decode()
    second.process.send_signal(signal.SIGTERM)
    assert await second.process.wait() == 0


async def test_a_graceful_stop_ends_at_once_and_keeps_the_job(tmp_path: Path) -> None:
    """SIGTERM in the middle of a painting: exit code 0 within seconds, and the job is painted after the start."""
    first = await start(tmp_path)
    job = await first.ask(size=256)
    await first.hear(job, '"fraction": 0.')

    first.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(first.process.wait(), timeout=20) == 0

    second = await start(tmp_path)
    await second.hear(job, '"painted"')
    second.process.send_signal(signal.SIGTERM)
    assert await second.process.wait() == 0


async def test_the_job_of_a_killed_worker_is_painted_by_the_next(tmp_path: Path, postgres: PostgresServer) -> None:
    """`atelier bot` takes it, `atelier worker` paints it; a kill -9 costs a few seconds, and nobody asks again."""
    cluster = {"ATELIER_DATABASE__URL": postgres.new_database(), "ATELIER_QUEUE__SILENCE_SECONDS": "2"}
    bot = await start(tmp_path, "bot", **cluster)
    job = await bot.ask(size=256)
    frail = await start(tmp_path, "worker", **cluster)
    await bot.hear(job, '"preview"')
    frail.process.kill()
    await frail.process.wait()

    heir = await start(tmp_path, "worker", **cluster)

    await bot.hear(job, '"painted"')
    assert max(open_picture(await bot.get(f"/api/jobs/{job}/result")).shape) == 256
    for part in (heir, bot):
        part.process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(part.process.wait(), timeout=20) == 0


async def test_a_second_bot_on_the_same_data_is_refused(tmp_path: Path) -> None:
    """Both would paint, and post, every picture."""
    first = await start(tmp_path)

    second = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot",
        cwd=tmp_path,
        stderr=asyncio.subprocess.PIPE,
        env=bot_environment(tmp_path, {}),
    )  # fmt: skip
    _, complaint = await second.communicate()

    assert second.returncode == 2
    assert "Another Atelier is running" in complaint.decode()
    first.process.send_signal(signal.SIGTERM)
    assert await first.process.wait() == 0


async def test_a_picture_dropped_into_the_folder_is_offered_without_a_restart(tmp_path: Path) -> None:
    """Within seconds, and the bot answers meanwhile."""
    own = tmp_path / "own"
    await asyncio.to_thread(own.mkdir)
    running = await start(tmp_path, ATELIER_PRESETS_DIR=str(own))
    assert b"stripes" not in await running.get("/api/presets")

    await asyncio.to_thread((own / "stripes.png").write_bytes, encode_png(a_painting()))

    async with asyncio.timeout(20):
        while b"stripes" not in await running.get("/api/presets"):
            pass
    running.process.send_signal(signal.SIGTERM)
    assert await running.process.wait() == 0


@pytest.mark.parametrize("command", ["bot", "worker"])
def test_one_half_of_the_bot_needs_a_ledger_that_it_can_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    """With SQLite nobody would paint what the other half accepts."""
    monkeypatch.chdir(tmp_path)

    assert main([command]) == 2

    assert "set database.url to postgresql" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"ATELIER_LIMITS__MAX_SIZE": "5"}, "does not fit"),
        ({"ATELIER_DATABASE__URL": "postgresql://bot:secret@127.0.0.1:1/x"}, "cannot be reached"),
        ({"ATELIER_DATABASE__URL": "mysql://bot:secret@db/x"}, "must begin with sqlite"),
        ({"ATELIER_ENGINE__WEIGHTS": "nowhere.safetensors"}, "There is no weights file"),
        ({"ATELIER_PRESETS_DIR": "nowhere"}, "no folder"),
    ],
)
def test_a_bad_configuration_is_one_sentence_and_exit_code_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: dict[str, str],
    sentence: str,
) -> None:
    """Before anything listens or connects."""
    monkeypatch.chdir(tmp_path)
    for name, value in bot_environment(tmp_path, environment).items():
        monkeypatch.setenv(name, value)

    assert main(["run"]) == 2

    complaint = capsys.readouterr().err.strip().splitlines()[-1]
    assert sentence in complaint
    assert "secret" not in complaint
