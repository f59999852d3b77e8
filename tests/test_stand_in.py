"""The stand-in for Discord is as strict as Discord, and the real discord.py believes it."""

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable

import discord
import pytest
from discord import app_commands
from stand_in import Interaction, NoAnswer, StandIn, Upload
from stand_in_schema import OPENAPI

Answer = Callable[[discord.Interaction, discord.Attachment], Awaitable[None]]
MESSAGES = "/channels/{channel_id}/messages"
MESSAGE = MESSAGES + "/{message_id}"


class SmallBot(discord.Client):
    """One command, /show, that does what a test wants."""

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents(guilds=True))
        self.tree = app_commands.CommandTree(self)
        self.answer: Answer = acknowledge
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()

        @self.tree.command(name="show", description="Show a picture")
        async def show(interaction: discord.Interaction, picture: discord.Attachment) -> None:
            try:
                await self.answer(interaction, picture)
            except Exception as error:  # noqa: BLE001  # handed to the test
                self.errors.put_nowait(error)

    async def setup_hook(self) -> None:
        await self.tree.sync()


async def acknowledge(interaction: discord.Interaction, _: discord.Attachment) -> None:
    await interaction.response.defer(thinking=True)


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with StandIn() as stand_in:
        yield stand_in


@pytest.fixture
async def bot(stand_in: StandIn) -> AsyncIterator[SmallBot]:
    stand_in.add_channel(stand_in.add_guild())
    bot = SmallBot()
    connection = asyncio.create_task(bot.start(stand_in.token))
    await stand_in.bot_is_online(connection)
    yield bot
    await bot.close()
    await connection


@pytest.fixture
def messageable(stand_in: StandIn, bot: SmallBot) -> discord.PartialMessageable:
    return bot.get_partial_messageable(stand_in.guilds[0].channels[0].id)


async def show(stand_in: StandIn, upload: Upload | None = None) -> Interaction:
    channel = stand_in.guilds[0].channels[0]
    return await stand_in.slash(stand_in.add_user("ada"), channel, "show", picture=upload or Upload(b"picture"))


async def code_of(sending: Awaitable[object]) -> int:
    with pytest.raises(discord.HTTPException) as refusal:
        await sending
    return refusal.value.code


async def test_a_command_reaches_the_bot_and_its_answer_reaches_the_channel(stand_in: StandIn, bot: SmallBot) -> None:
    """The whole way of a command, so that tests may rely on it."""

    async def read_it_back(interaction: discord.Interaction, picture: discord.Attachment) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(content=(await picture.read()).decode())

    bot.answer = read_it_back

    asked = await show(stand_in, Upload(b"seen"))
    await stand_in.until(lambda: asked.message.content)

    assert asked.message.content == "seen"
    assert not asked.message.is_thinking
    assert asked.acknowledged_after is not None
    assert asked.acknowledged_after < 3
    assert stand_in.complaints == []


async def test_an_answer_after_three_seconds_finds_the_interaction_gone(stand_in: StandIn, bot: SmallBot) -> None:
    """The rule that bots break most often."""

    async def too_late(interaction: discord.Interaction, picture: discord.Attachment) -> None:
        stand_in.clock.advance(3.1)
        await acknowledge(interaction, picture)

    bot.answer = too_late

    with pytest.raises(NoAnswer):
        await show(stand_in)

    error = await bot.errors.get()
    assert isinstance(error, discord.NotFound)
    assert error.code == 10062


async def test_a_token_is_worth_nothing_after_fifteen_minutes(stand_in: StandIn, bot: SmallBot) -> None:
    """The rule that loses finished pictures."""

    async def much_later(interaction: discord.Interaction, picture: discord.Attachment) -> None:
        await acknowledge(interaction, picture)
        stand_in.clock.advance(15 * 60 + 1)
        await interaction.edit_original_response(content="late")

    bot.answer = much_later

    await show(stand_in)

    error = await bot.errors.get()
    assert isinstance(error, discord.HTTPException)
    assert error.code == 50027


async def test_an_attachment_whose_link_has_expired_is_not_found(stand_in: StandIn, bot: SmallBot) -> None:
    """Slash-command uploads promise no lifetime."""

    async def read(interaction: discord.Interaction, picture: discord.Attachment) -> None:
        await acknowledge(interaction, picture)
        assert "/ephemeral-attachments/" in picture.url
        await picture.read()

    bot.answer = read

    await show(stand_in, Upload(b"gone", is_expired=True))

    assert isinstance(await bot.errors.get(), discord.NotFound)


async def test_a_file_over_the_upload_limit_is_refused(
    messageable: discord.PartialMessageable, stand_in: StandIn
) -> None:
    """The limit is the one that every interaction states."""
    file = discord.File(io.BytesIO(bytes(20 * 1024 * 1024 + 1)), "big.png")

    assert await code_of(messageable.send(file=file)) == 40005


async def test_an_eleventh_attachment_is_refused(messageable: discord.PartialMessageable, stand_in: StandIn) -> None:
    """discord.py 2.7.1 does not count them."""
    existing = await messageable.send("ten at most")
    files = [discord.File(io.BytesIO(b"x"), f"{number}.png") for number in range(11)]

    assert await code_of(existing.edit(attachments=files)) == 50035
    assert stand_in.complaints != []


async def test_a_rate_limited_request_is_sent_again(messageable: discord.PartialMessageable, stand_in: StandIn) -> None:
    """The headers are those by which discord.py tells a limit from a ban."""
    stand_in.rate_limit("POST", MESSAGES, retry_after=0.01)

    await messageable.send("patience")

    assert stand_in.requests.count(f"POST {MESSAGES}") == 2


async def test_an_injected_fault_is_over_after_its_times(
    messageable: discord.PartialMessageable, stand_in: StandIn
) -> None:
    """Tests choose when Discord has troubles, and for how long."""
    stand_in.fail("POST", MESSAGES, status=503)

    with pytest.raises(discord.DiscordServerError):
        await messageable.send("first")
    message = await messageable.send("second")

    assert message.content == "second"


async def test_a_deleted_message_cannot_be_edited(messageable: discord.PartialMessageable, stand_in: StandIn) -> None:
    """Moderators tidy up while a picture is being painted."""
    message = await messageable.send("short-lived")
    await stand_in.delete(stand_in.guilds[0].channels[0].messages[0])

    assert await code_of(message.edit(content="too late")) == 10008


async def test_the_same_nonce_makes_one_message(messageable: discord.PartialMessageable, stand_in: StandIn) -> None:
    """What makes a delivery that is tried twice arrive once."""
    first = await messageable.send("once", nonce="job")
    second = await messageable.send("once", nonce="job")

    assert first.id == second.id
    assert len(stand_in.messages(stand_in.guilds[0].channels[0])) == 1


@pytest.mark.parametrize(("missing", "code"), [("view_channel", 50001), ("send_messages", 50013)])
async def test_posting_needs_the_channels_permission(
    messageable: discord.PartialMessageable, stand_in: StandIn, missing: str, code: int
) -> None:
    """The stand-in guards its channels as Discord does."""
    stand_in.guilds[0].channels[0].app_permissions = discord.Permissions.all() & ~discord.Permissions(**{missing: True})

    assert await code_of(messageable.send("hello")) == code


@pytest.mark.skipif(not OPENAPI.is_file(), reason="Discord's OpenAPI document is not at hand")
async def test_a_body_that_discords_own_document_forbids_is_refused(
    messageable: discord.PartialMessageable, stand_in: StandIn
) -> None:
    """Catches what the stand-in itself has no rule for."""
    embed = discord.Embed(title="x" * 257)

    assert await code_of(messageable.send(embed=embed)) == 50035
    assert "too long" in stand_in.complaints[0]


async def test_a_wrong_token_is_refused(stand_in: StandIn) -> None:
    """The first mistake of every operator."""
    async with SmallBot() as bot:
        with pytest.raises(discord.LoginFailure):
            await bot.start("wrong")
