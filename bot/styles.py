"""Presets: pictures to learn from, each with a TOML beside it that says what it is called.

`name.jpg` and `name.toml` with `title`, `description` and `alt`; an operator's folder may leave the TOML out. All
pictures are opened once at the start, so that a broken one is missing from the list rather than failing a job.
"""

import difflib
import logging
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from bot.jobs import Refused
from engine.errors import PictureRefused
from engine.images import open_picture

log = logging.getLogger(__name__)

PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")


@dataclass(frozen=True)
class Preset:
    """A style that can be chosen by name."""

    name: str
    """Lower case, words joined by hyphens: what commands and addresses carry."""
    title: str
    description: str
    """Two words for galleries and autocomplete."""
    alt: str
    """What the picture shows, for those who cannot see it."""
    path: Path


class Styles:
    """All presets of some folders; in a later folder, the same name replaces an earlier one."""

    def __init__(self, folders: Sequence[Path]) -> None:
        presets = [preset for folder in folders for preset in _read_folder(folder)]
        self._presets = {preset.name: preset for preset in presets}

    def get(self, name: str) -> Preset:
        """The preset of that name.

        Raises:
            Refused: there is none; the sentence suggests the nearest.
        """
        if name in self._presets:
            return self._presets[name]
        near = difflib.get_close_matches(name.lower(), self._presets, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(self._presets)) or 'none'}."
        raise Refused(f"There is no preset {name[:40]!r}; {hint}")

    def search(self, query: str = "", limit: int = 25) -> Sequence[Preset]:
        """Those that fit what was typed so far: names and titles that begin so, hold it, or come near it."""
        query = query.strip().lower()
        ranked = [(_rank(preset, query), preset.title, preset) for preset in self._presets.values()]
        fitting = sorted((rank, title, preset.name, preset) for rank, title, preset in ranked if rank < _FAR)
        return [preset for *_, preset in fitting][:limit]


_FAR: Final = 3


def _rank(preset: Preset, query: str) -> int:
    words = f"{preset.name} {preset.title} {preset.description}".lower()
    if preset.name.startswith(query) or preset.title.lower().startswith(query):
        return 0
    if query in words:
        return 1
    return 2 if difflib.get_close_matches(query, words.split(), n=1, cutoff=0.7) else _FAR


def bundled() -> Path:
    """The folder of the presets that come with Atelier."""
    return Path(str(files("bot") / "presets"))


def samples() -> Sequence[Path]:
    """Photos of our own making, so that the main job can be tried with one click."""
    return sorted(Path(str(files("bot") / "samples")).glob("*.jpg"))


def _read_folder(folder: Path) -> list[Preset]:
    presets = []
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        try:
            presets.append(_read(path))
        except (OSError, ValueError, PictureRefused) as error:
            log.warning("preset %s is skipped: %s", path.name, error)
    return presets


def _read(path: Path) -> Preset:
    open_picture(path.read_bytes())
    beside = path.with_suffix(".toml")
    said = tomllib.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    texts = {key: said.get(key, "") for key in ("title", "description", "alt")}
    for key, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"{key} in {beside.name} must be a text")  # caught with TOML's own
    name = re.sub(r"[\W_]+", "-", path.stem.lower()).strip("-")
    title = texts["title"] or name.replace("-", " ").capitalize()
    return Preset(name, title, texts["description"], texts["alt"] or title, path)
