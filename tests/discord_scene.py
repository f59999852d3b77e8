"""A server with one channel and one person in it, and the Discord front-end with a service that the test plays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fake_service import FakeService
from stand_in import Channel, Interaction, Message, Option, StandIn, Upload, User

from bot.cogs import DiscordFrontEnd

PICTURE = Upload(b"a picture's bytes", "cat.jpg")


@dataclass(frozen=True)
class Settings:
    """The front-end's part of the configuration, as hurried as it can be."""

    sync_commands: bool = True
    edit_seconds: float = 0.0
    preview_seconds: float = 0.0
    priority_roles: tuple[int, ...] = ()
    shard_count: int = 1
    shard_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Scene:
    """Where a test plays."""

    discord: StandIn
    service: FakeService
    channel: Channel
    ada: User

    @asynccontextmanager
    async def online(self, settings: Settings | None = None) -> AsyncIterator[None]:
        """The bot, from its login to its orderly leave."""
        front_end = DiscordFrontEnd(self.service, settings or Settings())
        connection = asyncio.create_task(front_end.run(self.discord.token))
        await self.discord.bot_is_online(connection)
        try:
            yield
        finally:
            await front_end.close()
            await connection

    async def ask(
        self,
        where: Channel | None = None,
        *,
        by: User | None = None,
        is_user_install: bool = False,
        content: Upload = PICTURE,
        **options: Option,
    ) -> Interaction:
        """Give the command, with a preset if nothing else is said, and wait until it is accepted or refused."""
        asked = await self.discord.slash(
            by or self.ada,
            where or self.channel,
            "stylize",
            is_user_install=is_user_install,
            permissions=None,
            content=content,
            **(options or {"preset": "style-1"}),
        )
        await self.discord.until(lambda: asked.message.content)
        return asked

    def pictures(self, where: Channel | None = None) -> list[Message]:
        """The messages with finished pictures."""
        seen = self.discord.messages(where or self.channel)
        return [message for message in seen if any("atelier" in file.filename for file in message.files)]

    async def picture(self, where: Channel | None = None) -> Message:
        """The first message with a finished picture, as soon as it is there."""
        return (await self.discord.until(lambda: self.pictures(where)))[0]
