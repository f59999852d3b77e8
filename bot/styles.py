"""All presets of some folders: found by what people type, and kept as new as their files are."""

import asyncio
import difflib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from bot.jobs import Refused
from bot.preset_files import Preset, PresetUnusable, pictures_in, read_preset, toml_beside

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 2.0
"""Between two looks at the folders: soon enough for whoever waits for a new file, and a few dozen `stat` each time."""


@dataclass(frozen=True)
class _Look:
    """What a picture's files were when they were last read."""

    stamp: Sequence[tuple[int, int] | None]
    """When picture and TOML were changed, and how long each is."""
    preset: Preset | None
    """The newest one that could be read."""


class Styles:
    """All presets of some folders; in a later folder, the same name replaces an earlier one.

    A file that cannot be used is named in the log, once. It is missing from the list rather than failing a job; where
    it took the place of one that could be used, that one stays until the new one is repaired or removed.

    Making one, and `refresh`, read files: not on the event loop.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.folders = folders
        self._looks: Mapping[Path, _Look] = {}
        self._presets: Mapping[str, Preset] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read what is new or was changed in the folders, and forget what has gone."""
        pictures = [picture for folder in self.folders for picture in pictures_in(folder)]
        self._looks = {picture: _look(picture, self._looks.get(picture)) for picture in pictures}
        # Whoever looks for one meanwhile, on the event loop, sees the old list or the new one, never half of it.
        self._presets = {look.preset.name: look.preset for look in self._looks.values() if look.preset}

    async def keep_fresh(self, seconds: float = REFRESH_SECONDS) -> None:
        """Refresh every so often, on a thread, until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await asyncio.to_thread(self.refresh)

    def get(self, name: str) -> Preset:
        """The preset of that name.

        Raises:
            Refused: there is none; the sentence suggests the nearest.
        """
        presets = self._presets
        if name in presets:
            return presets[name]
        near = difflib.get_close_matches(name.lower(), presets, n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(presets)) or 'none'}."
        raise Refused(f"There is no preset {name[:40]!r}; {hint}")

    def search(self, query: str = "", limit: int | None = 25, locale: str = "") -> Sequence[Preset]:
        """Those that fit what was typed so far: names and titles that begin so, hold it, or come near it.

        Args:
            limit: None finds all.
            locale: Discord's name of the language in which the titles are read, and sorted; English always fits too.
        """
        query = query.strip().lower()
        ranked = [(_rank(preset, query, locale), preset) for preset in self._presets.values()]
        fitting = sorted(
            ((rank, preset.texts(locale).title, preset.name, preset) for rank, preset in ranked if rank < _FAR),
            key=lambda found: found[:3],
        )
        return [preset for *_, preset in fitting][:limit]


_FAR: Final = 3


def _rank(preset: Preset, query: str, locale: str) -> int:
    own = preset.texts(locale)
    titles = [text.lower() for text in (preset.name, preset.title, own.title)]
    words = " ".join((*titles, preset.description.lower(), own.description.lower()))
    if any(title.startswith(query) for title in titles):
        return 0
    if query in words:
        return 1
    return 2 if difflib.get_close_matches(query, words.split(), n=1, cutoff=0.7) else _FAR


def _look(picture: Path, before: _Look | None) -> _Look:
    # Taken before the files are read: what is written meanwhile has another stamp, and is read at the next look.
    stamp = [_stamp(picture), _stamp(toml_beside(picture))]
    if before and before.stamp == stamp:
        return before
    try:
        return _Look(stamp, read_preset(picture))
    except PresetUnusable as error:
        older = before.preset if before else None
        log.warning("preset %s %s: %s", picture.name, "stays as it was" if older else "is skipped", error)
        return _Look(stamp, older)


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def bundled() -> Path:
    """The folder of the presets that come with Atelier."""
    return Path(str(files("bot") / "presets"))


def preset_folders(own: Path | None) -> Sequence[Path]:
    """Where presets lie: the bundled ones, and an operator's own.

    Raises:
        Refused: the operator's is no folder.
    """
    if own is None:
        return [bundled()]
    if not own.is_dir():
        raise Refused(f"There should be presets in {own}, which is no folder.")
    return [bundled(), own]


def samples() -> Sequence[Path]:
    """Photos of our own making, so that the main job can be tried with one click."""
    return sorted(Path(str(files("bot") / "samples")).glob("*.jpg"))
