"""What the stand-in for Discord remembers, and how Discord would write it as JSON."""

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import discord

Json = dict[str, Any]  # JSON of a foreign service: its shape is the stand-in's business, not the type checker's

EVERYTHING = discord.Permissions.all()
DISCORD_EPOCH_MS = 1_420_070_400_000
EPHEMERAL, LOADING = 1 << 6, 1 << 7


class Clock:
    """Discord's time: the machine's, which a test may push forward."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._serial = 0

    def now(self) -> float:
        """Unix time as Discord sees it."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += seconds

    def snowflake(self) -> int:
        """A new id that carries the time, as Discord's do."""
        self._serial = (self._serial + 1) % (1 << 22)
        return (int(self.now() * 1000) - DISCORD_EPOCH_MS << 22) + self._serial


@dataclass(frozen=True)
class Upload:
    """A file that a person puts into a command."""

    data: bytes = field(repr=False)
    filename: str = "picture.jpg"
    content_type: str = "image/jpeg"
    declared_size: int | None = None
    """What Discord says its size is; None: the truth."""
    is_expired: bool = False
    """Whether its link is dead by the time the bot follows it."""


@dataclass
class User:
    """A person, or the bot."""

    id: int
    name: str
    is_bot: bool = False
    accepts_dms: bool = True
    roles: tuple[int, ...] = ()
    """Of the servers where they are."""
    locale: str = "en-US"

    @property
    def json(self) -> Json:
        """As Discord writes it."""
        return {
            "id": str(self.id),
            "username": self.name,
            "global_name": self.name,
            "discriminator": "0",
            "avatar": None,
            "bot": self.is_bot,
            "public_flags": 0,
        }

    def member_json(self, permissions: discord.Permissions) -> Json:
        """As Discord writes a member of a server."""
        return {
            "user": self.json,
            "roles": [str(role) for role in self.roles],
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
            "permissions": str(permissions.value),
        }


@dataclass
class Guild:
    """A server; without the bot in it, only people's own installation of the bot works there."""

    id: int
    has_bot: bool = True
    channels: list["Channel"] = field(default_factory=list)
    roles: tuple[int, ...] = ()
    """Beside the one that everyone has."""

    @property
    def json(self) -> Json:
        """As Discord writes it into GUILD_CREATE."""
        return {
            "id": str(self.id),
            "name": "Salon",
            "owner_id": "1",
            "roles": [
                self._role_json(self.id, "@everyone"),
                *(self._role_json(role, "friends") for role in self.roles),
            ],
            "emojis": [],
            "features": [],
            "preferred_locale": "en-US",
            "member_count": 2,
            "members": [],
            "voice_states": [],
            "channels": [channel.json for channel in self.channels if not channel.is_thread],
            "threads": [channel.json for channel in self.channels if channel.is_thread],
        }

    @staticmethod
    def _role_json(role: int, name: str) -> Json:
        return {
            "id": str(role),
            "name": name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": str(EVERYTHING.value),
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }


@dataclass
class Channel:
    """A text channel, a thread, or a conversation between two people or a person and the bot."""

    id: int
    kind: Literal["text", "thread", "bot DM", "private"]
    guild: Guild | None = None
    app_permissions: discord.Permissions = field(default_factory=lambda: EVERYTHING)
    recipient: User | None = None
    messages: list["Message"] = field(default_factory=list)

    @property
    def is_thread(self) -> bool:
        """Whether other permissions apply."""
        return self.kind == "thread"

    @property
    def json(self) -> Json:
        """As Discord writes it."""
        common: Json = {"id": str(self.id), "last_message_id": None}
        if self.guild is None:
            recipients = [self.recipient.json] if self.recipient else []
            return {**common, "type": 1 if self.kind == "bot DM" else 3, "recipients": recipients, "name": None}
        common |= {"guild_id": str(self.guild.id), "name": "studio", "permissions": str(self.app_permissions.value)}
        if self.is_thread:
            archived = {"archived": False, "auto_archive_duration": 60, "locked": False}
            archived_at = {"archive_timestamp": "2026-01-01T00:00:00+00:00"}
            members = {"member_count": 1, "message_count": 1, "owner_id": "1", "parent_id": str(self.id - 1)}
            return {**common, **members, "type": 11, "thread_metadata": {**archived, **archived_at}}
        return {**common, "type": 0, "position": 0, "permission_overwrites": [], "parent_id": None, "nsfw": False}


@dataclass
class PostedFile:
    """A file that the bot attached to a message."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    description: str | None
    url: str

    @property
    def json(self) -> Json:
        """As Discord writes it."""
        return {
            "id": str(self.id),
            "filename": self.filename,
            "description": self.description,
            "size": len(self.data),
            "url": self.url,
            "proxy_url": self.url,
        }


@dataclass
class Message:
    """A message as people see it now, and how it came to look so."""

    id: int
    channel: Channel
    author: User
    content: str = ""
    files: list[PostedFile] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    allowed_mentions: Json | None = None
    replies_to: int | None = None
    nonce: str | None = None
    posted_at: float = 0.0
    flags: int = 0
    is_deleted: bool = False
    history: list[str] = field(default_factory=list)
    """Its content after each edit."""

    @property
    def is_thinking(self) -> bool:
        """Whether people still see "is thinking…"."""
        return bool(self.flags & LOADING)

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the person who asked sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def buttons(self) -> dict[str, str]:
        """Label to custom_id of every button under it."""
        return {button["label"]: button["custom_id"] for row in self.components for button in row["components"]}

    @property
    def json(self) -> Json:
        """As Discord writes it."""
        written: Json = {
            "id": str(self.id),
            "type": 0,
            "channel_id": str(self.channel.id),
            "author": self.author.json,
            "content": self.content,
            "timestamp": datetime.now(UTC).isoformat(),
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "mentions": [],
            "mention_roles": [],
            "attachments": [file.json for file in self.files],
            "embeds": [],
            "pinned": False,
            "flags": self.flags,
            "components": self.components,
        }
        return written | ({"nonce": self.nonce} if self.nonce else {})


@dataclass
class Interaction:
    """A command that somebody gave, or a button that somebody pressed."""

    id: int
    token: str = field(repr=False)
    kind: int
    """2: a command, 3: a button, 4: autocomplete."""
    user: User
    channel: Channel
    created_at: float
    is_followup_capped: bool
    """Whether the bot was installed by the person only: then five follow-ups are allowed."""
    origin: Message | None = None
    """The message whose button was pressed."""
    acknowledged_after: float | None = None
    """Seconds."""
    response: Message | None = None
    followups: list[Message] = field(default_factory=list)
    choices: list[Json] = field(default_factory=list)
    """The answer to an autocomplete."""

    @property
    def message(self) -> Message:
        """The bot's answer."""
        if self.response is None:
            raise AssertionError("the bot has not answered with a message")
        return self.response
