"""The local page on a real socket, over the real service, ledger and queue."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import FormData
from fakes import FakeDecoder, FakePainter
from pictures import a_painting, a_photo
from yarl import URL

from bot.jobs import JobState, Progress
from bot.ledger import open_ledger
from bot.queue import LedgerQueue
from bot.service import Limits, StyleService
from bot.styles import Styles
from bot.web import LocalPage
from bot.wires import LocalWire
from engine.images import encode_jpeg, encode_png, open_picture


class Visit:
    """A browser at the page, and what runs behind it."""

    def __init__(
        self, address: str, client: aiohttp.ClientSession, service: StyleService, painter: FakePainter
    ) -> None:
        self.address = URL(address)
        self.client = client
        self.service = service
        self.painter = painter

    async def ask(self, form: FormData | dict[str, Any], **headers: str) -> tuple[int, dict[str, Any]]:
        data = form if isinstance(form, FormData) else a_form(**form)
        async with self.client.post("/api/jobs", data=data, headers=headers) as response:
            return response.status, await response.json()

    async def events(self, job_id: str) -> list[dict[str, Any]]:
        async with self.client.get(f"/api/jobs/{job_id}/events") as response:
            return [json.loads(line[6:]) async for line in response.content if line.startswith(b"data: ")]


def a_form(**fields: Any) -> FormData:
    form = FormData(default_to_multipart=True)
    for name, value in fields.items():
        if isinstance(value, bytes):
            form.add_field(name, value, filename="picture.jpg", content_type="image/jpeg")
        else:
            form.add_field(name, str(value))
    return form


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Visit]:
    (tmp_path / "stripes.jpg").write_bytes(encode_jpeg(a_painting()))
    (tmp_path / "stripes.toml").write_text('description = "bold bands"\n[options]\nstrength = 65')
    sample = tmp_path / "samples" / "disc.jpg"
    sample.parent.mkdir()
    sample.write_bytes(encode_jpeg(a_photo()))
    sample.with_suffix(".toml").write_text('title = "A disc"\nalt = "A dark disc on a bright slope."')
    ledger = await open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    queue, painter, decoder = LedgerQueue(ledger, LocalWire(), "worker"), FakePainter(), FakeDecoder()
    limits = Limits(open_jobs_per_person=2, upload_bytes=100_000)
    styles = await asyncio.to_thread(Styles, [tmp_path])
    service = StyleService(queue, ledger, decoder, styles, limits)
    page = LocalPage(service, port=0, upload_bytes=limits.upload_bytes, samples=[sample])
    running = [asyncio.create_task(work) for work in (queue.run(), queue.run_worker(painter, decoder))]
    address = await page.start()
    async with aiohttp.ClientSession(address) as client:
        yield Visit(address, client, service, painter)
    await page.close()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await ledger.close()


async def test_two_pictures_go_in_and_a_painting_comes_out(visit: Visit) -> None:
    """The main job: news while it is painted, then the picture, which then counts as delivered."""
    status, answer = await visit.ask({"content": encode_png(a_photo()), "style": encode_png(a_painting())})
    news = await visit.events(answer["id"])
    async with visit.client.get(f"/api/jobs/{answer['id']}/result") as response:
        picture = open_picture(await response.read())

    assert status == 202
    assert news[-1]["kind"] == "painted"
    assert news[-1]["encoder"] == "fake"
    assert (picture == 255 - a_photo()).all()
    assert response.headers["Content-Disposition"] == f'inline; filename="atelier-{answer["id"]}.png"'
    assert (await visit.service.job(answer["id"])).state is JobState.DELIVERED


async def test_a_sample_and_a_preset_need_no_file_at_all(visit: Visit) -> None:
    """One click shows a newcomer the main job."""
    status, answer = await visit.ask({"sample": "disc", "preset": "stripes", "strength": 80, "size": 256})

    job = await visit.service.job(answer["id"])
    assert status == 202
    assert (job.style_name, job.options.strength, job.options.size) == ("Stripes", 80, 256)


async def test_the_page_offers_presets_and_samples_with_their_pictures(visit: Visit) -> None:
    """What the galleries show."""
    async with visit.client.get("/api/presets") as response:
        presets = await response.json()
    async with visit.client.get("/api/samples") as response:
        samples = await response.json()

    assert presets == [
        {"name": "stripes", "title": "Stripes", "description": "bold bands", "alt": "Stripes", "strength": 65}
    ]
    [sample] = samples
    assert (sample["name"], sample["title"], sample["alt"]) == ("disc", "A disc", "A dark disc on a bright slope.")


@pytest.mark.parametrize(
    ("address", "long_edge"),
    [
        ("presets/stripes/picture", 64),
        ("presets/stripes/thumbnail", 256),
        ("samples/disc/picture", 64),
        ("samples/disc/thumbnail", 256),
    ],
)
async def test_a_gallery_shows_thumbnails_and_what_was_chosen_larger(
    visit: Visit, address: str, long_edge: int
) -> None:
    """Sixteen paintings at once would be megabytes."""
    async with visit.client.get(f"/api/{address}") as response:
        assert response.content_type == "image/jpeg"
        assert max(open_picture(await response.read()).shape) == long_edge


async def test_a_preset_that_has_gone_has_no_picture(visit: Visit) -> None:
    """Its file was removed while the page was open."""
    async with visit.client.get("/api/presets/striped/thumbnail") as response:
        assert response.status == 400
        assert "did you mean stripes" in (await response.json())["error"]


async def test_a_page_that_says_no_strength_leaves_it_to_the_preset(visit: Visit) -> None:
    """The slider was not touched."""
    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})

    assert (await visit.service.job(answer["id"])).options.strength == 65


async def test_the_page_learns_the_operators_limits(visit: Visit) -> None:
    """It offers no size and sends no file that would be refused."""
    async with visit.client.get("/api/limits") as response:
        assert await response.json() == {"size": 512, "max_size": 1024, "upload_bytes": 100_000}


async def test_the_preview_is_sent_once_as_it_sharpens(visit: Visit) -> None:
    """Not again with every percent."""
    visit.painter.may_end.clear()
    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})
    await visit.painter.has_begun.wait()

    heard: list[dict[str, Any]] = []
    async with visit.client.get(f"/api/jobs/{answer['id']}/events") as response:
        async for line in response.content:
            if line.startswith(b"data: "):
                heard.append(json.loads(line[6:]))
                if len(heard) == 1:
                    visit.painter.tell(Progress(0.3, 7.0, b"jpeg"))
                elif len(heard) == 2:
                    visit.painter.tell(Progress(0.6, 4.0))
                else:
                    break

    assert [told["fraction"] for told in heard] == [0.0, 0.3, 0.6]
    assert ["preview" in told for told in heard] == [False, True, False]


async def test_cancel_stops_the_painting(visit: Visit) -> None:
    """And the page hears of it."""
    visit.painter.may_end.clear()
    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})

    async with visit.client.post(f"/api/jobs/{answer['id']}/cancel") as response:
        assert await response.json() == {"cancelled": True}

    assert (await visit.events(answer["id"]))[-1] == {"kind": "cancelled"}


async def test_what_was_not_seen_yet_is_listed_after_a_reload(visit: Visit) -> None:
    """Closing the tab loses nothing; seeing the result takes it off the list."""
    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})
    await visit.events(answer["id"])

    async with visit.client.get("/api/jobs") as response:
        assert await response.json() == [{"id": answer["id"]}]
    await (await visit.client.get(f"/api/jobs/{answer['id']}/result")).read()

    async with visit.client.get("/api/jobs") as response:
        assert await response.json() == []


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"preset": "stripes"}, "Choose a picture to repaint"),
        ({"sample": "disc"}, "Attach a style picture, or choose a preset"),
        ({"sample": "disc", "style": encode_png(a_painting()), "preset": "stripes"}, "not both"),
        ({"sample": "disc", "preset": "strips"}, "did you mean stripes"),
        ({"sample": "disc", "content": encode_png(a_photo()), "preset": "stripes"}, "not both"),
        ({"sample": "nothing", "preset": "stripes"}, "no sample 'nothing'"),
        ({"content": b"I am text", "preset": "stripes"}, "no picture"),
        ({"content": b"", "preset": "stripes"}, "empty"),
        ({"content": encode_jpeg(a_photo())[:300], "preset": "stripes"}, "damaged"),
        ({"sample": "disc", "preset": "stripes", "strength": "much"}, "whole number"),
        ({"sample": "disc", "preset": "stripes", "strength": "101"}, "between 0 and 100"),
        ({"sample": "disc", "preset": "stripes", "size": "9000"}, "between 64 and 1024"),
    ],
)
async def test_bad_wishes_are_answered_by_one_sentence(visit: Visit, form: dict[str, Any], sentence: str) -> None:
    """Shown on the page as it is."""
    status, answer = await visit.ask(form)

    assert status == 400
    assert sentence in answer["error"]


@pytest.mark.parametrize(
    "form",
    [
        {"content": bytes(150_000), "preset": "stripes"},
        {"content": bytes(900_000), "preset": "stripes"},
        {"sample": "disc", "style": bytes(150_000)},
        {"sample": "disc", "preset": "stripes" * 10_000},
    ],
)
async def test_too_many_bytes_are_refused_by_their_own_status(visit: Visit, form: dict[str, Any]) -> None:
    """Whichever field they stand in."""
    status, answer = await visit.ask(form)

    assert status == 413
    assert "A picture may have up to 0.0954 MB" in answer["error"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/plain", b"hello"),
        ("multipart/form-data", b"hello"),
        ("multipart/form-data; boundary=x", b"hello"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"y" * 20_000),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Type: multipart/mixed\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--x--\r\n"),
    ],
)
async def test_what_is_no_form_is_refused(visit: Visit, kind: str, body: bytes) -> None:
    """Somebody's script, or somebody's fuzzer."""
    async with visit.client.post("/api/jobs", data=body, headers={"Content-Type": kind}) as response:
        assert response.status == 400
        assert (await response.json())["error"].startswith(("Send a form", "Choose a picture"))


async def test_three_gigabytes_are_refused_without_reading_them(visit: Visit) -> None:
    """The declared length is enough."""
    address = visit.address
    reader, writer = await asyncio.open_connection(address.host, address.port)
    head = (
        f"POST /api/jobs HTTP/1.1\r\nHost: {address.authority}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {3 * 2**30}\r\n\r\n"
    )
    writer.write(head.encode())

    answer = await asyncio.wait_for(reader.readuntil(b"}"), timeout=20)

    assert b"413 Request Entity Too Large" in answer
    assert b"A picture may have up to" in answer
    writer.close()


async def test_a_browser_that_goes_away_is_no_error(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    """Closing the tab while a painting is on its way keeps it for the next visit."""
    visit.painter.may_end.clear()
    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})
    await visit.painter.has_begun.wait()
    response = await visit.client.get(f"/api/jobs/{answer['id']}/events")
    await response.content.readline()

    response.close()
    await visit.client.get("/health")  # by now the server has seen the connection end
    visit.painter.may_end.set()
    await visit.events(answer["id"])

    assert [job.id for job in await visit.service.untold("page")] == [answer["id"]]
    assert not caplog.records


async def test_half_a_form_is_no_error(visit: Visit, caplog: pytest.LogCaptureFixture) -> None:
    """The network went, not the bot."""
    address = visit.address
    _, writer = await asyncio.open_connection(address.host, address.port)
    head = (
        f"POST /api/jobs HTTP/1.1\r\nHost: {address.authority}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 5000\r\n\r\n--x\r\nContent-Disposition: form-data; name=content\r\n\r\nhalf"
    )
    writer.write(head.encode())
    await writer.drain()

    writer.close()
    await writer.wait_closed()

    assert (await visit.client.get("/health")).status == 200
    assert not caplog.records


async def test_the_limit_of_open_jobs_is_said(visit: Visit) -> None:
    """One person at one machine can flood it too."""
    visit.painter.may_end.clear()
    for _ in range(2):
        await visit.ask({"sample": "disc", "preset": "stripes"})

    _, answer = await visit.ask({"sample": "disc", "preset": "stripes"})

    assert "already have 2 pictures" in answer["error"]


@pytest.mark.parametrize("address", ["events", "result", "content"])
async def test_an_unknown_job_is_not_found(visit: Visit, address: str) -> None:
    """A bookmark of last year."""
    async with visit.client.get(f"/api/jobs/0123456789ab/{address}") as response:
        assert response.status == 404
        assert "no job" in (await response.json())["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8080"},
        {"Origin": "http://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_other_sites_cannot_use_the_page(visit: Visit, headers: dict[str, str]) -> None:
    """Their scripts run in the same browser and reach the loopback address too."""
    status, answer = await visit.ask({"sample": "disc", "preset": "stripes"}, **headers)

    assert status == 403
    assert "answers only to itself" in answer["error"]


async def test_pages_carry_the_headers_that_keep_scripts_out(visit: Visit) -> None:
    """Only our own script runs, and nothing may frame the page."""
    async with visit.client.get("/") as response:
        assert "Atelier" in await response.text()

    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_taken_port_is_replaced_by_a_free_one(visit: Visit) -> None:
    """Another program on 8080 must not keep a newcomer from the page."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        page = LocalPage(visit.service, port=taken.getsockname()[1], upload_bytes=1000, samples=[])

        url = await page.start()

        async with aiohttp.ClientSession() as client, client.get(f"{url}/health") as response:
            assert await response.json() == {"status": "ok"}
        assert not url.endswith(f":{taken.getsockname()[1]}")
        await page.close()


async def test_a_bug_is_told_by_reference(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stack trace on the page, none lost in the log."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(visit.service, "presets", broken)

    async with visit.client.get("/api/presets") as response:
        assert response.status == 500
        assert "reference" in (await response.json())["error"]
