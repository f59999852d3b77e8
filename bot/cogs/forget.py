"""The command /forget: a person's pictures, out of the ledger."""

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs import wording
from bot.service import StyleService


class ForgetCog(commands.Cog):
    """Deletes what is kept of the person who asks, and of nobody else."""

    def __init__(self, service: StyleService) -> None:
        self._service = service

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def forget(self, interaction: discord.Interaction) -> None:
        """Delete the pictures you sent me and what I made of them from my memory."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        count = await self._service.forget(interaction.user.id)
        await interaction.edit_original_response(content=wording.forgotten(count))
