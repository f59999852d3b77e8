"""The configuration, read once: defaults, then the TOML file, then the environment.

The only reader of the environment. Every key stands in `config.example.toml`; an unknown one is an error that names it
and where it stands. `DISCORD_TOKEN` is read as it is; every other key as `ATELIER_…`, with `__` between levels:
`ATELIER_WEB__PORT=0`.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from engine.options import MAX_SIZE, MIN_SIZE, Quality

PREFIX: Final = "ATELIER_"
TOKEN: Final = "DISCORD_TOKEN"  # noqa: S105  # a variable's name
DEFAULT_FILE: Final = Path("config.toml")
_SQLITE_FILE: Final = re.compile(r"(?P<scheme>sqlite(\+\w+)?:///)(?P<path>(?!:memory:).+)")


class ConfigError(Exception):
    """The configuration cannot be used; `str(error)` is one sentence that names the key and where it stands."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _split_numbers(value: object) -> object:
    """As environment variables write a list: 1,2,3."""
    return value.split(",") if isinstance(value, str) else value


class Discord(_Section):
    """How the bot speaks with Discord."""

    token: SecretStr | None = Field(default=None, min_length=1)
    """Of the bot; better given as DISCORD_TOKEN."""
    sync_commands: bool = True
    """Tell Discord the commands at every start; turn it off where another process does."""
    edit_seconds: float = Field(default=4.0, ge=1)
    """At least so long between two edits of a progress message."""
    preview_seconds: float = Field(default=12.0, ge=1)
    """At least so long between two previews."""
    priority_roles: tuple[int, ...] = ()
    """Ids of roles: whoever has one is painted before all others."""
    shard_count: int = Field(default=1, ge=1)
    """Into how many parts all processes together divide the bot's servers; Discord wants one per 2,500."""
    shard_ids: tuple[int, ...] = ()
    """The parts that this process serves; all of them if not given."""

    _split = field_validator("priority_roles", "shard_ids", mode="before")(_split_numbers)

    @model_validator(mode="after")
    def _check_shards(self) -> Self:
        if any(not 0 <= shard < self.shard_count for shard in self.shard_ids):
            raise ValueError(f"shard_ids must lie between 0 and {self.shard_count - 1}")
        return self


class Database(_Section):
    """Where the ledger lies."""

    url: SecretStr | None = None
    """`sqlite:///path` or `postgresql://user:password@host/name`; `atelier.db` in `data_dir` if not given.

    Secret: it may hold a password.
    """


class Queue(_Section):
    """How jobs are shared out."""

    silence_seconds: float = Field(default=10.0, ge=2)
    """A worker of a cluster without a sign of life for so long, 2 at least, is dead; its job is painted elsewhere."""
    stop_seconds: float = Field(default=5.0, ge=0)
    """At a stop, a job that will be done within so long is finished; any other goes back to its place in line."""


class Keep(_Section):
    """How many days something is kept after its person has been told."""

    inputs_days: float = Field(default=7.0, ge=0)
    results_days: float = Field(default=30.0, ge=0)
    jobs_days: float = Field(default=365.0, ge=0)


class Web(_Section):
    """The local page, on the loopback address only."""

    enabled: bool | None = None
    """Not given: only where there is no Discord token."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Another free one is taken, and said, if it is in use; 0: any."""


class Engine(_Section):
    """Who looks at the pictures, and on what."""

    encoder: Literal["auto", "embedded", "vgg19"] = "auto"
    weights: Path | None = None
    """A VGG-19 file, .safetensors or .pth."""
    device: str = "auto"
    """torch's name of one: cpu, cuda, mps."""
    quality: Quality = "standard"


class Limits(_Section):
    """What a person may ask for."""

    open_jobs_per_person: int = Field(default=3, ge=1)
    open_jobs_per_server: int = Field(default=50, ge=1)
    max_size: int = Field(default=1024, ge=MIN_SIZE, le=MAX_SIZE)
    """The longest edge of a result, in pixels."""
    default_size: int | None = Field(default=None, ge=MIN_SIZE, le=MAX_SIZE)
    """Not given: 512 on a CPU, 1024 on an accelerator."""
    upload_bytes: int = Field(default=25 * 2**20, ge=1024)
    upload_pixels: int = Field(default=50_000_000, ge=4096, le=150_000_000)
    """Somewhat above the highest, Pillow itself takes every picture for a bomb."""


class Decode(_Section):
    """The processes that open uploaded pictures."""

    processes: int = Field(default=1, ge=1)
    memory_bytes: int = Field(default=2 * 2**30, ge=512 * 2**20)
    """Each process may have so much."""
    seconds: float = Field(default=20.0, gt=0)
    """For one picture."""


class Config(_Section):
    """All of it; paths are absolute."""

    data_dir: Path = Path("data")
    """Everything written lies here."""
    presets_dir: Path | None = None
    """A folder of your own style pictures, beside the bundled ones."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    discord: Discord = Discord()
    database: Database = Database()
    queue: Queue = Queue()
    keep: Keep = Keep()
    web: Web = Web()
    engine: Engine = Engine()
    limits: Limits = Limits()
    decode: Decode = Decode()

    @property
    def database_url(self) -> str:
        """Where the ledger lies, with its password if it has one: for the ledger only, never for a log."""
        if self.database.url is not None:
            return self.database.url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'atelier.db'}"


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration from that file (`config.toml` here, if there is one, when None) and the environment.

    Raises:
        ConfigError: no such file, no TOML, an unknown key, or a value that does not fit.
    """
    environ = os.environ if environ is None else environ
    if path is not None and not path.is_file():
        raise ConfigError(f"There is no configuration file {path}.")
    file = path or DEFAULT_FILE
    from_file = _read(file) if file.is_file() else {}
    _check(from_file, f"in {file.name}", ".".join)
    from_environment = _from_environment(environ)
    _check(from_environment, "in the environment", _variable)
    config = Config.model_validate(_merged(from_file, from_environment))
    return _made_absolute(config, file.parent.resolve())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name} is no TOML: {error}.") from error
    except OSError as error:
        raise ConfigError(f"{file.name} cannot be read: {error.strerror}.") from error


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    """Nested as the TOML file is; an empty variable counts as not given, as compose files write them."""
    found: dict[str, Any] = {}
    for name, value in sorted(environ.items()):  # so DISCORD_TOKEN comes last, and wins over ATELIER_DISCORD__TOKEN
        if not value or not (name.startswith(PREFIX) or name == TOKEN):
            continue
        keys = ["discord", "token"] if name == TOKEN else name.removeprefix(PREFIX).lower().split("__")
        place = found
        for depth, key in enumerate(keys[:-1], start=1):
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                raise ConfigError(f"{name} and {_variable(keys[:depth])} cannot both stand in the environment.")
        place[keys[-1]] = value
    return found


def _variable(keys: Sequence[str]) -> str:
    return TOKEN if list(keys) == ["discord", "token"] else PREFIX + "__".join(keys).upper()


def _check(values: Mapping[str, Any], where: str, spell: Callable[[Sequence[str]], str]) -> None:
    """Validate one source alone, so that the sentence can say where the mistake stands, in that source's spelling."""
    try:
        Config.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        key = spell([str(part) for part in first["loc"]])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"There is no key {key}, which stands {where}; see config.example.toml.") from None
        raise ConfigError(f"The key {key} {where} does not fit: {first['msg']}.") from None


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        both[key] = _merged(both[key], value) if isinstance(value, dict) and isinstance(both.get(key), dict) else value
    return both


def _made_absolute(config: Config, folder: Path) -> Config:
    """Relative paths start where the configuration file lies, so that it may be used from anywhere."""
    url = config.database.url.get_secret_value() if config.database.url else None
    if url and (relative := _SQLITE_FILE.fullmatch(url)):
        url = f"{relative['scheme']}{folder / relative['path']}"
    return config.model_copy(
        update={
            "data_dir": folder / config.data_dir,
            "presets_dir": config.presets_dir and folder / config.presets_dir,
            "engine": config.engine.model_copy(
                update={"weights": config.engine.weights and folder / config.engine.weights}
            ),
            "database": Database(url=SecretStr(url) if url else None),
        }
    )
