"""A stand-in for Discord on this machine, as strict as the real one where a bot can go wrong.

    async with StandIn() as discord:
        channel = discord.add_channel(discord.add_guild())
        ada = discord.add_user("ada")
        connection = asyncio.create_task(bot.start(discord.token))
        await discord.bot_is_online(connection)
        asked = await discord.slash(ada, channel, "stylize", content=Upload(jpeg), preset="wave")
        await discord.until(lambda: discord.messages(channel)[-1].files)
        await discord.press(ada, asked.message, "Cancel")

While it runs, discord.py talks to it instead of to discord.com. `until` waits for anything without sleeping.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

import discord
from aiohttp import WSMsgType, web
from discord.gateway import DiscordWebSocket
from discord.http import Route
from stand_in_records import EVERYTHING, Channel, Clock, Guild, Interaction, Json, Message, Upload, User
from stand_in_rest import ACKNOWLEDGE_SECONDS, API, Fault, Rest, World
from yarl import URL

__all__ = ["Channel", "Guild", "Interaction", "Message", "StandIn", "Upload", "User"]

T = TypeVar("T")
Option = Upload | str | int
PATIENCE_SECONDS = 20.0
MEBIBYTE = 1024 * 1024
TEXT_OPTION, NUMBER_OPTION, ATTACHMENT_OPTION = 3, 4, 11
PRIVILEGED_INTENTS = (1 << 1) | (1 << 8) | (1 << 15)
KIND_COMMAND, KIND_BUTTON, KIND_AUTOCOMPLETE = 2, 3, 4


class NoAnswer(AssertionError):
    """What people see as "The application did not respond"."""


class StandIn:
    """Discord's REST interface, gateway and file servers on one loopback port."""

    def __init__(self, token: str = "stand-in-token", upload_limit: int = 20 * MEBIBYTE) -> None:
        self.token = token
        self.clock = Clock()
        self.bot = User(self.clock.snowflake(), "Atelier", is_bot=True)
        self.guilds: list[Guild] = []
        self.identified: list[Json] = []
        """Every IDENTIFY that was accepted."""
        self.resumed = 0
        self._world = World(token, self.clock, self.bot, upload_limit)
        self._changed = asyncio.Condition()
        self._rest = Rest(self._world, self._notify)
        self._gateway: web.WebSocketResponse | None = None
        self._sequence = 0

    async def __aenter__(self) -> Self:
        application = web.Application(middlewares=[self._rest.guard], client_max_size=200 * MEBIBYTE)
        application.add_routes([*self._rest.routes(), web.get("/gateway/", self._serve_gateway)])
        self._runner = web.AppRunner(application, shutdown_timeout=1.0, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        port = self._runner.addresses[0][1]
        self._world.address = f"http://127.0.0.1:{port}"
        self._real = (Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY)
        Route.BASE = self._world.address + API
        DiscordWebSocket.DEFAULT_GATEWAY = URL(f"ws://127.0.0.1:{port}/gateway/")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        Route.BASE, DiscordWebSocket.DEFAULT_GATEWAY = self._real
        if self._gateway is not None:
            await self._gateway.close()
        await self._runner.cleanup()

    # Who and where.

    def add_guild(self, *, has_bot: bool = True) -> Guild:
        """A server; add its channels before the bot connects."""
        self.guilds.append(Guild(self.clock.snowflake(), has_bot))
        return self.guilds[-1]

    def add_channel(
        self, guild: Guild, *, app_permissions: discord.Permissions = EVERYTHING, is_thread: bool = False
    ) -> Channel:
        """A text channel or a thread of the server, and what the bot may do in it."""
        kind = "thread" if is_thread else "text"
        channel = Channel(self.clock.snowflake(), "thread" if kind == "thread" else "text", guild, app_permissions)
        guild.channels.append(channel)
        self._world.channels[channel.id] = channel
        return channel

    def add_user(self, name: str, *, accepts_dms: bool = True, locale: str = "en-US") -> User:
        """A person, and the language of their app."""
        user = User(self.clock.snowflake(), name, accepts_dms=accepts_dms, locale=locale)
        self._world.users[user.id] = user
        return user

    def dm(self, user: User) -> Channel:
        """The person's conversation with the bot."""
        return self._rest.dm_with(user)

    def messages(self, channel: Channel) -> list[Message]:
        """What can be seen in the channel now."""
        return [message for message in channel.messages if not (message.is_deleted or message.is_ephemeral)]

    async def delete(self, message: Message) -> None:
        """As a moderator would."""
        message.is_deleted = True
        await self._notify()

    # What people do.

    async def slash(
        self,
        user: User,
        channel: Channel,
        command: str,
        *,
        is_user_install: bool = False,
        permissions: discord.Permissions | None = None,
        **options: Option,
    ) -> Interaction:
        """Give a command as the Discord app would, and wait until the bot has acknowledged it."""
        definition = self._world.commands[command]
        data = self._command_data(definition, options)
        interaction, payload = self._interaction(user, channel, KIND_COMMAND, is_user_install, permissions)
        return await self._send(interaction, payload | {"data": data})

    async def autocomplete(self, user: User, channel: Channel, command: str, **typed: str) -> list[Json]:
        """The choices that appear while somebody types into an option."""
        definition = self._world.commands[command]
        data = self._command_data(definition, dict(typed), is_finished=False)
        data["options"][-1]["focused"] = True
        interaction, payload = self._interaction(user, channel, KIND_AUTOCOMPLETE, False, None)
        return (await self._send(interaction, payload | {"data": data})).choices

    async def press(
        self, user: User, message: Message, label: str, *, permissions: discord.Permissions | None = None
    ) -> Interaction:
        """Press the message's button, and wait until the bot has acknowledged it."""
        data = {"component_type": 2, "custom_id": message.buttons[label]}
        interaction, payload = self._interaction(user, message.channel, KIND_BUTTON, False, permissions)
        interaction.origin = message
        return await self._send(interaction, payload | {"data": data, "message": message.json})

    def _command_data(self, definition: Json, options: dict[str, Option], is_finished: bool = True) -> Json:
        known = {option["name"]: option for option in definition["options"]}
        missing = {name for name, option in known.items() if option.get("required")} - set(options)
        if is_finished and missing:
            raise AssertionError(f"the app would not send the command without {missing}")
        data: Json = {"id": definition["id"], "name": definition["name"], "type": 1, "options": [], "resolved": {}}
        for name, value in options.items():
            _check_as_the_app_does(known[name], value)
            if isinstance(value, Upload):
                file_id = self.clock.snowflake()
                self._world.uploads[file_id] = value
                data["resolved"].setdefault("attachments", {})[str(file_id)] = self._attachment(file_id, value)
                value = str(file_id)
            data["options"].append({"name": name, "type": known[name]["type"], "value": value})
        return data

    def _attachment(self, file_id: int, upload: Upload) -> Json:
        size = len(upload.data) if upload.declared_size is None else upload.declared_size
        path = f"/ephemeral-attachments/{self.bot.id}/{file_id}/{upload.filename}"
        expires = int(self.clock.now()) + 86_400
        url = f"{self._world.address}{path}?ex={expires:x}&is=0&hm=0"
        described = {"filename": upload.filename, "content_type": upload.content_type, "size": size}
        return {"id": str(file_id), "ephemeral": True, "url": url, "proxy_url": url, **described}

    def _interaction(
        self, user: User, channel: Channel, kind: int, is_user_install: bool, permissions: discord.Permissions | None
    ) -> tuple[Interaction, Json]:
        interaction_id = self.clock.snowflake()
        token = f"token-of-{interaction_id}"
        interaction = Interaction(interaction_id, token, kind, user, channel, self.clock.now(), is_user_install)
        self._world.interactions[token] = interaction
        guild = channel.guild
        installed = {"1": str(user.id)} if is_user_install else {"0": str(guild.id) if guild else "0"}
        payload: Json = {
            "id": str(interaction_id),
            "application_id": str(self.bot.id),
            "type": kind,
            "token": token,
            "version": 1,
            "channel_id": str(channel.id),
            "channel": channel.json,
            "locale": user.locale,
            "app_permissions": str(channel.app_permissions.value),
            "attachment_size_limit": self._world.upload_limit,
            "authorizing_integration_owners": installed,
            "context": 0 if guild else {"bot DM": 1}.get(channel.kind, 2),
            "entitlements": [],
        }
        if guild is None:
            return interaction, payload | {"user": user.json}
        member = user.member_json(permissions or discord.Permissions(send_messages=True))
        short = {"id": str(guild.id), "features": [], "locale": "en-US"}
        return interaction, payload | {"guild_id": str(guild.id), "guild": short, "member": member}

    async def _send(self, interaction: Interaction, payload: Json) -> Interaction:
        def is_over() -> bool:
            too_late = self.clock.now() - interaction.created_at > ACKNOWLEDGE_SECONDS
            return too_late or interaction.acknowledged_after is not None

        await self._dispatch("INTERACTION_CREATE", payload)
        with contextlib.suppress(TimeoutError):
            await self.until(is_over, seconds=ACKNOWLEDGE_SECONDS)
        if interaction.acknowledged_after is None:
            raise NoAnswer("The application did not respond")
        return interaction

    # Waiting, and trouble.

    async def until(self, condition: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
        """The condition's value as soon as it is true; it is tried after every request that Discord got."""
        async with asyncio.timeout(seconds), self._changed:
            while not (value := condition()):
                await self._changed.wait()
            return value

    async def bot_is_online(self, connection: asyncio.Task[None]) -> None:
        """Wait until one more bot has come online; raises what ended its connection if it does not."""
        so_far = len(self.identified)
        waiting = asyncio.create_task(self.until(lambda: len(self.identified) > so_far))
        await asyncio.wait({waiting, connection}, return_when=asyncio.FIRST_COMPLETED)
        if connection.done():
            waiting.cancel()
            await connection
        await waiting

    def fail(self, method: str, route: str, *, status: int = 500, times: int = 1, is_done_anyway: bool = False) -> None:
        """Answer the next requests on the route (as written in Discord's OpenAPI document) with an error."""
        self._world.faults.append(Fault(method, route, status, times, is_done_anyway=is_done_anyway))

    def rate_limit(self, method: str, route: str, *, retry_after: float, times: int = 1) -> None:
        """Answer the next requests on the route with 429."""
        self._world.faults.append(Fault(method, route, 429, times, retry_after))

    @property
    def requests(self) -> list[str]:
        """Every request the bot made, in order, as "POST /channels/{channel_id}/messages"."""
        return self._world.requests

    @property
    def complaints(self) -> list[str]:
        """What the real Discord would have refused as malformed; a test ends with none."""
        return self._world.complaints

    @property
    def commands(self) -> dict[str, Json]:
        """The commands that the bot registered, by name."""
        return self._world.commands

    async def disconnect(self) -> None:
        """Ask the bot to connect again, as Discord does every few hours."""
        if self._gateway is None:
            raise AssertionError("no bot is connected")
        await self._gateway.send_str(json.dumps({"op": 7, "d": None}))

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    # The gateway.

    async def _serve_gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(json.dumps({"op": 10, "d": {"heartbeat_interval": 41_250}}))
        async for frame in socket:
            if frame.type is not WSMsgType.TEXT:
                break
            received = json.loads(frame.data)
            if received["op"] == 1:
                await socket.send_str(json.dumps({"op": 11, "d": None}))
            elif received["op"] == 2:
                await self._identify(socket, received["d"])
            elif received["op"] == 6:
                self._gateway = socket
                self.resumed += 1
                await self._dispatch("RESUMED", {})
            await self._notify()
        return socket

    async def _identify(self, socket: web.WebSocketResponse, identity: Json) -> None:
        if identity["token"] != self.token:
            await socket.close(code=4004, message=b"Authentication failed.")
            return
        if identity["intents"] & PRIVILEGED_INTENTS:
            await socket.close(code=4014, message=b"Disallowed intent(s).")
            return
        self._gateway = socket
        own = [guild for guild in self.guilds if guild.has_bot]
        ready: Json = {
            "v": 10,
            "user": self.bot.json,
            "session_id": "session",
            "resume_gateway_url": str(DiscordWebSocket.DEFAULT_GATEWAY),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in own],
            "application": {"id": str(self.bot.id), "flags": 0},
            "shard": identity.get("shard", [0, 1]),
        }
        await self._dispatch("READY", ready)
        for guild in own:
            await self._dispatch("GUILD_CREATE", guild.json)
        self.identified.append(identity)

    async def _dispatch(self, event: str, data: Json) -> None:
        if self._gateway is None:
            raise AssertionError("no bot is connected")
        self._sequence += 1
        await self._gateway.send_str(json.dumps({"op": 0, "t": event, "s": self._sequence, "d": data}))


def _check_as_the_app_does(option: Json, value: Option) -> None:
    """Refuse what nobody can type into the Discord app."""
    kinds = {TEXT_OPTION: str, NUMBER_OPTION: int, ATTACHMENT_OPTION: Upload}
    if not isinstance(value, kinds[option["type"]]):
        raise AssertionError(f"the app takes no {value!r} for {option['name']}")
    if option.get("choices") and value not in [choice["value"] for choice in option["choices"]]:
        raise AssertionError(f"the app offers no {value!r} for {option['name']}")
    if isinstance(value, int) and not option.get("min_value", value) <= value <= option.get("max_value", value):
        raise AssertionError(f"the app takes no {value!r} for {option['name']}: out of range")
