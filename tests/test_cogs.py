"""The Discord front-end: discord.py's real client against the stand-in, with a service that the test plays itself."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from types import ModuleType

import discord
import pytest
from fake_service import FakeService
from stand_in import Channel, Interaction, Message, StandIn, Upload, User

from bot.cogs import DiscordFrontEnd, TokenRefused
from bot.jobs import Cancelled, Failed, Owner, Painted, Painting, Queued, Refused

PICTURE = Upload(b"a picture's bytes", "cat.jpg")
POST = "/channels/{channel_id}/messages"
EDIT = POST + "/{message_id}"
MODERATOR = discord.Permissions(send_messages=True, manage_messages=True)


@dataclass(frozen=True)
class Settings:
    sync_commands: bool = True
    edit_seconds: float = 0.0
    preview_seconds: float = 0.0


@pytest.fixture
def service() -> FakeService:
    return FakeService()


@pytest.fixture
async def stand_in() -> AsyncIterator[StandIn]:
    async with StandIn() as stand_in:
        stand_in.add_channel(stand_in.add_guild())
        yield stand_in
        assert stand_in.complaints == []


@pytest.fixture
def channel(stand_in: StandIn) -> Channel:
    return stand_in.guilds[0].channels[0]


@pytest.fixture
def ada(stand_in: StandIn) -> User:
    return stand_in.add_user("ada")


@asynccontextmanager
async def online(stand_in: StandIn, service: FakeService, settings: Settings | None = None) -> AsyncIterator[None]:
    """The bot, from its login to its orderly leave."""
    front_end = DiscordFrontEnd(service, settings or Settings())
    connection = asyncio.create_task(front_end.run(stand_in.token))
    await stand_in.bot_is_online(connection)
    try:
        yield
    finally:
        await front_end.close()
        await connection


@pytest.fixture
async def bot(stand_in: StandIn, service: FakeService) -> AsyncIterator[None]:
    async with online(stand_in, service):
        yield


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """discord.py waits 1, 3, 5, … seconds between attempts; here it does not."""
    hurried = ModuleType("asyncio")
    vars(hurried).update(vars(asyncio), sleep=lambda _: asyncio.sleep(0))
    monkeypatch.setattr(discord.http, "asyncio", hurried)
    return iter(())


async def stylize(stand_in: StandIn, user: User, channel: Channel) -> Interaction:
    """Ask for a picture, and wait until it has been accepted or refused."""
    asked = await stand_in.slash(user, channel, "stylize", content=PICTURE, preset="style-1")
    await stand_in.until(lambda: asked.message.content)
    return asked


async def posted(stand_in: StandIn, channel: Channel) -> Message:
    """The message with the finished picture."""

    def newest() -> Message | None:
        found = [message for message in stand_in.messages(channel) if message.files and not _has_preview(message)]
        return found[-1] if found else None

    message = await stand_in.until(newest)
    assert message is not None
    return message


def _has_preview(message: Message) -> bool:
    return any("preview" in file.filename for file in message.files)


@pytest.mark.usefixtures("bot")
class TestAsking:
    """From the command to the accepted job."""

    async def test_the_command_is_acknowledged_before_a_byte_is_fetched(
        self, stand_in: StandIn, ada: User, channel: Channel
    ) -> None:
        """Discord forgets a command that is not acknowledged within three seconds."""
        asked = await stylize(stand_in, ada, channel)

        assert asked.acknowledged_after is not None
        assert asked.acknowledged_after < 3
        callback = stand_in.requests.index("POST /interactions/{interaction_id}/{interaction_token}/callback")
        assert callback < stand_in.requests.index("GET attachment")

    async def test_the_service_gets_everything_the_person_chose(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Nothing is lost in translation."""
        style = Upload(b"a painting", "wave.png", "image/png")

        asked = await stand_in.slash(ada, channel, "stylize", content=PICTURE, style=style, strength=80, size=768)
        await stand_in.until(lambda: asked.message.content)

        [request] = service.requests
        assert (request.content, request.style, request.preset) == (PICTURE.data, style.data, None)
        assert (request.strength, request.size) == (80, 768)
        assert request.owner == Owner(ada.id, stand_in.guilds[0].id)
        assert request.upload_limit_bytes == 20 * 1024 * 1024
        assert request.deliver_by is None

    async def test_presets_are_suggested_while_typing(self, stand_in: StandIn, ada: User, channel: Channel) -> None:
        """Discord takes 25 choices at most, and discord.py does not count them."""
        everything = await stand_in.autocomplete(ada, channel, "stylize", preset="")
        few = await stand_in.autocomplete(ada, channel, "stylize", preset="style 39")

        assert len(everything) == 25
        assert few == [{"name": "Style 39: bold strokes", "value": "style-39"}]

    async def test_a_refusal_becomes_the_answer(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Whatever the service refuses, its sentence is what the person reads; nothing is fetched before."""
        service.refusal = Refused("You already have 3 pictures waiting; cancel one or wait.")

        asked = await stylize(stand_in, ada, channel)

        assert asked.message.content == "You already have 3 pictures waiting; cancel one or wait."
        assert asked.message.components == []
        assert "GET attachment" not in stand_in.requests

    async def test_the_declared_size_is_judged_before_the_picture_is_fetched(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """discord.py reads attachments without any limit."""
        service.refusal = Refused("That file is too large.")
        huge = Upload(b"", declared_size=400_000_000)

        asked = await stand_in.slash(ada, channel, "stylize", content=huge, preset="style-1")
        await stand_in.until(lambda: asked.message.content)

        assert service.admitted == [[400_000_000]]
        assert "GET attachment" not in stand_in.requests

    async def test_an_expired_attachment_is_said_so(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Links to uploads do not live for ever."""
        expired = replace(PICTURE, is_expired=True)

        asked = await stand_in.slash(ada, channel, "stylize", content=expired, preset="style-1")
        await stand_in.until(lambda: asked.message.content)

        assert asked.message.content == "Discord no longer has cat.jpg; please attach it again."
        assert service.requests == []

    @pytest.mark.parametrize(
        ("missing", "is_thread", "named"),
        [
            ("attach_files", False, "Attach Files"),
            ("send_messages", False, "Send Messages"),
            ("send_messages_in_threads", True, "Send Messages in Threads"),
            ("view_channel", False, "View Channel"),
        ],
    )
    async def test_a_channel_where_the_bot_may_not_post_is_refused_before_any_work(
        self, stand_in: StandIn, service: FakeService, ada: User, missing: str, is_thread: bool, named: str
    ) -> None:
        """Nobody waits ten minutes for a picture that cannot be posted."""
        allowed = discord.Permissions.all() & ~discord.Permissions(**{missing: True})
        closed = stand_in.add_channel(stand_in.guilds[0], app_permissions=allowed, is_thread=is_thread)

        asked = await stylize(stand_in, ada, closed)

        assert f"give me {named} in this channel" in asked.message.content
        assert service.admitted == []

    async def test_a_bug_becomes_a_reference_that_the_log_knows(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A person can report it, and the operator can find it."""
        service.submit_refusal = ZeroDivisionError("a bug")

        asked = await stylize(stand_in, ada, channel)

        reference = asked.message.content.removesuffix(".").split()[-1]
        assert "a bug" not in asked.message.content
        assert [record for record in caplog.records if reference in record.getMessage() and record.exc_info]


@pytest.mark.usefixtures("bot")
class TestWatching:
    """The progress message while the job waits and is painted."""

    async def test_the_message_tells_the_place_in_line_and_the_time_left(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """People wait more gladly when they know how long."""
        asked = await stylize(stand_in, ada, channel)

        await service.happens(Queued(3, seconds_left=90))
        await stand_in.until(lambda: "3rd in line, ready <t:" in asked.message.content)
        await service.happens(Painting(0.42, seconds_left=30))
        await stand_in.until(lambda: "42%, ready <t:" in asked.message.content)

        assert list(asked.message.buttons) == ["Cancel"]
        assert not asked.message.is_thinking

    async def test_a_small_preview_is_attached(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Watching the picture grow is half the fun."""
        asked = await stylize(stand_in, ada, channel)

        await service.happens(Painting(0.2, preview=b"first"))
        await stand_in.until(lambda: asked.message.files)
        await service.happens(Painting(0.4, preview=b"second"))
        await stand_in.until(lambda: asked.message.files[0].data == b"second")

        [preview] = asked.message.files
        assert preview.filename == "preview.jpg"
        assert preview.description

    async def test_edits_go_through_the_channel_not_the_token(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """The interaction's token dies after 15 minutes, the bot's own message does not."""
        asked = await stylize(stand_in, ada, channel)

        stand_in.clock.advance(3600)
        await service.happens(Painting(0.5))
        await stand_in.until(lambda: "50%" in asked.message.content)
        await service.happens(Painted())

        assert (await posted(stand_in, channel)).files

    async def test_someone_else_cannot_cancel(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """A picture belongs to the person who asked for it."""
        asked = await stylize(stand_in, ada, channel)

        pressed = await stand_in.press(stand_in.add_user("bob"), asked.message, "Cancel")
        await stand_in.until(lambda: pressed.followups)

        [answer] = pressed.followups
        assert answer.is_ephemeral
        assert answer.content.startswith("Only the person who asked for this picture")
        assert service.told_jobs == []

    async def test_the_owner_cancels(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Everybody changes their mind."""
        asked = await stylize(stand_in, ada, channel)

        await stand_in.press(ada, asked.message, "Cancel")
        await service.all_told()

        assert (asked.message.content, asked.message.components) == ("Cancelled.", [])

    async def test_a_moderator_cancels_for_others(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Moderators keep their channels tidy."""
        asked = await stylize(stand_in, ada, channel)

        await stand_in.press(stand_in.add_user("mod"), asked.message, "Cancel", permissions=MODERATOR)
        await service.all_told()

        assert asked.message.content == "Cancelled."

    async def test_a_button_of_an_older_version_is_answered(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Else Discord says "This interaction failed"."""
        asked = await stylize(stand_in, ada, channel)
        asked.message.components[0]["components"][0]["custom_id"] = "atelier:0:forgotten"

        pressed = await stand_in.press(ada, asked.message, "Cancel")

        assert pressed.message.is_ephemeral
        assert "another version" in pressed.message.content


async def test_edits_keep_their_distance_and_the_end_does_not_wait_for_one(
    stand_in: StandIn, service: FakeService, ada: User, channel: Channel
) -> None:
    """Discord limits edits; the finished picture is not held back by them."""
    async with online(stand_in, service, Settings(edit_seconds=3600)):
        asked = await stylize(stand_in, ada, channel)
        await stand_in.until(lambda: "next in line" in asked.message.content)

        for percent in range(50):
            await service.happens(Painting(percent / 100))
        await service.happens(Painted())
        await posted(stand_in, channel)
        await service.all_told()

    accepted, first, last = asked.message.history[1:]
    assert accepted.startswith("Accepted")
    assert "next in line" in first
    assert last.startswith("Painted")


async def test_previews_come_less_often_than_edits(
    stand_in: StandIn, service: FakeService, ada: User, channel: Channel
) -> None:
    """A preview costs an upload."""
    async with online(stand_in, service, Settings(preview_seconds=3600)):
        asked = await stylize(stand_in, ada, channel)

        await service.happens(Painting(0.1, preview=b"first"))
        await stand_in.until(lambda: asked.message.files)
        await service.happens(Painting(0.2, preview=b"second"))
        await stand_in.until(lambda: "20%" in asked.message.content)

        assert [file.data for file in asked.message.files] == [b"first"]


@pytest.mark.usefixtures("bot")
class TestDelivering:
    """The end of a job."""

    async def test_the_finished_picture_comes_as_a_new_message_for_the_person_who_asked(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """A new message notifies; an edited one does not."""
        asked = await stylize(stand_in, ada, channel)
        job = service.newest
        service.jobs[job.id] = replace(job, paint_seconds=72.0, note="Painted at 256 px.")

        await service.happens(Painted())
        message = await posted(stand_in, channel)
        await service.all_told()

        [file] = message.files
        assert (file.data, file.filename) == (b"finished picture", f"atelier-{job.id}.png")
        assert file.description == "cat.jpg in the style of Style 1"
        assert message.content.startswith(f"<@{ada.id}>")
        assert message.content.endswith("Painted at 256 px.")
        assert message.allowed_mentions == {"parse": [], "users": [ada.id]}
        assert message.replies_to == asked.message.id

    async def test_the_progress_message_is_reduced_to_a_line(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """The channel shows one picture, not two."""
        asked = await stylize(stand_in, ada, channel)
        job = service.newest
        service.jobs[job.id] = replace(job, paint_seconds=72.0)

        await service.happens(Painting(0.9, preview=b"preview"))
        await stand_in.until(lambda: asked.message.files)
        await service.happens(Painted())
        await service.all_told()

        assert asked.message.content.startswith("Painted in 1 minute 12 seconds: https://discord.com/channels/")
        assert (asked.message.files, asked.message.components) == ([], [])

    async def test_a_spoiler_stays_a_spoiler(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """What somebody hid is not uncovered by painting it."""
        hidden = replace(PICTURE, filename="SPOILER_cat.jpg")
        asked = await stand_in.slash(ada, channel, "stylize", content=hidden, preset="style-1")
        await stand_in.until(lambda: asked.message.content)

        await service.happens(Painted())

        [file] = (await posted(stand_in, channel)).files
        assert file.filename.startswith("SPOILER_atelier-")

    async def test_a_failure_is_said_in_the_progress_message(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Nobody waits for a picture that will not come."""
        asked = await stylize(stand_in, ada, channel)

        await service.happens(Failed("The picture does not fit into memory; try a smaller size."))
        await service.all_told()

        assert asked.message.content == "The picture does not fit into memory; try a smaller size."

    async def test_a_failure_is_said_anew_when_the_progress_message_is_gone(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Deleting the message does not mean that nobody waits."""
        asked = await stylize(stand_in, ada, channel)
        await stand_in.delete(asked.message)

        await service.happens(Failed("It failed."))
        await service.all_told()

        [message] = stand_in.messages(channel)
        assert message.content == f"<@{ada.id}> It failed."

    async def test_a_cancelled_job_without_a_message_is_closed_quietly(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Who deleted and cancelled it needs no message about it."""
        asked = await stylize(stand_in, ada, channel)
        await stand_in.delete(asked.message)

        await service.happens(Cancelled())
        await service.all_told()

        assert stand_in.messages(channel) == []

    async def test_the_picture_comes_although_its_message_was_deleted_meanwhile(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Moderators tidy up; the work is not lost."""
        asked = await stylize(stand_in, ada, channel)
        await stand_in.delete(asked.message)

        await service.happens(Painting(0.5))
        await service.happens(Painted())
        await service.all_told()

        assert (await posted(stand_in, channel)).replies_to is None

    @pytest.mark.usefixtures("impatient")
    async def test_three_server_errors_while_editing_do_not_matter(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Discord has bad minutes."""
        asked = await stylize(stand_in, ada, channel)
        await stand_in.until(lambda: "next in line" in asked.message.content)
        stand_in.fail("PATCH", EDIT, times=3)

        await service.happens(Painting(0.5))
        await stand_in.until(lambda: "50%" in asked.message.content)
        await service.happens(Painted())
        await service.all_told()

        assert len([message for message in stand_in.messages(channel) if message.files]) == 1

    async def test_a_rate_limit_while_editing_is_waited_for(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Progress may come late, but it comes."""
        asked = await stylize(stand_in, ada, channel)
        await stand_in.until(lambda: "next in line" in asked.message.content)
        stand_in.rate_limit("PATCH", EDIT, retry_after=0.01, times=2)

        await service.happens(Painting(0.5))
        await stand_in.until(lambda: "50%" in asked.message.content)
        await service.happens(Painted())
        await service.all_told()

        assert (await posted(stand_in, channel)).files

    @pytest.mark.usefixtures("impatient")
    async def test_a_picture_that_discord_took_without_saying_so_is_not_posted_twice(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """A lost answer is not a lost message: the nonce tells Discord that it is the same one."""
        await stylize(stand_in, ada, channel)
        stand_in.fail("POST", POST, times=1, is_done_anyway=True)

        await service.happens(Painted())
        await service.all_told()

        assert len([message for message in stand_in.messages(channel) if message.files]) == 1

    async def test_the_picture_goes_to_the_person_when_the_channel_has_closed(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """Permissions change while a picture is being painted; the work is not lost."""
        await stylize(stand_in, ada, channel)
        channel.app_permissions = discord.Permissions.none()

        await service.happens(Painted())
        message = await posted(stand_in, stand_in.dm(ada))
        await service.all_told()

        assert message.content.endswith("I could not post it where you asked for it, so here it is.")

    async def test_a_picture_that_nobody_takes_ends_its_job(
        self, stand_in: StandIn, service: FakeService, channel: Channel
    ) -> None:
        """A closed channel and closed direct messages must not make a job that is tried for ever."""
        await stylize(stand_in, stand_in.add_user("eve", accepts_dms=False), channel)
        channel.app_permissions = discord.Permissions.none()

        await service.happens(Painted())
        await service.all_told()

        assert len(service.told_jobs) == 1


class TestRestarting:
    """Nothing hangs on the process."""

    async def test_a_job_that_was_open_is_finished_and_delivered_once(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """A restart, and a lost connection after it, lose no picture and post none twice."""
        async with online(stand_in, service):
            asked = await stylize(stand_in, ada, channel)
        stand_in.clock.advance(3600)

        async with online(stand_in, service):
            await stand_in.disconnect()
            await stand_in.until(lambda: stand_in.resumed)
            await service.happens(Painting(0.5))
            await stand_in.until(lambda: "50%" in asked.message.content)
            await service.happens(Painted())
            await service.all_told()

        assert len([message for message in stand_in.messages(channel) if message.files]) == 1
        assert len(service.told_jobs) == 1

    async def test_a_picture_posted_just_before_a_crash_is_not_posted_again(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """The crash came between Discord's answer and the ledger."""
        async with online(stand_in, service):
            await stylize(stand_in, ada, channel)
            await service.happens(Painted())
            await service.all_told()
        service.told_jobs.clear()

        async with online(stand_in, service):
            await service.all_told()

        assert len([message for message in stand_in.messages(channel) if message.files]) == 1

    async def test_the_cancel_button_works_after_a_restart(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """The button carries all that it needs."""
        async with online(stand_in, service):
            asked = await stylize(stand_in, ada, channel)

        async with online(stand_in, service):
            await stand_in.press(ada, asked.message, "Cancel")
            await service.all_told()

        assert asked.message.content == "Cancelled."

    async def test_closing_leaves_no_task_behind(
        self, stand_in: StandIn, service: FakeService, ada: User, channel: Channel
    ) -> None:
        """A clean stop is what makes a clean start."""
        async with online(stand_in, service):
            await stylize(stand_in, ada, channel)

        left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(("follow", "edit"))]
        assert left == []


class TestWithoutMembership:
    """Direct conversations and people's own installations, where the bot speaks through interactions only."""

    @pytest.mark.usefixtures("bot")
    async def test_in_a_direct_conversation_everything_goes_through_the_token(
        self, stand_in: StandIn, service: FakeService, ada: User
    ) -> None:
        """Works wherever somebody has installed the bot, and in time."""
        asked = await stylize(stand_in, ada, stand_in.dm(ada))

        await service.happens(Painting(0.5, preview=b"preview"))
        await stand_in.until(lambda: asked.message.files)
        await service.happens(Painted())
        await service.all_told()

        [answer] = asked.followups
        assert answer.files[0].data == b"finished picture"
        assert asked.message.content.startswith("Painted")
        assert not [request for request in stand_in.requests if "/channels/" in request]

    @pytest.mark.usefixtures("bot")
    async def test_in_a_foreign_server_everything_goes_through_the_token(
        self, stand_in: StandIn, service: FakeService, ada: User
    ) -> None:
        """A person's own installation works where the bot is no member."""
        elsewhere = stand_in.add_channel(stand_in.add_guild(has_bot=False))

        asked = await stand_in.slash(ada, elsewhere, "stylize", is_user_install=True, content=PICTURE, preset="style-1")
        await stand_in.until(lambda: asked.message.content)
        await service.happens(Painted())
        await service.all_told()

        assert asked.followups[0].files

    @pytest.mark.usefixtures("bot")
    async def test_the_service_learns_until_when_it_could_be_delivered(
        self, stand_in: StandIn, service: FakeService, ada: User
    ) -> None:
        """So that it refuses at once what would outlive the token."""
        before = stand_in.clock.now()

        await stylize(stand_in, ada, stand_in.dm(ada))

        deliver_by = service.requests[0].deliver_by
        assert deliver_by is not None
        assert 13 * 60 < deliver_by - before < 15 * 60

    @pytest.mark.usefixtures("bot")
    async def test_what_the_service_finds_too_slow_for_the_token_is_refused(
        self, stand_in: StandIn, service: FakeService, ada: User
    ) -> None:
        """Better now than after a quarter of an hour."""
        service.submit_refusal = Refused("The line is too long for a direct conversation; ask in a server.")

        asked = await stylize(stand_in, ada, stand_in.dm(ada))

        assert asked.message.content == "The line is too long for a direct conversation; ask in a server."

    @pytest.mark.usefixtures("bot")
    async def test_a_picture_that_outlived_its_token_comes_by_direct_message(
        self, stand_in: StandIn, service: FakeService, ada: User
    ) -> None:
        """An estimate may be wrong; the picture still arrives."""
        conversation = stand_in.dm(ada)
        await stylize(stand_in, ada, conversation)
        stand_in.clock.advance(16 * 60)

        await service.happens(Painted())
        await service.all_told()

        assert (await posted(stand_in, conversation)).files[0].data == b"finished picture"

    async def test_the_token_still_serves_after_a_restart_and_is_never_logged(
        self, stand_in: StandIn, service: FakeService, ada: User, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It is kept with the job; it is a secret."""
        caplog.set_level(logging.INFO)
        async with online(stand_in, service):
            asked = await stylize(stand_in, ada, stand_in.dm(ada))

        async with online(stand_in, service):
            await service.happens(Painted())
            await service.all_told()

        assert asked.followups[0].files
        assert asked.token not in caplog.text
        assert asked.token not in repr(service.newest)


async def test_no_privileged_intent_is_asked_for(stand_in: StandIn, service: FakeService) -> None:
    """The bot reads no messages, and an operator has nothing to switch on."""
    async with online(stand_in, service):
        pass

    assert stand_in.identified[0]["intents"] == discord.Intents(guilds=True).value


async def test_commands_are_not_registered_when_the_configuration_says_so(
    stand_in: StandIn, service: FakeService
) -> None:
    """Several processes of one bot need only one to do it."""
    async with online(stand_in, service, Settings(sync_commands=False)):
        pass

    assert stand_in.commands == {}


async def test_the_command_is_offered_everywhere(stand_in: StandIn, service: FakeService) -> None:
    """In servers, in direct and in private conversations, and installed by servers and by people."""
    async with online(stand_in, service):
        pass

    command = stand_in.commands["stylize"]
    assert command["contexts"] == [0, 1, 2]
    assert command["integration_types"] == [0, 1]


async def test_a_wrong_token_is_one_sentence(stand_in: StandIn, service: FakeService) -> None:
    """The first mistake of every operator."""
    with pytest.raises(TokenRefused, match="refuses the bot's token"):
        await DiscordFrontEnd(service, Settings()).run("wrong")
