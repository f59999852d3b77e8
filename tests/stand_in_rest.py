"""The HTTP side of the stand-in for Discord: its REST interface and its file servers."""

import json
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from stand_in_records import EPHEMERAL, LOADING, Channel, Clock, Interaction, Json, Message, PostedFile, Upload, User
from stand_in_schema import complaint

API = "/api/v10"
MAX_REQUEST_BYTES = 25 * 1024 * 1024
ACKNOWLEDGE_SECONDS, TOKEN_SECONDS = 3.0, 15 * 60.0
FOLLOWUPS_WITHOUT_THE_BOT = 5
NONCE_SECONDS = 5 * 60.0
"""Discord only says "the past few minutes"."""
MULTIPART = "multipart/form-data"
OPERATOR = User(1, "operator")


class Refused(Exception):
    """Discord's way of saying no."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Fault:
    """A trouble that waits for the next requests on one route."""

    method: str
    route: str
    status: int
    times: int
    retry_after: float = 0.0
    is_done_anyway: bool = False
    """Whether only the answer is lost, not the deed."""


@dataclass
class World:
    """Everything that Discord knows."""

    token: str
    clock: Clock
    bot: User
    upload_limit: int
    address: str = ""
    commands: dict[str, Json] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    interactions: dict[str, Interaction] = field(default_factory=dict)
    """By token."""
    users: dict[int, User] = field(default_factory=dict)
    uploads: dict[int, Upload] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Every request in its order, as "PATCH /channels/{channel_id}/messages/{message_id}"."""
    complaints: list[str] = field(default_factory=list)
    """What the real Discord would have refused as malformed."""


def answer(body: object, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """A JSON response; discord.py knows only a content type without a charset as JSON."""
    typed = {"Content-Type": "application/json", "Via": "1.1 stand-in", **(headers or {})}
    return web.Response(body=json.dumps(body).encode(), status=status, headers=typed)


class Rest:
    """Answers requests about a `World`, and says when it has changed."""

    def __init__(self, world: World, changed: Callable[[], Awaitable[None]]) -> None:
        self.world = world
        self.changed = changed

    def routes(self) -> Iterable[web.RouteDef]:
        """Named as in Discord's OpenAPI document, so that bodies can be checked against it."""
        callback = "/interactions/{interaction_id}/{interaction_token}/callback"
        webhook = "/webhooks/{webhook_id}/{webhook_token}"
        messages = "/channels/{channel_id}/messages"
        for method, route, handler in (
            ("GET", "/users/@me", self._me),
            ("GET", "/oauth2/applications/@me", self._application),
            ("PUT", "/applications/{application_id}/commands", self._sync),
            ("POST", "/users/@me/channels", self._open_dm),
            ("POST", callback, self._acknowledge),
            ("POST", webhook, self._follow_up),
            ("GET", webhook + "/messages/@original", self._read_through_token),
            ("PATCH", webhook + "/messages/@original", self._edit_through_token),
            ("PATCH", webhook + "/messages/{message_id}", self._edit_through_token),
            ("GET", messages, self._read),
            ("POST", messages, self._post),
            ("PATCH", messages + "/{message_id}", self._edit),
        ):
            yield web.route(method, API + route, handler)
        yield web.get("/{folder:(ephemeral-)?attachments}/{channel_id}/{file_id}/{name}", self._file)

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """What Discord does before and after every request: faults, the bot's token, errors as JSON, rate limits."""
        if request.match_info.route.resource is None or not request.path.startswith(API):
            return await handler(request)
        route = request.match_info.route.resource.canonical.removeprefix(API)
        self.world.requests.append(f"{request.method} {route}")
        # Read even what will be refused: a client that is still sending would see a broken connection instead.
        await (request.post() if request.content_type == MULTIPART else request.read())
        try:
            if fault := self._fault(request.method, route):
                if fault.is_done_anyway:
                    await handler(request)
                return self._faulty(fault)
            has_token_in_path = route.startswith(("/webhooks", "/interactions"))
            if not has_token_in_path and request.headers.get("Authorization") != f"Bot {self.world.token}":
                raise Refused(401, 0, "401: Unauthorized")
            response = await handler(request)
            response.headers.update(_rate_limit(request, remaining=4))
        except Refused as refusal:
            return answer({"code": refusal.code, "message": refusal.message}, refusal.status)
        finally:
            await self.changed()
        return response

    def _fault(self, method: str, route: str) -> Fault | None:
        for fault in self.world.faults:
            if (fault.method, fault.route) == (method, route) and fault.times > 0:
                fault.times -= 1
                return fault
        return None

    def _faulty(self, fault: Fault) -> web.Response:
        if fault.status != 429:
            return answer({"code": 0, "message": f"{fault.status}: injected"}, fault.status)
        body = {"message": "You are being rate limited.", "retry_after": fault.retry_after, "global": False}
        headers = {
            "Retry-After": str(math.ceil(fault.retry_after)),
            "X-RateLimit-Limit": "5",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": str(self.world.clock.now() + fault.retry_after),
            "X-RateLimit-Reset-After": str(fault.retry_after),
            "X-RateLimit-Bucket": f"{fault.method} {fault.route}".replace("/", "-"),
            "X-RateLimit-Scope": "user",
        }
        return answer(body, 429, headers)

    # The bot itself.

    async def _me(self, _: web.Request) -> web.Response:
        return answer(self.world.bot.json)

    async def _application(self, _: web.Request) -> web.Response:
        application: Json = {
            "id": str(self.world.bot.id),
            "name": "Atelier",
            "icon": None,
            "description": "",
            "flags": 0,
        }
        asked: Json = {
            "bot_public": True,
            "bot_require_code_grant": False,
            "verify_key": "00",
            "rpc_origins": [],
            "owner": OPERATOR.json,
        }
        return answer(application | asked)

    async def _sync(self, request: web.Request) -> web.Response:
        commands, _ = await self._body(request)
        application_id = str(self.world.bot.id)
        for command in commands:
            command |= {"id": str(self.world.clock.snowflake()), "version": "1", "application_id": application_id}
            command.setdefault("description", "")
        self.world.commands = {command["name"]: command for command in commands}
        return answer(commands)

    async def _open_dm(self, request: web.Request) -> web.Response:
        body, _ = await self._body(request)
        user = self.world.users[int(body["recipient_id"])]
        return answer(self.dm_with(user).json)

    def dm_with(self, user: User) -> Channel:
        """The conversation between the person and the bot."""
        for channel in self.world.channels.values():
            if channel.kind == "bot DM" and channel.recipient is user:
                return channel
        channel = Channel(self.world.clock.snowflake(), "bot DM", recipient=user)
        self.world.channels[channel.id] = channel
        return channel

    # Interactions: what their tokens allow.

    async def _acknowledge(self, request: web.Request) -> web.Response:
        interaction = self.world.interactions.get(request.match_info["interaction_token"])
        if interaction is None or self._age(interaction) > ACKNOWLEDGE_SECONDS:
            raise Refused(404, 10062, "Unknown interaction")
        if interaction.acknowledged_after is not None:
            raise Refused(400, 40060, "Interaction has already been acknowledged.")
        body, files = await self._body(request)
        data = body.get("data") or {}
        interaction.acknowledged_after = self._age(interaction)
        match body["type"], interaction.kind:
            case 4 | 5, 2 | 3:
                message = Message(self.world.clock.snowflake(), interaction.channel, self.world.bot)
                message.flags = data.get("flags", 0) | (LOADING if body["type"] == 5 else 0)
                self._write(message, data, files)
                interaction.channel.messages.append(message)
                interaction.response = message
            case 6, 3:
                interaction.response = interaction.origin
            case 8, 4:
                interaction.choices = data["choices"]
            case kind:
                raise Refused(400, 50035, f"Invalid Form Body: no such answer {kind}")
        return answer(self._callback(body["type"], interaction))

    def _callback(self, kind: int, interaction: Interaction) -> Json:
        about: Json = {"id": str(interaction.id), "type": interaction.kind}
        message = interaction.response
        if message and kind in (4, 5):
            about["response_message_id"] = str(message.id)
            about["response_message_loading"] = message.is_thinking
            about["response_message_ephemeral"] = message.is_ephemeral
        resource: Json = {"message": message.json} if message and kind == 4 else {}
        return {"interaction": about, "resource": {"type": kind, **resource}}

    async def _follow_up(self, request: web.Request) -> web.Response:
        interaction = self._by_token(request)
        body, files = await self._body(request)
        if interaction.response is None:
            raise Refused(404, 10015, "Unknown Webhook")
        if interaction.response.is_thinking:  # the first follow-up takes the place of "is thinking…"
            self._write(interaction.response, body, files)
            interaction.response.flags &= ~LOADING
            return answer(interaction.response.json)
        if interaction.is_followup_capped and len(interaction.followups) >= FOLLOWUPS_WITHOUT_THE_BOT:
            raise Refused(400, 40094, "This interaction has hit the maximum number of follow up messages.")
        message = Message(self.world.clock.snowflake(), interaction.channel, self.world.bot)
        message.flags = body.get("flags", 0) & EPHEMERAL
        self._write(message, body, files)
        interaction.followups.append(message)
        interaction.channel.messages.append(message)
        return answer(message.json)

    async def _read_through_token(self, request: web.Request) -> web.Response:
        return answer(self._message_of(self._by_token(request), None).json)

    async def _edit_through_token(self, request: web.Request) -> web.Response:
        interaction = self._by_token(request)
        body, files = await self._body(request)
        message = self._message_of(interaction, request.match_info.get("message_id"))
        self._write(message, body, files)
        message.flags &= ~LOADING
        return answer(message.json)

    def _by_token(self, request: web.Request) -> Interaction:
        interaction = self.world.interactions.get(request.match_info["webhook_token"])
        if interaction is None:
            raise Refused(404, 10015, "Unknown Webhook")
        late = interaction.acknowledged_after is None and self._age(interaction) > ACKNOWLEDGE_SECONDS
        if late or self._age(interaction) > TOKEN_SECONDS:
            raise Refused(401, 50027, "Invalid Webhook Token")
        return interaction

    def _message_of(self, interaction: Interaction, message_id: str | None) -> Message:
        own = [message for message in (interaction.response, *interaction.followups) if message]
        for message in own:
            if message_id in (None, str(message.id)) and not message.is_deleted:
                return message
        raise Refused(404, 10008, "Unknown Message")

    def _age(self, interaction: Interaction) -> float:
        return self.world.clock.now() - interaction.created_at

    # Channels: what the bot may do by itself.

    async def _post(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        body, files = await self._body(request)
        self._check_permissions(channel, with_files=bool(files))
        nonce = body.get("nonce")
        if nonce and body.get("enforce_nonce"):
            for earlier in channel.messages:
                age = self.world.clock.now() - earlier.posted_at
                if earlier.nonce == nonce and age < NONCE_SECONDS:
                    return answer(earlier.json)
        message = Message(self.world.clock.snowflake(), channel, self.world.bot, nonce=nonce)
        message.posted_at = self.world.clock.now()
        self._write(message, body, files)
        if reference := body.get("message_reference"):
            message.replies_to = self._replied_to(channel, reference)
        if not (message.content or message.files):
            raise Refused(400, 50006, "Cannot send an empty message")
        channel.messages.append(message)
        return answer(message.json)

    async def _read(self, request: web.Request) -> web.Response:
        """Newest first; nothing without the permission to read the history, as Discord has it."""
        channel = self._channel(request)
        if channel.guild and not (channel.guild.has_bot and channel.app_permissions.view_channel):
            raise Refused(403, 50001, "Missing Access")
        if channel.guild and not channel.app_permissions.read_message_history:
            return answer([])
        after, before = (int(request.query.get(name, default)) for name, default in (("after", 0), ("before", 1 << 63)))
        found = sorted(
            (
                message
                for message in channel.messages
                if after < message.id < before and not (message.is_deleted or message.is_ephemeral)
            ),
            key=lambda message: message.id,
        )
        limit = int(request.query.get("limit", 50))
        page = found[:limit] if "after" in request.query else found[-limit:]
        return answer([message.json for message in reversed(page)])

    def _replied_to(self, channel: Channel, reference: Json) -> int | None:
        wanted = int(reference["message_id"])
        if any(message.id == wanted and not message.is_deleted for message in channel.messages):
            return wanted
        if reference.get("fail_if_not_exists", True):
            raise Refused(400, 50035, "Invalid Form Body: Unknown message")
        return None

    async def _edit(self, request: web.Request) -> web.Response:
        channel = self._channel(request)
        body, files = await self._body(request)
        if channel.guild and not (channel.guild.has_bot and channel.app_permissions.view_channel):
            raise Refused(403, 50001, "Missing Access")
        for message in channel.messages:
            if message.id == int(request.match_info["message_id"]) and not (message.is_deleted or message.is_ephemeral):
                if message.author is not self.world.bot:
                    raise Refused(403, 50005, "Cannot edit a message authored by another user")
                self._write(message, body, files)
                return answer(message.json)
        raise Refused(404, 10008, "Unknown Message")

    def _channel(self, request: web.Request) -> Channel:
        channel = self.world.channels.get(int(request.match_info["channel_id"]))
        if channel is None:
            raise Refused(404, 10003, "Unknown Channel")
        return channel

    def _check_permissions(self, channel: Channel, with_files: bool) -> None:
        if channel.guild is None:
            if channel.recipient and not channel.recipient.accepts_dms:
                raise Refused(403, 50007, "Cannot send messages to this user")
            if channel.kind == "private":
                raise Refused(403, 50001, "Missing Access")
            return
        allowed = channel.app_permissions
        if not channel.guild.has_bot or not allowed.view_channel:
            raise Refused(403, 50001, "Missing Access")
        may_speak = allowed.send_messages_in_threads if channel.is_thread else allowed.send_messages
        if not may_speak or (with_files and not allowed.attach_files):
            raise Refused(403, 50013, "Missing Permissions")

    # Bodies and files.

    async def _body(self, request: web.Request) -> tuple[Any, dict[int, tuple[str, bytes]]]:
        """The JSON that was sent (of any kind), checked, and the files that came with it by their number."""
        files: dict[int, tuple[str, bytes]] = {}
        if request.content_type == MULTIPART:
            form = await request.post()
            body = json.loads(str(form["payload_json"]))
            for name, part in form.items():
                if isinstance(part, web.FileField):
                    files[int(name.removeprefix("files[").removesuffix("]"))] = (part.filename, part.file.read())
        else:
            body = await request.json()
        resource = request.match_info.route.resource
        route = resource.canonical.removeprefix(API) if resource else ""
        if objection := complaint(request.method, route, body):
            self.world.complaints.append(objection)
            raise Refused(400, 50035, f"Invalid Form Body: {objection}")
        return body, files

    def _write(self, message: Message, body: Json, files: dict[int, tuple[str, bytes]]) -> None:
        """Change the message as the body says, keeping what it does not mention."""
        self._check_limits(body, files)
        if "attachments" in body:
            named = {int(entry["id"]): entry for entry in body["attachments"]}
            message.files = [file for file in message.files if file.id in named]
            unknown = set(named) - {file.id for file in message.files} - set(files)
            if unknown:
                raise Refused(400, 50035, f"Invalid Form Body: attachments without files: {unknown}")
        else:
            named = {}
        for number, (filename, data) in sorted(files.items()):
            message.files.append(self._keep(message, filename, data, named.get(number, {}).get("description")))
        message.content = body.get("content", message.content) or ""
        message.components = body.get("components", message.components) or []
        message.allowed_mentions = body.get("allowed_mentions", message.allowed_mentions)
        message.history.append(message.content)

    def _check_limits(self, body: Json, files: dict[int, tuple[str, bytes]]) -> None:
        sizes = [len(data) for _, data in files.values()]
        if any(size > self.world.upload_limit for size in sizes) or sum(sizes) > MAX_REQUEST_BYTES:
            raise Refused(413, 40005, "Request entity too large")
        rows = body.get("components") or []
        buttons = [button for row in rows for button in row["components"]]
        objections = [
            (len(body.get("content") or "") > 2000, "content: Must be 2000 or fewer in length."),
            (max(len(files), len(body.get("attachments") or [])) > 10, "attachments: Must be 10 or fewer in length."),
            (len(str(body.get("nonce") or "")) > 25, "nonce: Must be 25 or fewer in length."),
            (len(rows) > 5 or any(len(row["components"]) > 5 for row in rows), "components: too many"),
            (any(len(button.get("custom_id", "")) > 100 for button in buttons), "custom_id: Must be 100 or fewer"),
            (any(len(button.get("label", "")) > 80 for button in buttons), "label: Must be 80 or fewer in length."),
        ]
        for is_broken, objection in objections:
            if is_broken:
                self.world.complaints.append(objection)
                raise Refused(400, 50035, f"Invalid Form Body: {objection}")

    def _keep(self, message: Message, filename: str, data: bytes, description: str | None) -> PostedFile:
        file_id = self.world.clock.snowflake()
        self.world.uploads[file_id] = Upload(data, filename, "application/octet-stream")
        url = f"{self.world.address}/attachments/{message.channel.id}/{file_id}/{filename}"
        return PostedFile(file_id, filename, data, description, url)

    async def _file(self, request: web.Request) -> web.Response:
        self.world.requests.append("GET attachment")
        upload = self.world.uploads.get(int(request.match_info["file_id"]))
        if upload is None or upload.is_expired:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=upload.data, content_type=upload.content_type)


def _rate_limit(request: web.Request, remaining: int) -> dict[str, str]:
    """The headers that come with every answer; the stand-in never runs out by itself, see `StandIn.rate_limit`."""
    resource = request.match_info.route.resource
    bucket = f"{request.method} {resource.canonical if resource else ''}".replace("/", "-")
    return {
        "X-RateLimit-Limit": "5",
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": "1.0",
        "X-RateLimit-Reset": "4000000000",
        "X-RateLimit-Bucket": bucket,
    }
