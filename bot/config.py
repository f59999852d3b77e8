"""The configuration, read once: defaults, then the TOML file, then the environment.

The only reader of the environment. Every key stands in `config.example.toml`; an unknown one is an error that names
the key and the file.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from engine.options import MAX_SIZE, MIN_SIZE, QUALITIES, Quality


class ConfigError(Exception):
    """The configuration cannot be used; `str(error)` is one sentence that names the key and where it stands."""
