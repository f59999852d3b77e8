"""The one place where errors become sentences for people in Discord."""

import contextlib
import logging
import uuid

import discord
from discord import app_commands

from bot.cogs.places import TROUBLE
from bot.jobs import JobError
from engine.errors import EngineError

logger = logging.getLogger(__name__)

OUTDATED = "This command has just changed; please try it again in a minute."


async def explain(interaction: discord.Interaction, error: Exception) -> None:
    """Answer the interaction with the error's sentence, whatever has been answered before."""
    sentence = sentence_for(error)
    # An interaction that Discord has forgotten meanwhile cannot be answered any more.
    with contextlib.suppress(discord.HTTPException, *TROUBLE):
        if not interaction.response.is_done():
            await interaction.response.send_message(sentence, ephemeral=True)
        elif interaction.type is discord.InteractionType.component:
            await interaction.followup.send(sentence, ephemeral=True)
        else:
            await interaction.edit_original_response(content=sentence, attachments=[], view=None)


def sentence_for(error: Exception) -> str:
    """A refusal's own sentence; anything else is a bug, logged under a short reference that the person can pass on."""
    if isinstance(error, app_commands.CommandInvokeError):
        error = error.original
    if isinstance(error, JobError | EngineError):
        return str(error)
    if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return OUTDATED
    reference = uuid.uuid4().hex[:8]
    logger.error("unexpected error, told as %s", reference, exc_info=error)
    return f"Something went wrong on my side. If you report it, please mention {reference}."
