"""The command /presets: all styles at a glance, shown to the one person who asked."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.cogs import wording
from bot.preset_files import Preset
from bot.service import StyleService
from engine.images import encode_jpeg, open_picture
from engine.sheets import Cell, draw_sheet

MAX_SHEETS: Final = 10
"""Discord takes no more attachments with one message."""
COLUMNS, ROWS = 4, 4
CELL_EDGE: Final = 200
SHEET_QUALITY: Final = 88
"""434 kB for the bundled sixteen: ten such sheets stay below the 10 MB that Discord lets anybody post."""


@dataclass(frozen=True)
class Sheet:
    """A few presets as one picture."""

    jpeg: bytes = field(repr=False)
    alt: str


class GalleryCog(commands.Cog):
    """Shows what there is to choose from."""

    def __init__(self, service: StyleService) -> None:
        self._service = service

    @app_commands.command()
    @app_commands.allowed_installs(guilds=True, users=True)
    @app_commands.allowed_contexts(guilds=True, dms=True, private_channels=True)
    async def presets(self, interaction: discord.Interaction) -> None:
        """Show the styles that /stylize offers as presets."""
        await interaction.response.defer(ephemeral=True, thinking=True)
        locale = interaction.locale.value
        presets = self._service.presets(limit=MAX_SHEETS * COLUMNS * ROWS, locale=locale)
        sheets = await asyncio.to_thread(draw_sheets, presets)
        files = [
            discord.File(io.BytesIO(sheet.jpeg), f"presets-{number}.jpg", description=sheet.alt)
            for number, sheet in enumerate(sheets, start=1)
        ]
        lines = [wording.preset(preset.texts(locale)) for preset in presets]
        await interaction.edit_original_response(content=wording.gallery(lines), attachments=files)


def draw_sheets(presets: Sequence[Preset]) -> list[Sheet]:
    """As many as it takes, in the presets' order."""
    size = COLUMNS * ROWS
    return [_sheet(presets[start : start + size]) for start in range(0, len(presets), size)]


def _sheet(presets: Sequence[Preset]) -> Sheet:
    # Under their English titles: the font that is drawn with knows no other letters than Latin ones.
    cells = [Cell(preset.title, open_picture(preset.thumbnail)) for preset in presets]
    alts = [f"{preset.title}: {preset.alt}" for preset in presets]
    return Sheet(encode_jpeg(draw_sheet(cells, COLUMNS, CELL_EDGE), SHEET_QUALITY), wording.gallery_alt_text(alts))
