"""The connection to Discord."""

import logging
from collections.abc import Collection, Sequence
from typing import Protocol

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.cancel import CancelButton, is_ours
from bot.cogs.forget import ForgetCog
from bot.cogs.gallery import GalleryCog
from bot.cogs.places import FRONT_END, TROUBLE
from bot.cogs.progress import Pace, ProgressBoard
from bot.cogs.refusals import explain
from bot.cogs.stylize import StylizeCog
from bot.jobs import Job
from bot.service import StyleService

OLD_BUTTON = "This button is from another version of me and does nothing any more."


class Settings(Pace, Protocol):
    """The part of the configuration that this front-end reads."""

    @property
    def sync_commands(self) -> bool:
        """Whether to register the commands with Discord at every start."""

    @property
    def priority_roles(self) -> Collection[int]:
        """Whoever has one of these roles is painted before all others."""

    @property
    def shard_count(self) -> int:
        """Into how many parts all processes together divide the bot's servers."""

    @property
    def shard_ids(self) -> Sequence[int]:
        """The parts that this process serves; none: all."""


class LoginFailed(Exception):
    """The bot cannot come online; `str(error)` is one sentence for its operator."""


class CommandTree(app_commands.CommandTree["AtelierClient"]):
    """Says why a command failed."""

    async def on_error(
        self, interaction: discord.Interaction["AtelierClient"], error: app_commands.AppCommandError, /
    ) -> None:
        """Answer with a sentence."""
        await explain(interaction, error)


class AtelierClient(commands.AutoShardedBot):
    """One login; it reads no messages and sees no members, so it needs no privileged intent."""

    def __init__(self, service: StyleService, settings: Settings) -> None:
        self._shards = tuple(settings.shard_ids or range(settings.shard_count))
        super().__init__(
            commands.when_mentioned,
            tree_cls=CommandTree,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            shard_count=settings.shard_count,
            shard_ids=list(self._shards),
        )
        self.service = service
        self.board = ProgressBoard(self, service, settings)
        self._settings = settings

    async def setup_hook(self) -> None:
        """Called once, after the login; what the last run left untold is taken up here, so that no reconnect does."""
        self.add_dynamic_items(CancelButton)
        await self.add_cog(StylizeCog(self.service, self.board, self._settings.priority_roles))
        await self.add_cog(GalleryCog(self.service))
        await self.add_cog(ForgetCog(self.service))
        if self._settings.sync_commands:
            await self.tree.sync()
        for job in await self.service.untold(FRONT_END):
            if self._is_mine(job):
                self.board.follow(job)

    def _is_mine(self, job: Job) -> bool:
        """Whether this process serves the job's server; conversations belong to the first shard."""
        return ((job.owner.guild_id or 0) >> 22) % self._settings.shard_count in self._shards

    async def on_interaction(self, interaction: discord.Interaction) -> None:
        """Answer buttons that nobody knows; the library would leave them without an answer."""
        if interaction.type is discord.InteractionType.component and not is_ours(interaction.custom_id):
            await interaction.response.send_message(OLD_BUTTON, ephemeral=True)

    async def close(self) -> None:
        """Leave Discord; open jobs stay in the ledger."""
        await self.board.close()
        await super().close()


class DiscordFrontEnd:
    """The service's front-end on Discord."""

    def __init__(self, service: StyleService, settings: Settings) -> None:
        self._client = AtelierClient(service, settings)
        # On its lowest level discord.py logs whole requests and events, and with them the interactions' tokens.
        logging.getLogger("discord").setLevel(logging.INFO)

    async def run(self, token: str) -> None:
        """Serve until cancelled or closed.

        Raises:
            LoginFailed: Discord does not know the token, or cannot be reached.
        """
        async with self._client:
            try:
                await self._client.login(token)
            except discord.LoginFailure:
                sentence = "Discord refuses the bot's token; copy it again from the Bot page of your application."
                raise LoginFailed(sentence) from None
            except TROUBLE as trouble:
                raise LoginFailed(f"Discord cannot be reached: {trouble}") from trouble
            await self._client.connect()

    async def close(self) -> None:
        """Leave Discord; `run` returns."""
        await self._client.close()
