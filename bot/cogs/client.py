"""The connection to Discord."""

from typing import Protocol

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs.cancel import CancelButton, is_ours
from bot.cogs.places import FRONT_END
from bot.cogs.progress import Pace, ProgressBoard
from bot.cogs.refusals import explain
from bot.cogs.stylize import StylizeCog
from bot.service import StyleService

OLD_BUTTON = "This button is from another version of me and does nothing any more."


class Settings(Pace, Protocol):
    """The part of the configuration that this front-end reads."""

    @property
    def sync_commands(self) -> bool:
        """Whether to register the commands with Discord at every start."""


class TokenRefused(Exception):
    """Discord does not know the bot's token."""

    def __init__(self) -> None:
        super().__init__("Discord refuses the bot's token; copy it again from the Bot page of your application.")


class CommandTree(app_commands.CommandTree["AtelierClient"]):
    """Says why a command failed."""

    async def on_error(
        self, interaction: discord.Interaction["AtelierClient"], error: app_commands.AppCommandError, /
    ) -> None:
        """Answer with a sentence."""
        await explain(interaction, error)


class AtelierClient(commands.Bot):
    """One login; it reads no messages and sees no members, so it needs no privileged intent."""

    def __init__(self, service: StyleService, settings: Settings) -> None:
        super().__init__(
            commands.when_mentioned,
            tree_cls=CommandTree,
            help_command=None,
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
        )
        self.service = service
        self.board = ProgressBoard(self, service, settings)
        self._settings = settings

    async def setup_hook(self) -> None:
        """Called once, after the login; what the last run left untold is taken up here, so that no reconnect does."""
        self.add_dynamic_items(CancelButton)
        await self.add_cog(StylizeCog(self.service, self.board))
        if self._settings.sync_commands:
            await self.tree.sync()
        for job in await self.service.untold(FRONT_END):
            self.board.follow(job)

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

    async def run(self, token: str) -> None:
        """Serve until cancelled or closed.

        Raises:
            TokenRefused: Discord does not know the token.
        """
        async with self._client:
            try:
                await self._client.start(token)
            except discord.LoginFailure:
                raise TokenRefused from None

    async def close(self) -> None:
        """Leave Discord; `run` returns."""
        await self._client.close()
