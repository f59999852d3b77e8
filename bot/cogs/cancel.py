"""The button under a progress message that cancels its job."""

import re
from typing import TYPE_CHECKING, Any, Self, cast

import discord

from bot.cogs.refusals import explain
from bot.jobs import Owner, Refused

if TYPE_CHECKING:
    from bot.cogs.client import AtelierClient


class CancelButton(
    discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=r"atelier:1:cancel:([0-9a-f]{12})"
):
    """Carries the job's id, so that it works after a restart as well."""

    def __init__(self, job_id: str) -> None:
        button: discord.ui.Button[discord.ui.View] = discord.ui.Button(
            label="Cancel", style=discord.ButtonStyle.secondary, custom_id=f"atelier:1:cancel:{job_id}"
        )
        super().__init__(button)
        self.job_id = job_id

    # Any: the item, and the client behind the interaction, are what the library's generic base leaves open.
    @classmethod
    async def from_custom_id(
        cls, _: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str]
    ) -> Self:
        """The button that somebody pressed."""
        del item
        return cls(match[1])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Cancel for the job's owner or a moderator; the progress message then says so by itself."""
        try:
            await interaction.response.defer()
            service = cast("AtelierClient", interaction.client).service
            owner = Owner(interaction.user.id, interaction.guild_id)
            is_moderator = interaction.permissions.manage_messages
            if not await service.cancel(self.job_id, owner, is_moderator=is_moderator):
                raise Refused("It is too late to cancel this picture: it is finished.")
        except Exception as error:  # noqa: BLE001  # the library would log it and leave the person without an answer
            await explain(interaction, error)


def cancel_view(job_id: str) -> discord.ui.View:
    """The button in a view of its own.

    Fresh for every edit, with nothing else in it and without a timeout: discord.py 2.7.1 forgets a dynamic item for
    the whole bot when a view loses it in an edit, or holds other components as well and times out.
    """
    return discord.ui.View(timeout=None).add_item(CancelButton(job_id))


def is_ours(custom_id: str | None) -> bool:
    """Whether the running version knows what to do with this button."""
    pattern = CancelButton.__discord_ui_compiled_template__
    return custom_id is not None and pattern.fullmatch(custom_id) is not None
