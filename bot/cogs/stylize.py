"""The command /stylize: what a person asked for, translated for the service."""

import contextlib
from collections.abc import Collection
from typing import Literal

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs import wording
from bot.cogs.cancel import cancel_view
from bot.cogs.places import FRONT_END, TROUBLE
from bot.cogs.progress import ProgressBoard
from bot.jobs import Address, Owner, Refused, Request
from bot.service import StyleService

MAX_CHOICES = 25
MAX_CHOICE_LENGTH = 100
TOKEN_MARGIN_SECONDS = 45.0
"""Kept free at the end of a token's life for encoding and uploading the picture."""

Size = Literal[256, 384, 512, 768, 1024]


class StylizeCog(commands.Cog):
    """Translates between Discord and the service; every rule of painting lives in the service."""

    def __init__(self, service: StyleService, board: ProgressBoard, priority_roles: Collection[int]) -> None:
        self._service = service
        self._board = board
        self._priority_roles = frozenset(priority_roles)

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    @app_commands.describe(
        content="the picture to repaint",
        style="the painting to learn from",
        preset="or one of the bot's own styles",
        strength="how far from the picture, 0 to 100; else as suits the style",
        size="the long edge of the result, in pixels",
    )
    async def stylize(
        self,
        interaction: discord.Interaction,
        content: discord.Attachment,
        style: discord.Attachment | None = None,
        preset: str | None = None,
        strength: app_commands.Range[int, 0, 100] | None = None,
        size: Size | None = None,
    ) -> None:
        """Repaint a picture in the style of a painting."""
        # Discord forgets an interaction left unanswered for 3 s; reading two pictures can take longer.
        acknowledgement = await interaction.response.defer(thinking=True)
        message_id = acknowledgement and acknowledgement.message_id
        if not message_id:
            message_id = (await interaction.original_response()).id
        speaks_for_itself = may_speak_for_itself(interaction)
        if speaks_for_itself:
            check_permissions(interaction)
        owner = Owner(interaction.user.id, interaction.guild_id)
        sizes = [attachment.size for attachment in (content, style) if attachment]
        await self._service.admit(owner, sizes=sizes, has_style=style is not None, preset=preset)
        request = Request(
            owner=owner,
            address=address_of(interaction, message_id, content, speaks_for_itself),
            content=await read(content),
            style=await read(style) if style else None,
            preset=preset,
            strength=strength,
            size=size,
            deliver_by=None if speaks_for_itself else interaction.expires_at.timestamp() - TOKEN_MARGIN_SECONDS,
            upload_limit_bytes=interaction.filesize_limit,
            priority=int(self._has_priority(interaction.user)),
        )
        job = await self._service.submit(request)
        try:
            # Through the token, once: only that ends "is thinking…".
            with contextlib.suppress(discord.HTTPException, *TROUBLE):
                await interaction.edit_original_response(content=wording.accepted(job), view=cancel_view(job.id))
        finally:
            self._board.follow(job)

    def _has_priority(self, person: discord.User | discord.Member) -> bool:
        return isinstance(person, discord.Member) and any(role.id in self._priority_roles for role in person.roles)

    @stylize.autocomplete("preset")
    async def suggest_presets(self, interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """The bot's own styles that fit what has been typed, in the person's language."""
        locale = interaction.locale.value
        return [
            app_commands.Choice(name=wording.preset(preset.texts(locale))[:MAX_CHOICE_LENGTH], value=preset.name)
            for preset in self._service.presets(typed, MAX_CHOICES, locale)[:MAX_CHOICES]
        ]


def may_speak_for_itself(interaction: discord.Interaction) -> bool:
    """Whether the bot is a member where the command was given, so that it needs no interaction's token."""
    guild_id = interaction.guild_id
    is_member = guild_id is not None and interaction.client.get_guild(guild_id) is not None
    return is_member and interaction.is_guild_integration()


def check_permissions(interaction: discord.Interaction) -> None:
    """Find out before any work whether the answer could be posted here.

    Raises:
        Refused: the bot lacks a permission in this channel.
    """
    allowed = interaction.app_permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    wanted = (
        ("View Channel", allowed.view_channel),
        ("Send Messages in Threads", allowed.send_messages_in_threads)
        if in_thread
        else ("Send Messages", allowed.send_messages),
        ("Attach Files", allowed.attach_files),
    )
    missing = [name for name, is_allowed in wanted if not is_allowed]
    if missing:
        raise Refused(
            f"I could not post the picture here: ask a moderator to give me {' and '.join(missing)} in this channel, "
            "or try another one."
        )


def address_of(
    interaction: discord.Interaction, message_id: int, content: discord.Attachment, speaks_for_itself: bool
) -> Address:
    """Where the answer goes, and what it needs to know about the picture that was sent."""
    detail: dict[str, str | int | float | None] = {
        "guild_id": interaction.guild_id,
        "channel_id": interaction.channel_id,
        "message_id": message_id,
        "content_name": content.description or content.filename,
        "is_spoiler": int(content.is_spoiler()),
    }
    if not speaks_for_itself:
        detail |= {"application_id": interaction.application_id, "token": interaction.token}
    return Address(FRONT_END, detail)


async def read(attachment: discord.Attachment) -> bytes:
    """The attachment's bytes; call it after the service has admitted its declared size.

    Raises:
        Refused: Discord does not hand it out.
    """
    try:
        return await attachment.read()
    except discord.NotFound:
        raise Refused(f"Discord no longer has {attachment.filename}; please attach it again.") from None
    except (discord.HTTPException, *TROUBLE):
        raise Refused(f"Discord did not hand me {attachment.filename}; please try again in a moment.") from None
