"""Everything that speaks Discord; the only folder that may import it."""

from bot.cogs.client import DiscordFrontEnd, LoginFailed

__all__ = ["DiscordFrontEnd", "LoginFailed"]
