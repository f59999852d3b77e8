"""The Discord front-end: discord.py's real client against the stand-in, with a service that the test plays itself."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from types import ModuleType

import discord
import pytest
from discord_scene import PICTURE, Scene, Settings
from fake_service import PRESETS, FakeService
from stand_in import StandIn, Upload

from bot.cogs import DiscordFrontEnd, LoginFailed
from bot.jobs import Cancelled, Failed, Owner, Painted, Painting, Queued, Refused
from bot.preset_files import MAX_ALT, MAX_WORDS
from engine.errors import PictureRefused
from engine.images import open_picture

POST = "/channels/{channel_id}/messages"
EDIT = POST + "/{message_id}"
MODERATOR = discord.Permissions(send_messages=True, manage_messages=True)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    """Everything but the bot."""
    async with StandIn() as stand_in:
        channel = stand_in.add_channel(stand_in.add_guild())
        yield Scene(stand_in, FakeService(), channel, stand_in.add_user("ada"))
        assert stand_in.complaints == []


@pytest.fixture
async def live(scene: Scene) -> AsyncIterator[Scene]:
    """Everything, and the bot is online."""
    async with scene.online():
        yield scene


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """discord.py waits 1, 3, 5, … seconds between attempts; here it does not."""
    hurried = ModuleType("asyncio")
    vars(hurried).update(vars(asyncio), sleep=lambda _: asyncio.sleep(0))
    monkeypatch.setattr(discord.http, "asyncio", hurried)
    monkeypatch.setattr(discord.webhook.async_, "asyncio", hurried)


async def test_the_command_is_acknowledged_before_a_byte_is_fetched(live: Scene) -> None:
    """Discord forgets a command that is not acknowledged within three seconds."""
    asked = await live.ask()

    assert asked.acknowledged_after is not None
    assert asked.acknowledged_after < 3
    callback = live.discord.requests.index("POST /interactions/{interaction_id}/{interaction_token}/callback")
    assert callback < live.discord.requests.index("GET attachment")


async def test_the_service_gets_everything_the_person_chose(live: Scene) -> None:
    """Nothing is lost in translation."""
    style = Upload(b"a painting", "wave.png", "image/png")

    await live.ask(style=style, strength=80, size=768)

    [request] = live.service.requests
    assert (request.content, request.style, request.preset) == (PICTURE.data, style.data, None)
    assert (request.strength, request.size) == (80, 768)
    assert request.owner == Owner(live.ada.id, live.discord.guilds[0].id)
    assert request.upload_limit_bytes == 20 * 1024 * 1024
    assert request.deliver_by is None


async def test_presets_are_suggested_while_typing(live: Scene) -> None:
    """Discord takes 25 choices at most, and discord.py does not count them."""
    everything = await live.discord.autocomplete(live.ada, live.channel, "stylize", preset="")
    few = await live.discord.autocomplete(live.ada, live.channel, "stylize", preset="style 39")

    assert len(everything) == 25
    assert few == [{"name": "Style 39: bold strokes", "value": "style-39"}]


async def test_presets_are_suggested_in_the_persons_language(live: Scene) -> None:
    """As far as they were translated."""
    ida = live.discord.add_user("ida", locale="de")

    suggested = await live.discord.autocomplete(ida, live.channel, "stylize", preset="stil 39")

    assert suggested == [{"name": "Stil 39: kühne Striche", "value": "style-39"}]


async def test_no_word_about_the_strength_leaves_it_to_the_style(live: Scene) -> None:
    """A preset knows what suits it."""
    await live.ask()

    assert live.service.requests[0].strength is None


async def test_the_gallery_shows_every_preset_to_who_asks(live: Scene) -> None:
    """In sheets, since Discord attaches ten pictures at most; each says what it shows."""
    asked = await live.discord.slash(live.ada, live.channel, "presets")
    sheets = await live.discord.until(lambda: asked.message.files)

    assert asked.message.is_ephemeral
    assert [file.filename for file in sheets] == ["presets-1.jpg", "presets-2.jpg", "presets-3.jpg"]
    assert open_picture(sheets[0].data).shape[1] > 4 * 200
    descriptions = [file.description or "" for file in sheets]
    assert [text.count("Bold strokes") for text in descriptions] == [16, 16, 8]
    assert "Style 39: bold strokes" in asked.message.content


async def test_the_gallery_speaks_the_persons_language(live: Scene) -> None:
    """What they can type, they can read."""
    ida = live.discord.add_user("ida", locale="de")

    asked = await live.discord.slash(ida, live.channel, "presets")
    await live.discord.until(lambda: asked.message.files)

    assert "Stil 39: kühne Striche" in asked.message.content


@pytest.mark.slow
async def test_a_gallery_of_many_words_keeps_to_discords_limits(live: Scene) -> None:
    """Titles and alt texts are the operator's, and may be long; the stand-in complains as Discord would."""
    wordy = replace(PRESETS[0], title="W" * MAX_WORDS, description="w" * MAX_WORDS, alt="w" * MAX_ALT)
    live.service.offered = [wordy] * 200

    asked = await live.discord.slash(live.ada, live.channel, "presets")
    await live.discord.until(lambda: asked.message.files)

    assert len(asked.message.files) == 10
    assert all(len(file.description or "") <= 1024 for file in asked.message.files)


async def test_an_empty_gallery_says_what_to_do_instead(live: Scene) -> None:
    """An operator's own bot may have no presets."""
    live.service.offered.clear()

    asked = await live.discord.slash(live.ada, live.channel, "presets")
    await live.discord.until(lambda: asked.message.content)

    assert asked.message.content == "There are no presets here; attach a style picture to /stylize instead."
    assert asked.message.files == []


async def test_a_refusal_becomes_the_answer(live: Scene) -> None:
    """Whatever the service refuses, its sentence is what the person reads; nothing is fetched before."""
    live.service.refusal = Refused("You already have 3 pictures waiting; cancel one or wait.")

    asked = await live.ask()

    assert asked.message.content == "You already have 3 pictures waiting; cancel one or wait."
    assert asked.message.components == []
    assert "GET attachment" not in live.discord.requests


async def test_the_declared_size_is_judged_before_the_picture_is_fetched(live: Scene) -> None:
    """discord.py reads attachments without any limit."""
    live.service.refusal = Refused("That file is too large.")
    huge = Upload(b"", declared_size=400_000_000)

    await live.ask(content=huge)

    assert live.service.admitted == [[400_000_000]]
    assert "GET attachment" not in live.discord.requests


async def test_an_expired_attachment_is_said_so(live: Scene) -> None:
    """Links to uploads do not live for ever."""
    expired = replace(PICTURE, is_expired=True)

    asked = await live.ask(content=expired)

    assert asked.message.content == "Discord no longer has cat.jpg; please attach it again."
    assert live.service.requests == []


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
    live: Scene, missing: str, is_thread: bool, named: str
) -> None:
    """Nobody waits ten minutes for a picture that cannot be posted."""
    allowed = discord.Permissions.all() & ~discord.Permissions(**{missing: True})
    closed = live.discord.add_channel(live.discord.guilds[0], app_permissions=allowed, is_thread=is_thread)

    asked = await live.ask(closed)

    assert f"give me {named} in this channel" in asked.message.content
    assert live.service.admitted == []


async def test_a_bug_becomes_a_reference_that_the_log_knows(live: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """A person can report it, and the operator can find it."""
    live.service.submit_refusal = ZeroDivisionError("a bug")

    asked = await live.ask()

    reference = asked.message.content.removesuffix(".").split()[-1]
    assert "a bug" not in asked.message.content
    assert [record for record in caplog.records if reference in record.getMessage() and record.exc_info]


async def test_the_message_tells_the_place_in_line_and_the_time_left(live: Scene) -> None:
    """People wait more gladly when they know how long."""
    asked = await live.ask()

    await live.service.happens(Queued(3, seconds_left=90))
    await live.discord.until(lambda: "3rd in line, ready <t:" in asked.message.content)
    await live.service.happens(Painting(0.42, seconds_left=30))
    await live.discord.until(lambda: "42%, ready <t:" in asked.message.content)

    assert list(asked.message.buttons) == ["Cancel"]
    assert not asked.message.is_thinking


async def test_a_small_preview_is_attached(live: Scene) -> None:
    """Watching the picture grow is half the fun."""
    asked = await live.ask()

    await live.service.happens(Painting(0.2, preview=b"first"))
    await live.discord.until(lambda: asked.message.files)
    await live.service.happens(Painting(0.4, preview=b"second"))
    await live.discord.until(lambda: asked.message.files[0].data == b"second")

    [preview] = asked.message.files
    assert preview.filename == "preview.jpg"
    assert preview.description


async def test_edits_go_through_the_channel_not_the_token(live: Scene) -> None:
    """The interaction's token dies after 15 minutes, the bot's own message does not."""
    asked = await live.ask()

    live.discord.clock.advance(3600)
    await live.service.happens(Painting(0.5))
    await live.discord.until(lambda: "50%" in asked.message.content)
    await live.service.happens(Painted())

    assert (await live.picture()).files


async def test_someone_else_cannot_cancel(live: Scene) -> None:
    """A picture belongs to the person who asked for it."""
    asked = await live.ask()

    pressed = await live.discord.press(live.discord.add_user("bob"), asked.message, "Cancel")
    await live.discord.until(lambda: pressed.followups)

    [answer] = pressed.followups
    assert answer.is_ephemeral
    assert answer.content.startswith("Only the person who asked for this picture")
    assert live.service.told_jobs == []


async def test_the_owner_cancels(live: Scene) -> None:
    """Everybody changes their mind."""
    asked = await live.ask()

    await live.discord.press(live.ada, asked.message, "Cancel")
    await live.service.all_told()

    assert (asked.message.content, asked.message.components) == ("Cancelled.", [])


async def test_a_moderator_cancels_for_others(live: Scene) -> None:
    """Moderators keep their channels tidy."""
    asked = await live.ask()

    await live.discord.press(live.discord.add_user("mod"), asked.message, "Cancel", permissions=MODERATOR)
    await live.service.all_told()

    assert asked.message.content == "Cancelled."


async def test_the_end_of_one_job_leaves_the_buttons_of_others_alive(live: Scene) -> None:
    """discord.py 2.7.1 can forget a kind of button everywhere when one of them goes."""
    first = await live.ask()
    other = await live.ask(by=live.discord.add_user("bob"))
    await live.discord.press(live.ada, first.message, "Cancel")
    await live.discord.until(lambda: not first.message.buttons)

    await live.discord.press(other.user, other.message, "Cancel")
    await live.service.all_told()

    assert other.message.content == "Cancelled."


async def test_a_button_of_an_older_version_is_answered(live: Scene) -> None:
    """Else Discord says "This interaction failed"."""
    asked = await live.ask()
    asked.message.components[0]["components"][0]["custom_id"] = "atelier:0:forgotten"

    pressed = await live.discord.press(live.ada, asked.message, "Cancel")

    assert pressed.message.is_ephemeral
    assert "another version" in pressed.message.content


async def test_edits_keep_their_distance_and_the_end_does_not_wait_for_one(scene: Scene) -> None:
    """Discord limits edits; the finished picture is not held back by them."""
    async with scene.online(Settings(edit_seconds=3600)):
        asked = await scene.ask()
        await scene.discord.until(lambda: "next in line" in asked.message.content)

        for percent in range(50):
            await scene.service.happens(Painting(percent / 100))
        await scene.service.happens(Painted())
        await scene.discord.until(lambda: asked.message.content.startswith("Painted"))

    accepted, first, last = asked.message.history[1:]
    assert accepted.startswith("Accepted")
    assert "next in line" in first
    assert last.startswith("Painted")


async def test_previews_come_less_often_than_edits(scene: Scene) -> None:
    """A preview costs an upload."""
    async with scene.online(Settings(preview_seconds=3600)):
        asked = await scene.ask()

        await scene.service.happens(Painting(0.1, preview=b"first"))
        await scene.discord.until(lambda: asked.message.files)
        await scene.service.happens(Painting(0.2, preview=b"second"))
        await scene.discord.until(lambda: "20%" in asked.message.content)

        assert [file.data for file in asked.message.files] == [b"first"]


async def test_the_finished_picture_comes_as_a_new_message_for_the_person_who_asked(live: Scene) -> None:
    """A new message notifies; an edited one does not."""
    asked = await live.ask()
    job = live.service.newest
    live.service.jobs[job.id] = replace(job, paint_seconds=72.0, note="Painted at 256 px.")

    await live.service.happens(Painted())
    message = await live.picture()
    await live.service.all_told()

    [file] = message.files
    assert (file.data, file.filename) == (b"finished picture", f"atelier-{job.id}.png")
    assert file.description == "cat.jpg in the style of Style 1"
    assert message.content.startswith(f"<@{live.ada.id}>")
    assert message.content.endswith("Painted at 256 px.")
    assert message.allowed_mentions == {"parse": [], "users": [live.ada.id]}
    assert message.replies_to == asked.message.id


async def test_the_progress_message_is_reduced_to_a_line(live: Scene) -> None:
    """The channel shows one picture, not two."""
    asked = await live.ask()
    job = live.service.newest
    live.service.jobs[job.id] = replace(job, paint_seconds=72.0, encoder="embedded")

    await live.service.happens(Painting(0.9, preview=b"preview"))
    await live.discord.until(lambda: asked.message.files)
    await live.service.happens(Painted())
    await live.discord.until(lambda: not asked.message.files)

    link = f"https://discord.com/channels/{live.discord.guilds[0].id}/{live.channel.id}/{live.pictures()[0].id}"
    assert asked.message.content == f"Painted in 1 minute 12 seconds with the embedded encoder: {link}"
    assert asked.message.components == []


async def test_a_spoiler_stays_a_spoiler(live: Scene) -> None:
    """What somebody hid is not uncovered by painting it."""
    hidden = replace(PICTURE, filename="SPOILER_cat.jpg")
    await live.ask(content=hidden)

    await live.service.happens(Painted())

    [file] = (await live.picture()).files
    assert file.filename.startswith("SPOILER_atelier-")


async def test_a_failure_is_said_in_the_progress_message(live: Scene) -> None:
    """Nobody waits for a picture that will not come."""
    asked = await live.ask()

    await live.service.happens(Failed("The picture does not fit into memory; try a smaller size."))
    await live.service.all_told()

    assert asked.message.content == "The picture does not fit into memory; try a smaller size."


async def test_a_picture_that_fits_under_no_limit_is_a_failure(live: Scene) -> None:
    """The person learns what to do instead of waiting."""
    live.service.result_error = PictureRefused("The picture is too large for this server; choose a smaller size.")
    asked = await live.ask()

    await live.service.happens(Painted())
    await live.service.all_told()

    assert asked.message.content == "The picture is too large for this server; choose a smaller size."


async def test_a_bug_while_delivering_is_said_and_leaves_the_job_for_the_next_start(scene: Scene) -> None:
    """A job is never dropped in silence."""
    async with scene.online():
        scene.service.result_error = ZeroDivisionError("a bug")
        asked = await scene.ask()
        await scene.service.happens(Painted())
        await scene.discord.until(lambda: "Something went wrong on my side" in asked.message.content)
    scene.service.result_error = None

    async with scene.online():
        await scene.service.all_told()

    assert len(scene.pictures()) == 1


async def test_a_failure_is_said_anew_when_the_progress_message_is_gone(live: Scene) -> None:
    """Deleting the message does not mean that nobody waits."""
    asked = await live.ask()
    await live.discord.delete(asked.message)

    await live.service.happens(Failed("It failed."))
    await live.service.all_told()

    [message] = live.discord.messages(live.channel)
    assert message.content == f"<@{live.ada.id}> It failed."


async def test_a_cancelled_job_without_a_message_is_closed_quietly(live: Scene) -> None:
    """Who deleted and cancelled it needs no message about it."""
    asked = await live.ask()
    await live.discord.delete(asked.message)

    await live.service.happens(Cancelled())
    await live.service.all_told()

    assert live.discord.messages(live.channel) == []


async def test_the_picture_comes_although_its_message_was_deleted_meanwhile(live: Scene) -> None:
    """Moderators tidy up; the work is not lost."""
    asked = await live.ask()
    await live.discord.until(lambda: "next in line" in asked.message.content)
    await live.discord.delete(asked.message)

    await live.service.happens(Painting(0.5))
    await live.service.happens(Painted())
    await live.service.all_told()

    assert (await live.picture()).replies_to is None


async def test_a_deleted_message_is_edited_no_more(live: Scene) -> None:
    """Discord bars bots that keep asking for what is gone."""
    asked = await live.ask()
    await live.discord.until(lambda: "next in line" in asked.message.content)
    await live.discord.delete(asked.message)
    edits = live.discord.requests.count(f"PATCH {EDIT}")

    await live.service.happens(Painting(0.1))
    await live.discord.until(lambda: live.discord.requests.count(f"PATCH {EDIT}") == edits + 1)
    await live.service.happens(Painting(0.2))
    await live.service.happens(Failed("It failed."))
    await live.service.all_told()

    assert live.discord.requests.count(f"PATCH {EDIT}") == edits + 2, "one that found it gone, one at the end"


@pytest.mark.usefixtures("impatient")
async def test_three_server_errors_while_editing_do_not_matter(live: Scene) -> None:
    """Discord has bad minutes."""
    asked = await live.ask()
    await live.discord.until(lambda: "next in line" in asked.message.content)
    live.discord.fail("PATCH", EDIT, times=3)

    await live.service.happens(Painting(0.5))
    await live.discord.until(lambda: "50%" in asked.message.content)
    await live.service.happens(Painted())
    await live.service.all_told()

    assert len(live.pictures()) == 1


async def test_a_rate_limit_while_editing_is_waited_for(live: Scene) -> None:
    """Progress may come late, but it comes."""
    asked = await live.ask()
    await live.discord.until(lambda: "next in line" in asked.message.content)
    live.discord.rate_limit("PATCH", EDIT, retry_after=0.01, times=2)

    await live.service.happens(Painting(0.5))
    await live.discord.until(lambda: "50%" in asked.message.content)
    await live.service.happens(Painted())
    await live.service.all_told()

    assert (await live.picture()).files


@pytest.mark.usefixtures("impatient")
async def test_a_picture_that_discord_took_without_saying_so_is_not_posted_twice(live: Scene) -> None:
    """A lost answer is not a lost message: the nonce tells Discord that it is the same one."""
    await live.ask()
    live.discord.fail("POST", POST, times=1, is_done_anyway=True)

    await live.service.happens(Painted())
    await live.service.all_told()

    assert len(live.pictures()) == 1


async def test_a_picture_waits_for_the_end_of_discords_troubles(live: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """An outage at the wrong moment loses nothing."""
    monkeypatch.setattr("bot.cogs.delivery.PAUSES_SECONDS", (0,))
    await live.ask()
    live.discord.fail("POST", POST, status=503, times=3)

    await live.service.happens(Painted())
    await live.service.all_told()

    assert len(live.pictures()) == 1


async def test_the_picture_goes_to_the_person_when_the_channel_has_closed(live: Scene) -> None:
    """Permissions change while a picture is being painted; the work is not lost."""
    await live.ask()
    live.channel.app_permissions = discord.Permissions.none()

    await live.service.happens(Painted())
    message = await live.picture(live.discord.dm(live.ada))
    await live.service.all_told()

    assert message.content.endswith("I could not post it where you asked for it, so here it is.")


async def test_a_picture_that_nobody_takes_ends_its_job(live: Scene) -> None:
    """A closed channel and closed direct messages must not make a job that is tried for ever."""
    asked = await live.ask(by=live.discord.add_user("eve", accepts_dms=False))
    live.channel.app_permissions = discord.Permissions(view_channel=True)

    await live.service.happens(Painted())
    await live.service.all_told()

    await live.discord.until(lambda: "neither here nor to you" in asked.message.content)
    assert len(live.service.told_jobs) == 1


async def test_a_job_that_was_open_is_finished_and_delivered_once(scene: Scene) -> None:
    """A restart, and a lost connection after it, lose no picture and post none twice."""
    async with scene.online():
        asked = await scene.ask()
    scene.discord.clock.advance(3600)

    async with scene.online():
        await scene.discord.disconnect()
        await scene.discord.until(lambda: scene.discord.resumed)
        await scene.service.happens(Painting(0.5))
        await scene.discord.until(lambda: "50%" in asked.message.content)
        await scene.service.happens(Painted())
        await scene.service.all_told()

    assert len(scene.pictures()) == 1
    assert len(scene.service.told_jobs) == 1


async def test_a_crash_before_posting_posts_the_picture_after_the_restart(scene: Scene) -> None:
    """The ledger says "delivering", and nothing is in the channel."""
    async with scene.online():
        await scene.ask()
    await scene.service.happens(Painted())
    await scene.service.begin_delivery(scene.service.newest.id)

    async with scene.online():
        await scene.service.all_told()

    assert len(scene.pictures()) == 1


@pytest.mark.parametrize("later_seconds", [1, 7200])
async def test_a_picture_posted_just_before_a_crash_is_not_posted_again(scene: Scene, later_seconds: float) -> None:
    """The crash came between Discord's answer and the ledger; long after it no nonce helps any more."""
    async with scene.online():
        asked = await scene.ask()
        await scene.service.happens(Painted())
        await scene.service.all_told()
    scene.service.told_jobs.clear()
    scene.discord.clock.advance(later_seconds)

    async with scene.online():
        await scene.service.all_told()

    assert len(scene.pictures()) == 1
    assert "Painted" in asked.message.content


async def test_a_picture_sent_directly_just_before_a_crash_is_not_sent_again(scene: Scene) -> None:
    """The channel had closed its door, and the person's own messages are looked through as well."""
    async with scene.online():
        await scene.ask()
        scene.channel.app_permissions = discord.Permissions(view_channel=True)
        await scene.service.happens(Painted())
        await scene.service.all_told()
    scene.service.told_jobs.clear()
    scene.discord.clock.advance(7200)

    async with scene.online():
        await scene.service.all_told()

    assert len(scene.pictures(scene.discord.dm(scene.ada))) == 1


async def test_where_the_history_is_hidden_a_crash_may_post_the_picture_twice(scene: Scene) -> None:
    """As docs/cluster.md says: rather twice than never."""
    scene.channel.app_permissions = discord.Permissions(view_channel=True, send_messages=True, attach_files=True)
    async with scene.online():
        await scene.ask()
        await scene.service.happens(Painted())
        await scene.service.all_told()
    scene.service.told_jobs.clear()
    scene.discord.clock.advance(7200)

    async with scene.online():
        await scene.service.all_told()

    assert len(scene.pictures()) == 2


async def test_whoever_waits_is_told_of_a_restart(scene: Scene) -> None:
    """A message that stands still looks like a bot that died."""
    async with scene.online():
        asked = await scene.ask()
        await scene.discord.until(lambda: "next in line" in asked.message.content)

    assert "being restarted" in asked.message.content
    assert asked.message.buttons.keys() == {"Cancel"}


async def test_a_picture_that_nobody_could_be_told_of_for_a_day_is_given_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, impatient: None
) -> None:
    """Otherwise a deleted network would be tried for ever."""
    monkeypatch.setattr("bot.cogs.delivery.PAUSES_SECONDS", (0,))
    monkeypatch.setattr("bot.cogs.delivery.OUT_OF_REACH_SECONDS", 0.0)
    async with scene.online():
        await scene.ask()
        scene.discord.fail("POST", POST, times=99)
        await scene.service.happens(Painted())

        await scene.service.all_told()

    assert scene.service.lost == [scene.service.newest.id]
    assert scene.pictures() == []


async def test_people_with_a_role_of_the_operators_choice_go_first(scene: Scene) -> None:
    """Priority is theirs to give."""
    guild = scene.channel.guild
    assert guild is not None
    guild.roles = (5, 6)
    scene.ada.roles = (6,)
    bob = scene.discord.add_user("bob")
    async with scene.online(Settings(priority_roles=(6,))):
        await scene.ask()
        await scene.ask(by=bob)

    assert [request.priority for request in scene.service.requests] == [1, 0]


async def test_a_person_can_have_everything_forgotten(live: Scene) -> None:
    """In private, and with what remains said."""
    await live.ask()

    asked = await live.discord.slash(live.ada, live.channel, "forget")
    await live.discord.until(lambda: asked.message.content)

    assert "what I kept of 1 job of yours" in asked.message.content
    assert asked.message.is_ephemeral


async def test_a_process_takes_up_only_the_jobs_of_its_own_servers(scene: Scene) -> None:
    """Several processes share a bot; each picture must be posted by one."""
    async with scene.online():
        await scene.ask()
    guild = scene.channel.guild
    assert guild is not None
    mine = (guild.id >> 22) % 2
    await scene.service.happens(Painted())

    async with scene.online(Settings(shard_count=2, shard_ids=(1 - mine,))):
        assert scene.pictures() == []
    async with scene.online(Settings(shard_count=2, shard_ids=(mine,))):
        await scene.service.all_told()

    assert [identity["shard"] for identity in scene.discord.identified[1:]] == [[1 - mine, 2], [mine, 2]]
    assert len(scene.pictures()) == 1


async def test_the_cancel_button_works_after_a_restart(scene: Scene) -> None:
    """The button carries all that it needs."""
    async with scene.online():
        asked = await scene.ask()

    async with scene.online():
        await scene.discord.press(scene.ada, asked.message, "Cancel")
        await scene.service.all_told()

    assert asked.message.content == "Cancelled."


async def test_closing_leaves_no_task_behind(scene: Scene) -> None:
    """A clean stop is what makes a clean start."""
    async with scene.online():
        await scene.ask()

    left = [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith(("follow", "edit"))]
    assert left == []


async def test_in_a_direct_conversation_everything_goes_through_the_token(live: Scene) -> None:
    """Works wherever somebody has installed the bot, and in time."""
    asked = await live.ask(live.discord.dm(live.ada))

    await live.service.happens(Painting(0.5, preview=b"preview"))
    await live.discord.until(lambda: asked.message.files)
    await live.service.happens(Painted())
    await live.discord.until(lambda: asked.message.content.startswith("Painted"))

    [answer] = asked.followups
    assert answer.files[0].data == b"finished picture"
    assert not [request for request in live.discord.requests if "/channels/" in request]


@pytest.mark.usefixtures("impatient")
async def test_trouble_right_after_the_delivery_does_not_deliver_again(live: Scene) -> None:
    """A follow-up to an interaction knows no nonce, so the ledger must know at once."""
    asked = await live.ask(live.discord.dm(live.ada))
    await live.discord.until(lambda: "next in line" in asked.message.content)
    live.discord.fail("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}", times=5)

    await live.service.happens(Painted())
    await live.service.all_told()

    assert len(asked.followups) == 1


async def test_in_a_foreign_server_everything_goes_through_the_token(live: Scene) -> None:
    """A person's own installation works where the bot is no member."""
    elsewhere = live.discord.add_channel(live.discord.add_guild(has_bot=False))

    asked = await live.ask(elsewhere, is_user_install=True)
    await live.service.happens(Painted())
    await live.service.all_told()

    assert asked.followups[0].files


async def test_the_service_learns_until_when_it_could_be_delivered(live: Scene) -> None:
    """So that it refuses at once what would outlive the token."""
    before = live.discord.clock.now()

    await live.ask(live.discord.dm(live.ada))

    deliver_by = live.service.requests[0].deliver_by
    assert deliver_by is not None
    assert 13 * 60 < deliver_by - before < 15 * 60


async def test_what_the_service_finds_too_slow_for_the_token_is_refused(live: Scene) -> None:
    """Better now than after a quarter of an hour."""
    live.service.submit_refusal = Refused("The line is too long for a direct conversation; ask in a server.")

    asked = await live.ask(live.discord.dm(live.ada))

    assert asked.message.content == "The line is too long for a direct conversation; ask in a server."


async def test_a_picture_that_outlived_its_token_comes_by_direct_message(live: Scene) -> None:
    """An estimate may be wrong; the picture still arrives."""
    conversation = live.discord.dm(live.ada)
    await live.ask(conversation)
    live.discord.clock.advance(16 * 60)

    await live.service.happens(Painted())
    await live.service.all_told()

    assert (await live.picture(conversation)).files[0].data == b"finished picture"


async def test_the_token_still_serves_after_a_restart_and_is_never_logged(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    """It is kept with the job; it is a secret."""
    caplog.set_level(logging.DEBUG)
    async with scene.online():
        asked = await scene.ask(scene.discord.dm(scene.ada))

    async with scene.online():
        await scene.service.happens(Painted())
        await scene.service.all_told()

    assert asked.followups[0].files
    assert asked.token not in caplog.text
    assert asked.token not in repr(scene.service.newest)


async def test_no_privileged_intent_is_asked_for(scene: Scene) -> None:
    """The bot reads no messages, and an operator has nothing to switch on."""
    async with scene.online():
        pass

    assert scene.discord.identified[0]["intents"] == discord.Intents(guilds=True).value


async def test_commands_are_not_registered_when_the_configuration_says_so(scene: Scene) -> None:
    """Several processes of one bot need only one to do it."""
    async with scene.online(Settings(sync_commands=False)):
        pass

    assert scene.discord.commands == {}


async def test_the_command_is_offered_everywhere(scene: Scene) -> None:
    """In servers, in direct and in private conversations, and installed by servers and by people."""
    async with scene.online():
        pass

    command = scene.discord.commands["stylize"]
    assert command["contexts"] == [0, 1, 2]
    assert command["integration_types"] == [0, 1]


async def test_an_unreachable_discord_is_one_sentence(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator without a network sees no stack of calls."""
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1")

    with pytest.raises(LoginFailed, match="Discord cannot be reached"):
        await DiscordFrontEnd(scene.service, Settings()).run(scene.discord.token)


async def test_a_wrong_token_is_one_sentence(scene: Scene) -> None:
    """The first mistake of every operator."""
    with pytest.raises(LoginFailed, match="refuses the bot's token"):
        await DiscordFrontEnd(scene.service, Settings()).run("wrong")
