"""Where a job's messages go: into a channel, through an interaction's token, or to the person directly.

An interaction's token dies after 15 minutes, so wherever the bot is a member it speaks in the channel in its own name.
Only where it is not (a direct or private conversation, a person's own installation) the token is all it has.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import discord
from aiohttp import ClientError  # discord.py lets it through when the network fails

from bot.jobs import Address

FRONT_END = "discord"
NOBODY = discord.AllowedMentions.none()
SEARCHED_MESSAGES = 500
"""So many that came after a progress message are looked through for a job's picture."""
TROUBLE = (discord.DiscordServerError, ClientError, OSError)
"""Discord's or the network's own, which passes; any other `discord.HTTPException` is a refusal, and final."""


@dataclass(frozen=True)
class Post:
    """A new message."""

    text: str
    mentions: int
    """The only person who may be mentioned by it."""
    nonce: str
    """Within some minutes Discord makes one message only of two with the same nonce."""
    file: discord.File | None = None

    @property
    def allowed_mentions(self) -> discord.AllowedMentions:
        """Nobody but the person, whatever the text says."""
        person = discord.Object(self.mentions)
        return discord.AllowedMentions(everyone=False, roles=False, users=[person], replied_user=False)


class Place(Protocol):
    """Where the messages of one job go; raises `discord.HTTPException` or one of `TROUBLE`."""

    async def edit(
        self, text: str, files: Sequence[discord.File] | None = None, view: discord.ui.View | None = None
    ) -> None:
        """Change the progress message; `files` None keeps what is attached, `view` None takes its buttons away."""

    async def post(self, post: Post) -> discord.Message:
        """Write a new message under it."""

    async def find(self, job_id: str) -> discord.Message | None:
        """The message after it that carries the job's picture, as far as the bot can see."""


@dataclass(frozen=True)
class InChannel:
    """The bot's own message in a channel of a server."""

    client: discord.Client
    guild_id: int
    channel_id: int
    message_id: int

    async def edit(
        self, text: str, files: Sequence[discord.File] | None = None, view: discord.ui.View | None = None
    ) -> None:
        """Change the progress message."""
        attachments = discord.utils.MISSING if files is None else files
        await self._message.edit(content=text, attachments=attachments, view=view, allowed_mentions=NOBODY)

    async def post(self, post: Post) -> discord.Message:
        """Reply to the progress message; a plain message if that one is gone."""
        return await self._message.channel.send(
            post.text,
            file=post.file or discord.utils.MISSING,
            nonce=post.nonce,
            allowed_mentions=post.allowed_mentions,
            reference=self._message.to_reference(fail_if_not_exists=False),
        )

    async def find(self, job_id: str) -> discord.Message | None:
        """Needs the permission Read Message History."""
        return await _find(self.client, self._message.channel, job_id, after=self._message)

    @property
    def _message(self) -> discord.PartialMessage:
        return self.client.get_partial_messageable(self.channel_id, guild_id=self.guild_id).get_partial_message(
            self.message_id
        )


@dataclass(frozen=True)
class ThroughToken:
    """The answers to one interaction, where the bot may not write otherwise; over 15 minutes after it."""

    client: discord.Client
    application_id: int
    token: str = field(repr=False)
    message_id: int

    async def edit(
        self, text: str, files: Sequence[discord.File] | None = None, view: discord.ui.View | None = None
    ) -> None:
        """Change the progress message."""
        attachments = discord.utils.MISSING if files is None else files
        await self._webhook.edit_message(
            self.message_id, content=text, attachments=attachments, view=view, allowed_mentions=NOBODY
        )

    async def post(self, post: Post) -> discord.Message:
        """Follow up the interaction."""
        return await self._webhook.send(
            post.text, file=post.file or discord.utils.MISSING, allowed_mentions=post.allowed_mentions, wait=True
        )

    async def find(self, job_id: str) -> discord.Message | None:
        """A token shows no history."""
        return None

    @property
    def _webhook(self) -> discord.Webhook:
        return discord.Webhook.partial(self.application_id, self.token, client=self.client)


async def post_directly(client: discord.Client, post: Post) -> discord.Message:
    """Write to the person, for when their place has gone or closed its door."""
    conversation = await client.create_dm(discord.Object(post.mentions))
    file = post.file or discord.utils.MISSING
    return await conversation.send(post.text, file=file, nonce=post.nonce, allowed_mentions=post.allowed_mentions)


async def find_directly(client: discord.Client, user_id: int, job_id: str) -> discord.Message | None:
    """The message to the person that carries the job's picture."""
    return await _find(client, await client.create_dm(discord.Object(user_id)), job_id, after=None)


def file_name(job_id: str, extension: str) -> str:
    """Of a finished picture; its message is known again by it."""
    return f"atelier-{job_id}.{extension}"


async def _find(
    client: discord.Client, channel: discord.abc.Messageable, job_id: str, after: discord.PartialMessage | None
) -> discord.Message | None:
    """Forwards from a message, or back from the newest."""
    async for message in channel.history(limit=SEARCHED_MESSAGES, after=after):
        names = [attachment.filename.removeprefix("SPOILER_") for attachment in message.attachments]
        if message.author == client.user and any(name.startswith(file_name(job_id, "")) for name in names):
            return message
    return None


def place_of(client: discord.Client, address: Address) -> Place:
    """The place that a job's address names, after a restart as well."""
    detail = address.detail
    message_id = int(detail["message_id"] or 0)
    if token := detail.get("token"):
        return ThroughToken(client, int(detail["application_id"] or 0), str(token), message_id)
    return InChannel(client, int(detail["guild_id"] or 0), int(detail["channel_id"] or 0), message_id)
