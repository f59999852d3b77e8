"""Where a setting comes from, and what is said when it cannot be used."""

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from bot.config import Config, ConfigError, load

EXAMPLE = Path(__file__).parents[1] / "config.example.toml"


def a_file(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    return path


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh clone runs with nothing configured."""
    monkeypatch.chdir(tmp_path)

    config = load(environ={})

    assert config.limits.open_jobs_per_person == 3
    assert config.web.port == 8080
    assert config.discord.token is None
    assert config.data_dir == tmp_path / "data"
    assert config.database_url == f"sqlite:///{tmp_path}/data/atelier.db"


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(tmp_path: Path) -> None:
    """Secrets and one-off changes need no edited file."""
    path = a_file(tmp_path, "[web]\nport = 9000\n[limits]\nmax_size = 768\n")

    config = load(path, {"ATELIER_WEB__PORT": "0"})

    assert config.web.port == 0
    assert config.limits.max_size == 768
    assert config.limits.open_jobs_per_person == 3


def test_the_token_is_read_from_discords_own_variable_and_never_shown(tmp_path: Path) -> None:
    """A configuration in a log must not give the bot away."""
    config = load(a_file(tmp_path, '[discord]\ntoken = "from-file"'), {"DISCORD_TOKEN": "from-environment"})

    assert config.discord.token is not None
    assert config.discord.token.get_secret_value() == "from-environment"
    assert "from-" not in repr(config)


def test_a_database_password_is_never_shown(tmp_path: Path) -> None:
    """The URL may hold one."""
    config = load(a_file(tmp_path, ""), {"ATELIER_DATABASE__URL": "postgresql://bot:secret@db/atelier"})

    assert "secret" not in repr(config)
    assert config.database_url == "postgresql://bot:secret@db/atelier"


def test_relative_paths_start_at_the_files_folder(tmp_path: Path) -> None:
    """A service manager may start the bot from anywhere."""
    text = 'data_dir = "here"\npresets_dir = "mine"\n[engine]\nweights = "w.pth"\n[database]\nurl = "sqlite:///x.db"'

    config = load(a_file(tmp_path, text), {})

    assert config.data_dir == tmp_path / "here"
    assert config.presets_dir == tmp_path / "mine"
    assert config.engine.weights == tmp_path / "w.pth"
    assert config.database_url == f"sqlite:///{tmp_path}/x.db"


def test_the_ledger_follows_the_data_folder(tmp_path: Path) -> None:
    """One variable moves everything that is written."""
    config = load(a_file(tmp_path, ""), {"ATELIER_DATA_DIR": "/elsewhere"})

    assert config.database_url == "sqlite:////elsewhere/atelier.db"


@pytest.mark.parametrize(
    ("text", "environ", "sentence"),
    [
        ("[limits]\nmax_sise = 5", {}, r"no key limits\.max_sise, which stands in config\.toml"),
        ("", {"ATELIER_LIMITS__MAX_SISE": "5"}, "no key ATELIER_LIMITS__MAX_SISE, which stands in the environment"),
        ("", {"ATELIER_WEB__PORT": "high"}, "key ATELIER_WEB__PORT in the environment does not fit"),
        ("", {"ATELIER_WEB": "1", "ATELIER_WEB__PORT": "1"}, "ATELIER_WEB cannot both stand in the environment"),
        ("[discord]\ntoken = ''", {}, r"key discord\.token in config\.toml does not fit"),
        ("[limits]\nmax_size = 5", {}, r"key limits\.max_size in config\.toml does not fit"),
        ("[web]\nport = 'high'", {}, r"key web\.port in config\.toml does not fit"),
        ("[web", {}, r"config\.toml is no TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, environ: dict[str, str], sentence: str) -> None:
    """One sentence at start instead of a surprise at midnight."""
    with pytest.raises(ConfigError, match=sentence):
        load(a_file(tmp_path, text), environ)


def test_a_bad_secret_is_not_echoed(tmp_path: Path) -> None:
    """Error messages end up in logs and chats."""
    with pytest.raises(ConfigError) as refusal:
        load(a_file(tmp_path, '[discord]\ntoken = ["my-secret"]'), {})

    assert "my-secret" not in str(refusal.value)


def test_a_list_in_the_environment_is_written_with_commas(tmp_path: Path) -> None:
    """As people write one there; in the file it is TOML's."""
    for roles in ("7", "7,8"):
        config = load(a_file(tmp_path, ""), {"ATELIER_DISCORD__PRIORITY_ROLES": roles})

        assert config.discord.priority_roles == tuple(int(role) for role in roles.split(","))


def test_a_shard_that_there_is_not_is_named(tmp_path: Path) -> None:
    """A process that serves no server would look alive."""
    with pytest.raises(ConfigError, match="shard_ids must lie between 0 and 1"):
        load(a_file(tmp_path, "[discord]\nshard_count = 2\nshard_ids = [2]"), {})


def test_a_named_file_that_is_missing_is_refused(tmp_path: Path) -> None:
    """A typo after --config must not silently mean the defaults."""
    with pytest.raises(ConfigError, match="There is no configuration file"):
        load(tmp_path / "confg.toml", {})


def test_an_empty_variable_counts_as_not_given(tmp_path: Path) -> None:
    """Compose files write `DISCORD_TOKEN=` where there is none; the other spelling must then still hold."""
    config = load(
        a_file(tmp_path, ""), {"DISCORD_TOKEN": "", "ATELIER_DISCORD__TOKEN": "other", "ATELIER_DATA_DIR": ""}
    )

    assert config.discord.token is not None
    assert config.discord.token.get_secret_value() == "other"
    assert config.data_dir == tmp_path / "data"


@pytest.mark.parametrize(
    ("url", "absolute"),
    [
        ("sqlite+aiosqlite:///x.db", "sqlite+aiosqlite:///{folder}/x.db"),
        ("sqlite:////srv/x.db", "sqlite:////srv/x.db"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),
    ],
)
def test_only_a_relative_sqlite_path_is_completed(tmp_path: Path, url: str, absolute: str) -> None:
    """Everything else is SQLAlchemy's to read."""
    config = load(a_file(tmp_path, f'[database]\nurl = "{url}"'), {})

    assert config.database_url == absolute.format(folder=tmp_path)


def test_a_configuration_does_not_change() -> None:
    """What was checked at start is what runs."""
    with pytest.raises(ValidationError):
        load(EXAMPLE, {}).web.port = 1


def test_the_example_holds_every_key_and_changes_nothing() -> None:
    """It is the documentation of the keys."""
    example = load(EXAMPLE, {})

    assert example.model_dump(exclude={"data_dir"}) == Config().model_dump(exclude={"data_dir"})


def test_the_example_names_every_key_in_its_section() -> None:
    """Taking the # away before a key is enough to set it."""
    text = re.sub(r"^# (?=\w+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)

    named = tomllib.loads(text)

    assert set(named) == set(Config.model_fields)
    for section, field in Config.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            assert set(named[section]) == set(field.annotation.model_fields)
