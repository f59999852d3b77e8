"""One preset, read from its files: a picture, and a TOML beside it with its name and how to paint with it.

    title = "Night swirls"
    description = "thick eddies"
    alt = "What the picture shows, for those who cannot see it."

    [options]
    strength = 60

    [translations.de]
    title = "Nachtwirbel"
    description = "dicke Strudel"

Every key is optional, and so is the whole TOML. The picture is opened once, here, so that nobody chooses a preset that
cannot be painted; what is kept of it is kept in memory, so that it can be painted whatever becomes of the file.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engine.errors import OptionsRefused, PictureRefused
from engine.images import Pixels, encode_jpeg, open_picture, resize
from engine.options import DEFAULT_SMOOTHNESS, DEFAULT_STRENGTH, KeepColours, Options, Statistic

PICTURE_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
OTHER_PICTURE_SUFFIXES: Final = (".avif", ".bmp", ".gif", ".heic", ".heif", ".tif", ".tiff")
# fmt: off
LOCALES: Final = (
    "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "hi", "hr", "hu", "id", "it", "ja",
    "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
)
# fmt: on
"""Discord's names of the languages that a person may have chosen there."""
LONG_EDGE: Final = 2048
"""Larger pictures are kept reduced to it: twice the largest usual result."""
MAX_WORDS: Final = 80
MAX_ALT: Final = 1000
"""Characters of a title or a description, and of an alt text: lists and galleries have no room for more."""
THUMBNAIL_EDGE: Final = 256
THUMBNAIL_QUALITY: Final = 85
_KEPT: Final = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png"}
"""How files begin that browsers and decoders take as they are."""


class PresetUnusable(Exception):
    """The files make no preset; `str(error)` is one sentence that names the file."""


@dataclass(frozen=True)
class Texts:
    """What a preset is called, in one language."""

    title: str
    description: str
    """Two words for galleries and autocomplete."""


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
    picture: bytes = field(repr=False)
    """The painting, as a JPEG or PNG."""
    thumbnail: bytes = field(repr=False)
    """A small JPEG of it."""
    size: tuple[int, int]
    """Width and height of the painting as it lies in the file."""
    options: Options = field(default_factory=Options)
    """How to paint with it, where nobody asks for something else."""
    translations: Mapping[str, Texts] = field(default_factory=dict, repr=False)
    """By Discord's name of the language."""

    @property
    def media_type(self) -> str:
        """Of `picture`."""
        return _KEPT[self.picture[:2]]

    def texts(self, locale: str = "") -> Texts:
        """Title and description in that language, in English where there is no translation."""
        return self.translations.get(locale, Texts(self.title, self.description))


def pictures_in(folder: Path) -> Sequence[Path]:
    """The folder's pictures, each of which should be a preset; none where there is no folder."""
    return [path for path in sorted(folder.glob("*")) if path.suffix.lower() in PICTURE_SUFFIXES and _is_seen(path)]


def read_preset(picture: Path) -> Preset:
    """The preset that this picture, and the TOML beside it if there is one, make.

    Raises:
        PresetUnusable: one of the two cannot be used.
    """
    name = name_of(picture)
    if not name:
        raise PresetUnusable(f"{picture.name} has no letter or digit in its name; rename it.")
    beside = toml_beside(picture)
    said = _read_toml(beside)
    try:
        options = Options(**said.options.model_dump())
    except OptionsRefused as error:
        raise PresetUnusable(f"{beside.name}, options: {error}") from error
    try:
        data = picture.read_bytes()
        pixels = open_picture(data)
    except OSError as error:
        raise PresetUnusable(f"{picture.name} cannot be read: {error.strerror}.") from error
    except PictureRefused as error:
        raise PresetUnusable(f"{picture.name}: {error}") from error
    title = said.title or name.replace("-", " ").capitalize()
    translations = {
        locale: Texts(texts.title or title, texts.description or said.description)
        for locale, texts in said.translations.items()
    }
    return Preset(
        name=name,
        title=title,
        description=said.description,
        alt=said.alt or title,
        path=picture,
        picture=_kept(data, pixels),
        thumbnail=encode_jpeg(resize(pixels, THUMBNAIL_EDGE), THUMBNAIL_QUALITY),
        size=(pixels.shape[1], pixels.shape[0]),
        options=options,
        translations=translations,
    )


def name_of(picture: Path) -> str:
    """What a preset of this file is called in commands: "my-great-painting-2" for "My Great_Painting (2).png"."""
    return re.sub(r"[\W_]+", "-", picture.stem.lower()).strip("-")


def toml_beside(picture: Path) -> Path:
    """Where the picture's texts and options stand, if anywhere."""
    return picture.with_suffix(".toml")


def strays_in(folder: Path) -> Sequence[str]:
    """One sentence for each file that looks as if it were meant for a preset, but belongs to none."""
    pictures = pictures_in(folder)
    texts = {toml_beside(picture) for picture in pictures}
    by_name: dict[str, Path] = {}
    said = []
    for path in (path for path in sorted(folder.glob("*")) if _is_seen(path)):
        if path in pictures:
            other = by_name.setdefault(name_of(path), path)
            if other is not path:
                said.append(
                    f"{path.name} takes the place of {other.name}, which has the same name; rename one of them."
                )
        elif path.suffix.lower() == ".toml" and path not in texts:
            said.append(f"{path.name} has no picture beside it; put one there, or remove it.")
        elif path.suffix.lower() in OTHER_PICTURE_SUFFIXES:
            said.append(f"{path.name} is not looked at; save it as one of {', '.join(PICTURE_SUFFIXES)}.")
    return said


def _is_seen(path: Path) -> bool:
    """Whether it is there to be looked at: not a folder, and not what programs hide while they write it."""
    return not path.name.startswith(".") and path.is_file()


def _known(locale: str) -> str:
    if locale not in LOCALES:
        raise ValueError(f"there is no language {locale!r}, only {', '.join(LOCALES)}")
    return locale


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Texts(_Section):
    title: str = Field(default="", max_length=MAX_WORDS)
    description: str = Field(default="", max_length=MAX_WORDS)


class _Options(_Section):
    """What of `engine.options.Options` belongs to a style; its ranges are checked there."""

    strength: int = DEFAULT_STRENGTH
    brush_size: float = 1.0
    keep_colours: KeepColours = "no"
    smoothness: int = DEFAULT_SMOOTHNESS
    statistic: Statistic = "moments"


class _Said(_Texts):
    alt: str = Field(default="", max_length=MAX_ALT)
    options: _Options = _Options()
    translations: dict[Annotated[str, AfterValidator(_known)], _Texts] = {}


def _read_toml(file: Path) -> _Said:
    try:
        return _Said.model_validate(tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {})
    except OSError as error:
        raise PresetUnusable(f"{file.name} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        if first["type"] == "extra_forbidden":
            raise PresetUnusable(f"{file.name} has a key {key}, which no preset knows.") from error
        raise PresetUnusable(f"The key {key} in {file.name} does not fit: {first['msg']}.") from error
    except ValueError as error:  # tomllib's own, or of the encoding
        raise PresetUnusable(f"{file.name} is no TOML: {error}.") from error


def _kept(data: bytes, pixels: Pixels) -> bytes:
    if max(pixels.shape) > LONG_EDGE:
        pixels = resize(pixels, LONG_EDGE)
    elif data[:2] in _KEPT:
        return data
    return encode_jpeg(pixels)
