"""From /stylize to the posted picture: discord.py, service, ledger, queue, decoder and engine, all of them real."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from discord_scene import Settings
from pictures import a_painting, a_photo
from stand_in import Channel, Interaction, Message, Option, StandIn, Upload, User

import engine
from bot.cogs import DiscordFrontEnd
from bot.decode import DecodePool
from bot.gpu import GpuThread
from bot.ledger import SqlLedger, open_ledger
from bot.queue import LedgerQueue
from bot.service import Limits, StyleService
from bot.styles import Styles
from bot.wires import LocalWire
from engine.encoders import EmbeddedEncoder, Encoder
from engine.images import Pixels, encode_jpeg, encode_png, open_picture
from engine.options import Options
from engine.step import Step, Style

PHOTO = Upload(encode_jpeg(a_photo(96, 128)), "photo.jpg")
PAINTING = Upload(encode_jpeg(a_painting(96, 96)), "painting.jpg")
LIMITS = Limits(open_jobs_per_person=2, default_size=64, quality="draft")


@dataclass
class Paused:
    """The engine, which waits after its first step until it may go on."""

    may_go_on: threading.Event = field(default_factory=threading.Event)

    def __call__(
        self,
        content: Pixels,
        styles: Sequence[Style],
        encoder: Encoder,
        options: Options,
        **ways: Any,  # those of `Stylize`
    ) -> Iterator[Step]:
        for step in engine.stylize(content, styles, encoder, options, **ways):
            yield step
            self.may_go_on.wait()


@dataclass(frozen=True)
class Town:
    """Discord with one server, one channel, one person; and the bot's data, which outlive the bot."""

    discord: StandIn
    channel: Channel
    ada: User
    decoder: DecodePool
    data: Path

    @asynccontextmanager
    async def bot(self, stylize: Callable[..., Iterator[Step]] = engine.stylize) -> AsyncIterator[SqlLedger]:
        """The whole bot, from start to orderly stop."""
        ledger = await open_ledger(f"sqlite:///{self.data / 'atelier.db'}")
        queue, gpu = LedgerQueue(ledger, LocalWire(), "worker"), GpuThread(load_encoder, stylize)
        styles = await asyncio.to_thread(Styles, [self.data / "presets"])
        service = StyleService(queue, ledger, self.decoder, styles, LIMITS)
        front_end = DiscordFrontEnd(service, Settings())
        tasks = [
            asyncio.create_task(front_end.run(self.discord.token)),
            asyncio.create_task(queue.run()),
            asyncio.create_task(queue.run_worker(gpu, self.decoder)),
        ]
        await self.discord.bot_is_online(tasks[0])
        try:
            yield ledger
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await gpu.close()
            await ledger.close()

    async def stylize(self, **options: Option) -> Interaction:
        """Give the command in the channel, and wait until it is accepted or refused."""
        return await self.stylize_in(self.channel, **options)

    async def stylize_in(self, where: Channel, /, **options: Option) -> Interaction:
        """Give the command somewhere else."""
        asked = await self.discord.slash(self.ada, where, "stylize", is_user_install=False, permissions=None, **options)
        await self.discord.until(lambda: asked.message.content)
        return asked

    def pictures(self) -> list[Message]:
        """The messages with finished pictures."""
        seen = self.discord.messages(self.channel)
        return [message for message in seen if any("atelier" in file.filename for file in message.files)]

    async def picture(self) -> Pixels:
        """The finished picture, as soon as it is posted."""
        [message] = await self.discord.until(self.pictures)
        return open_picture(message.files[0].data)


def load_encoder() -> Encoder:
    """An untrained one: its pictures are ugly, but it needs no weights."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def decoder() -> Iterator[DecodePool]:
    """One for all tests: its process takes a moment to start."""
    pool = DecodePool()
    yield pool
    asyncio.run(pool.close())


@pytest.fixture
async def town(tmp_path: Path, decoder: DecodePool) -> AsyncIterator[Town]:
    (tmp_path / "presets").mkdir()
    (tmp_path / "presets" / "stripes.png").write_bytes(encode_png(a_painting()))
    async with StandIn() as discord:
        channel = discord.add_channel(discord.add_guild())
        yield Town(discord, channel, discord.add_user("ada"), decoder, tmp_path)
        assert discord.complaints == []


@pytest.mark.slow
async def test_two_uploads_become_a_picture_of_the_content_in_the_styles_colours(town: Town) -> None:
    """The main job of the whole project."""
    async with town.bot():
        asked = await town.stylize(content=PHOTO, style=PAINTING, strength=100)
        picture = await town.picture()

    assert asked.acknowledged_after is not None
    assert asked.acknowledged_after < 3
    assert picture.shape == (48, 64, 3)
    assert np.abs(picture.astype(int) - a_photo(48, 64)).mean() > 5, "it was painted"
    assert asked.message.history[1:] != []


async def test_strength_zero_gives_the_photo_back(town: Town) -> None:
    """What is posted is the picture that was sent, not somebody else's."""
    async with town.bot():
        await town.stylize(content=PHOTO, style=PAINTING, strength=0)
        picture = await town.picture()

    assert np.abs(picture.astype(int) - a_photo(48, 64)).mean() < 5


async def test_a_preset_serves_as_the_style(town: Town) -> None:
    """Nobody needs a painting of their own."""
    async with town.bot():
        await town.stylize(content=PHOTO, preset="stripes")
        await town.picture()

    assert town.pictures()[0].files[0].description == "photo.jpg in the style of Stripes"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"content": PHOTO}, "Attach a style picture, or choose a preset."),
        ({"content": PHOTO, "style": PAINTING, "preset": "stripes"}, "Choose either a style picture or a preset"),
        ({"content": PHOTO, "preset": "strypes"}, "strypes"),
        ({"content": Upload(b"Dear diary, ", "diary.txt", "text/plain"), "preset": "stripes"}, "no picture"),
        ({"content": Upload(b"Dear diary, ", "photo.png", "image/png"), "preset": "stripes"}, "no picture"),
        ({"content": Upload(b"", "empty.jpg"), "preset": "stripes"}, "empty"),
        ({"content": Upload(PHOTO.data[: len(PHOTO.data) // 2], "half.jpg"), "preset": "stripes"}, "cut off"),
        ({"content": Upload(PHOTO.data, "gone.jpg", is_expired=True), "preset": "stripes"}, "attach it again"),
        ({"content": Upload(b"", "huge.jpg", declared_size=2**30), "preset": "stripes"}, "MB"),
    ],
    ids=["no style", "two styles", "unknown preset", "text", "disguised text", "empty", "half", "expired", "huge"],
)
async def test_what_cannot_be_painted_is_refused_with_a_sentence(
    town: Town, options: dict[str, Option], sentence: str
) -> None:
    """The person learns at once what to do, and nothing is queued."""
    async with town.bot() as ledger:
        asked = await town.stylize(**options)

        assert sentence in asked.message.content
        assert asked.message.content.endswith((".", "?"))
        assert "went wrong on my side" not in asked.message.content
        assert await ledger.untold("discord") == []


async def test_one_person_cannot_fill_the_queue(town: Town) -> None:
    """Others want their pictures, too."""
    paused = Paused()
    async with town.bot(paused):
        for _ in range(LIMITS.open_jobs_per_person):
            await town.stylize(content=PHOTO, preset="stripes")

        refused = await town.stylize(content=PHOTO, preset="stripes")

        assert refused.message.content.startswith("You already have 2 pictures waiting")
        paused.may_go_on.set()


async def test_a_running_painting_is_cancelled(town: Town) -> None:
    """Nobody waits for what nobody wants."""
    paused = Paused()
    async with town.bot(paused) as ledger:
        asked = await town.stylize(content=PHOTO, preset="stripes")
        await town.discord.until(lambda: "Painting" in asked.message.content)

        await town.discord.press(town.ada, asked.message, "Cancel")
        await town.discord.until(lambda: asked.message.content == "Cancelled.")

        paused.may_go_on.set()
        assert await ledger.waiting() == []
    assert town.pictures() == []


@pytest.mark.slow
async def test_a_restart_while_painting_delivers_the_picture_once(town: Town) -> None:
    """A crash or an update in the middle costs time, not pictures."""
    paused = Paused()
    async with town.bot(paused):
        asked = await town.stylize(content=PHOTO, preset="stripes")
        await town.discord.until(lambda: "Painting" in asked.message.content)
        paused.may_go_on.set()
    before = town.pictures()

    async with town.bot() as ledger:
        await town.discord.until(lambda: asked.message.content.startswith("Painted"))
        assert await ledger.untold("discord") == []
    async with town.bot():
        pass

    assert before == []
    assert len(town.pictures()) == 1


@pytest.mark.slow
async def test_a_direct_conversation_gets_its_picture_through_the_interaction(town: Town) -> None:
    """Where the bot is no member it can still answer, in time."""
    async with town.bot():
        asked = await town.stylize_in(town.discord.dm(town.ada), content=PHOTO, preset="stripes")
        await town.discord.until(lambda: asked.followups)

    assert open_picture(asked.followups[0].files[0].data).shape == (48, 64, 3)


async def test_a_direct_conversation_is_refused_what_would_come_too_late(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Better now than after a quarter of an hour of waiting."""

    async def an_hour(_: LedgerQueue, __: Options) -> float:
        return 3600.0

    monkeypatch.setattr(LedgerQueue, "seconds_until_painted", an_hour)
    async with town.bot():
        asked = await town.stylize_in(town.discord.dm(town.ada), content=PHOTO, preset="stripes")

    assert asked.message.content.startswith("The queue is too long to answer here")
