"""Classics are fetched over real HTTP, from a small server that answers as Wikimedia Commons does."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiohttp import web
from fakes import FakeDecoder
from pictures import a_painting

from bot import presets_command
from bot.classics import DOWNLOAD_BYTES, Classic, FetchFailed, Outcome, fetch, read_list
from bot.preset_files import read_preset
from engine.images import encode_jpeg, encode_png, open_picture

WAVE = Classic(file="Great Wave.jpg", title='The "Great" Wave', description="blue claws", alt="A wave.")


@dataclass
class Commons:
    """What is on this Wikimedia Commons, and what it was asked."""

    url: str = ""
    data: bytes = encode_jpeg(a_painting())
    licence: str | None = "Public domain"
    mime: str = "image/jpeg"
    is_missing: bool = False
    status: int = 200
    picture_status: int = 200
    api_text: str | None = None
    """Answered instead, as it is."""
    asked: list[web.Request] = field(default_factory=list)

    async def api(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        if self.status != 200 or self.api_text is not None:
            return web.Response(status=self.status, text=self.api_text or "", content_type="application/json")
        title = request.query["titles"]
        if self.is_missing:
            return web.json_response({"query": {"pages": [{"ns": 6, "title": title, "missing": True}]}})
        metadata: Any = [] if self.licence is None else {"LicenseShortName": {"value": self.licence, "source": "x"}}
        info = {
            "size": len(self.data),
            "width": 5000,
            "height": 4000,
            "url": f"{self.url}/original.jpg",
            "thumburl": f"{self.url}/1280px.jpg",
            "thumbwidth": 1280,
            "thumbheight": 1024,
            "mime": self.mime,
            "extmetadata": metadata,
        }
        pages = [{"pageid": 1, "ns": 6, "title": title, "imagerepository": "local", "imageinfo": [info]}]
        return web.json_response({"batchcomplete": True, "query": {"pages": pages}})

    async def picture(self, request: web.Request) -> web.Response:
        self.asked.append(request)
        return web.Response(status=self.picture_status, body=self.data, content_type="image/jpeg")

    async def fetch_into(self, folder: Path, **classics: Classic) -> list[Outcome]:
        wanted = {name.replace("_", "-"): classic for name, classic in (classics or {"great-wave": WAVE}).items()}
        found = fetch(wanted, folder, FakeDecoder(), api=f"{self.url}/w/api.php", pause_seconds=0)
        return [outcome async for outcome in found]


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
async def commons() -> AsyncIterator[Commons]:
    site = Commons()
    application = web.Application()
    application.add_routes([web.get("/w/api.php", site.api), web.get("/{size}.jpg", site.picture)])
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield site
    await runner.cleanup()


async def test_a_painting_becomes_a_preset_with_its_words(commons: Commons, tmp_path: Path) -> None:
    """It can be chosen as soon as it is there."""
    [outcome] = await commons.fetch_into(tmp_path / "new")

    preset = await asyncio.to_thread(read_preset, tmp_path / "new" / "great-wave.png")
    assert outcome.is_here
    assert (preset.title, preset.description, preset.alt) == (WAVE.title, WAVE.description, WAVE.alt)
    assert np.array_equal(open_picture(preset.picture), open_picture(commons.data))
    assert "# Wikimedia Commons, public domain: Great Wave.jpg" in (tmp_path / "new" / "great-wave.toml").read_text()


async def test_commons_is_asked_as_it_wants_to_be(commons: Commons, tmp_path: Path) -> None:
    """By a program that says who it is, and nothing about whom it works for, for a picture of a usual width."""
    await commons.fetch_into(tmp_path)

    question, download = commons.asked
    assert dict(question.query) == {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "redirects": "1",
        "titles": "File:Great Wave.jpg",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": "1280",
    }
    assert download.path == "/1280px.jpg"
    for request in commons.asked:
        agent = request.headers["User-Agent"]
        assert re.fullmatch(r"Atelier/[\d.]+ \(atelier presets fetch\) aiohttp/[\d.]+", agent)


async def test_what_is_here_is_not_fetched_again(commons: Commons, tmp_path: Path) -> None:
    """Whatever the operator made of it."""
    (tmp_path / "great-wave.webp").write_bytes(b"mine")

    outcomes = await commons.fetch_into(tmp_path)

    assert outcomes == [Outcome("great-wave", "is here already.", is_here=True)]
    assert commons.asked == []


async def test_words_that_an_operator_wrote_stay(commons: Commons, tmp_path: Path) -> None:
    """Removing a picture to fetch it anew keeps what was written about it."""
    (tmp_path / "great-wave.toml").write_text('title = "Mine"')

    await commons.fetch_into(tmp_path)

    assert (tmp_path / "great-wave.toml").read_text() == 'title = "Mine"'


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"is_missing": True}, "is not on Wikimedia Commons as 'Great Wave.jpg'."),
        ({"licence": "CC BY-SA 4.0"}, "is not marked as public domain there, but as 'CC BY-SA 4.0'."),
        ({"licence": None}, "is not marked as public domain there, but as 'nothing'."),
        ({"mime": "application/pdf"}, "is no picture that can be used there, but application/pdf."),
        ({"data": b"<html>"}, "cannot be used: This file is no picture that can be read"),
        ({"data": encode_jpeg(a_painting())[:300]}, "cannot be used: This picture is damaged or cut off"),
        ({"data": encode_png(np.zeros((20, 800, 3), np.uint8))}, "cannot be used: A picture may be up to 8 times"),
        ({"data": bytes(DOWNLOAD_BYTES + 1)}, "has more than 20 MB."),
        ({"picture_status": 404}, "is in the list of Wikimedia Commons, but its picture has gone."),
    ],
)
async def test_a_painting_that_cannot_be_had_is_said_and_the_next_one_comes(
    commons: Commons, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    """Titles change in the course of years."""
    vars(commons).update(change)

    first, second = await commons.fetch_into(tmp_path, great_wave=WAVE, red_fuji=WAVE)

    assert first.sentence.startswith(sentence)
    assert (first.is_here, second.name) == (False, "red-fuji")
    assert files_in(tmp_path) == []


@pytest.mark.parametrize("licence", ["Public domain", "CC0", "Public Domain Mark 1.0"])
async def test_every_way_to_say_public_domain_is_understood(commons: Commons, tmp_path: Path, licence: str) -> None:
    """Museums have their own."""
    commons.licence = licence

    [outcome] = await commons.fetch_into(tmp_path)

    assert outcome.is_here


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": 429}, "Wikimedia Commons refuses with status 429; try again later."),
        ({"status": 503}, "Wikimedia Commons refuses with status 503; try again later."),
        ({"picture_status": 403}, "Wikimedia Commons refuses with status 403; try again later."),
        ({"api_text": "{"}, "Wikimedia Commons answers what this version does not understand."),
        ({"api_text": '{"error": {"code": "x"}}'}, "Wikimedia Commons answers what this version does not understand."),
        ({"url": "http://127.0.0.1:9"}, "Wikimedia Commons cannot be reached (ClientConnectorError)"),
    ],
)
async def test_what_stops_everything_is_one_sentence(
    commons: Commons, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    """No hammering at a closed door."""
    vars(commons).update(change)

    with pytest.raises(FetchFailed) as refusal:
        await commons.fetch_into(tmp_path, great_wave=WAVE, red_fuji=WAVE)

    assert str(refusal.value).startswith(sentence)
    assert files_in(tmp_path) == []


@pytest.mark.slow
async def test_the_command_fetches_with_the_real_decoder(
    commons: Commons, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each painting is told, and what is lacking makes the exit code 1."""
    (tmp_path / "list.toml").write_text('[great-wave]\nfile = "Great Wave.jpg"\ntitle = "The Great Wave"')
    command = [
        "fetch", "--list", str(tmp_path / "list.toml"), "--into", str(tmp_path / "own"),
        "--api", f"{commons.url}/w/api.php",
    ]  # fmt: skip

    commons.is_missing = True
    lacking = await asyncio.to_thread(presets_command.main, command)
    commons.is_missing = False
    commons.data = encode_jpeg(np.zeros((1500, 2000, 3), np.uint8))
    fetched = await asyncio.to_thread(presets_command.main, command)

    assert (lacking, fetched) == (1, 0)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "great-wave is not on Wikimedia Commons as 'Great Wave.jpg'."
    assert told[1].startswith("great-wave fetched, ")
    assert open_picture((tmp_path / "own" / "great-wave.png").read_bytes()).shape == (960, 1280, 3)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--into", "own", "--api", "http://127.0.0.1:9/"], "Wikimedia Commons cannot be reached"),
        ([], "Name a folder with --into, or set presets_dir in the configuration."),
        (["--into", "own", "--list", "nowhere.toml"], "The list nowhere.toml cannot be read: "),
        (["--into", "own", "--list", "bad.toml"], "The key great-wave.file in bad.toml does not fit: Field required."),
        (["--into", "own", "--list", "path.toml"], "The key ../../wave in path.toml does not fit: "),
        (["--into", "own", "--list", "text.toml"], "text.toml is no TOML: "),
        (["--into", "text.toml"], "The folder text.toml cannot be made: "),
    ],
)
@pytest.mark.slow
def test_the_command_refuses_with_one_sentence_and_exit_code_two(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    """Offline, above all."""
    (tmp_path / "bad.toml").write_text('[great-wave]\ntitle = "The Great Wave"')
    (tmp_path / "path.toml").write_text('["../../wave"]\nfile = "x"\ntitle = "x"')
    (tmp_path / "text.toml").write_text("The Great Wave")
    monkeypatch.chdir(tmp_path)

    assert presets_command.main(["fetch", *arguments]) == 2

    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(sentence)


def test_the_usual_list_has_about_a_dozen_paintings_with_all_their_words() -> None:
    """Each by its title there, with a name, a title, a description of two words and an alt text."""
    classics = read_list()

    assert 12 <= len(classics) <= 15
    for classic in classics.values():
        assert classic.file.endswith(".jpg")
        assert classic.title
        assert len(classic.description.split()) == 2
        assert classic.alt.endswith(").")
