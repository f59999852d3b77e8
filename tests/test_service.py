"""The rules: what may be asked, by whom, and what is said when it may not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from fakes import FakeDecoder, a_picture
from pictures import a_painting, a_photo

from bot.jobs import LOCAL_OWNER, Address, JobState, NotYours, Owner, Refused, Request
from bot.ledger import open_ledger
from bot.queue import LedgerQueue
from bot.service import Limits, StyleService
from bot.styles import Styles
from bot.wires import LocalWire
from engine.errors import EngineError, OptionsRefused, PictureRefused
from engine.images import encode_png
from engine.options import Options

NOW = 1_000_000.0


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[StyleService]:
    (tmp_path / "stripes.png").write_bytes(encode_png(a_painting()))
    ledger = await open_ledger(f"sqlite:///{tmp_path}/ledger.db", now=lambda: NOW)
    limits = Limits(open_jobs_per_person=2, max_size=512, default_size=256, upload_bytes=100_000)
    styles = await asyncio.to_thread(Styles, [tmp_path])
    yield StyleService(
        LedgerQueue(ledger, LocalWire(), "worker"), ledger, FakeDecoder(), styles, limits, now=lambda: NOW
    )
    await ledger.close()


def a_request(**more: object) -> Request:
    request = Request(Owner(7, 1), Address("page"), content=encode_png(a_photo()), style=encode_png(a_painting()))
    return replace(request, **more)  # type: ignore[arg-type]  # whatever the test wants different


async def test_an_accepted_job_is_in_the_ledger(service: StyleService) -> None:
    """Before anybody is told so."""
    job = await service.submit(a_request(strength=80))

    stored = await service.job(job.id)
    assert stored.state is JobState.QUEUED
    assert (stored.options.size, stored.options.strength) == (256, 80)
    assert stored.style_name == "your painting"


async def test_a_preset_is_taken_by_its_name(service: StyleService) -> None:
    """Its picture goes the same way as an upload."""
    job = await service.submit(a_request(style=None, preset="stripes"))

    assert job.style_name == "Stripes"
    assert await service.ledger.picture(job.style) == encode_png(a_painting())


async def test_a_preset_brings_its_own_options(service: StyleService, tmp_path: Path) -> None:
    """Each is painted as it was tuned."""
    (tmp_path / "stripes.toml").write_text('[options]\nstrength = 70\nbrush_size = 2\nkeep_colours = "luminance"')
    await asyncio.to_thread(service.styles.refresh)

    job = await service.submit(a_request(style=None, preset="stripes"))

    assert job.options == Options(size=256, strength=70, brush_size=2, keep_colours="luminance")


@pytest.mark.parametrize("strength", [0, 90])
async def test_what_the_person_asks_for_wins_over_the_preset(
    service: StyleService, tmp_path: Path, strength: int
) -> None:
    """Even nothing at all."""
    (tmp_path / "stripes.toml").write_text("[options]\nstrength = 70")
    await asyncio.to_thread(service.styles.refresh)

    job = await service.submit(a_request(style=None, preset="stripes", strength=strength))

    assert job.options.strength == strength


async def test_without_a_word_about_it_an_upload_is_painted_at_the_usual_strength(service: StyleService) -> None:
    """In the middle."""
    assert (await service.submit(a_request())).options.strength == 50


async def test_a_preset_whose_file_was_changed_is_painted_as_it_is_now(service: StyleService, tmp_path: Path) -> None:
    """The picture that was opened for the last job is not the one that is offered."""
    await service.submit(a_request(style=None, preset="stripes"))
    (tmp_path / "stripes.png").write_bytes(encode_png(a_photo()))
    await asyncio.to_thread(service.styles.refresh)

    job = await service.submit(a_request(style=None, preset="stripes"))

    assert await service.ledger.picture(job.style) == encode_png(a_photo())


async def test_a_preset_whose_file_has_just_gone_is_painted_all_the_same(service: StyleService, tmp_path: Path) -> None:
    """It was offered a second ago."""
    (tmp_path / "stripes.png").unlink()

    job = await service.submit(a_request(style=None, preset="stripes"))

    assert job.style_name == "Stripes"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"style": None}, "Attach a style picture, or choose a preset"),
        ({"preset": "stripes"}, "Choose either a style picture or a preset"),
        ({"style": None, "preset": "strips"}, "did you mean stripes"),
        ({"size": 1024}, "between 64 and 512"),
        ({"size": 8}, "between 64 and 512"),
        ({"strength": 101}, "between 0 and 100"),
        ({"content": b""}, "empty"),
        ({"content": b"text"}, "no picture"),
        ({"style": encode_png(a_painting())[:50]}, "damaged"),
        ({"content": bytes(200_000)}, "up to 0 MB"),
    ],
)
async def test_what_breaks_a_rule_is_refused_and_leaves_nothing(
    service: StyleService, change: dict[str, object], sentence: str
) -> None:
    """One sentence, no job."""
    with pytest.raises((Refused, EngineError), match=sentence):
        await service.submit(a_request(**change))

    assert await service.ledger.waiting() == []


async def test_admission_refuses_before_a_byte_is_fetched(service: StyleService) -> None:
    """Sizes as declared, style or preset, and the limit of open jobs."""
    owner = Owner(7, 1)
    await service.admit(owner, sizes=[1000, 1000], has_style=True, preset=None)

    with pytest.raises(Refused, match="MB"):
        await service.admit(owner, sizes=[3 * 2**30], has_style=True, preset=None)
    with pytest.raises(Refused, match="no preset"):
        await service.admit(owner, sizes=[1000], has_style=False, preset="nothing")
    for _ in range(2):
        await service.submit(a_request())
    with pytest.raises(Refused, match="already have 2 pictures"):
        await service.admit(owner, sizes=[1000], has_style=True, preset=None)


async def test_one_persons_limit_is_not_anothers(service: StyleService) -> None:
    """Only the flooder waits."""
    for _ in range(2):
        await service.submit(a_request())

    await service.submit(a_request(owner=Owner(8, 1)))

    with pytest.raises(Refused, match="already have 2"):
        await service.submit(a_request())


async def test_what_could_not_be_delivered_in_time_is_refused_at_once(service: StyleService) -> None:
    """Where only an interaction's token can answer, fifteen minutes are all there is."""
    first = await service.submit(a_request(deliver_by=NOW + 1))
    begun = await service.ledger.begin_next("worker")
    assert begun == await service.job(first.id)
    await service.ledger.finish(begun, b"png", replace(a_picture(), paint_seconds=600.0))

    await service.submit(a_request(deliver_by=NOW + 700))

    with pytest.raises(Refused, match="fifteen minutes"):
        await service.submit(a_request(deliver_by=NOW + 700))


@pytest.mark.parametrize(
    ("by", "is_moderator", "may"),
    [
        (Owner(7, 1), False, True),
        (Owner(8, 1), False, False),
        (Owner(8, 1), True, True),
        (Owner(8, 2), True, False),
        (LOCAL_OWNER, False, False),
    ],
)
async def test_only_its_person_or_a_moderator_there_cancels_a_job(
    service: StyleService, by: Owner, is_moderator: bool, may: bool
) -> None:
    """A moderator of another server is a stranger."""
    job = await service.submit(a_request())

    if may:
        assert await service.cancel(job.id, by, is_moderator=is_moderator)
    else:
        with pytest.raises(NotYours, match="Only the person who asked"):
            await service.cancel(job.id, by, is_moderator=is_moderator)

    assert ((await service.job(job.id)).state is JobState.CANCELLED) == may


async def test_the_result_fits_what_the_front_end_can_post(service: StyleService) -> None:
    """The upload limit was noted with the job."""
    job = await service.submit(a_request(upload_limit_bytes=40))
    with pytest.raises(Refused, match="not painted yet"):
        await service.result(job.id)
    begun = await service.ledger.begin_next("worker")
    assert begun is not None
    await service.ledger.finish(begun, encode_png(a_photo()), a_picture())

    assert len((await service.result(job.id)).data) <= 40


def test_every_refusal_is_a_sentence_for_a_person() -> None:
    """The front-ends print them as they are."""
    for error in (NotYours(), Refused("No."), PictureRefused("No."), OptionsRefused("No.")):
        assert str(error).endswith(".")
