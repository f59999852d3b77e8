"""Classics: public-domain paintings by their titles on Wikimedia Commons, fetched when an operator asks for them.

The only door to aiohttp's client. Commons is asked for one painting after another, slowly; its pictures are opened as
untrusted ones, in the decoder's process, and kept as presets like any other of the operator's own.

    FetchFailed    nothing can be fetched: offline, refused, no such list; the text is one sentence
    (a painting that cannot be had is told in its `Outcome`, and the next one is tried)
"""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from bot.preset_files import PICTURE_SUFFIXES
from bot.protocols import Decoder
from engine.errors import PictureRefused
from engine.images import save

LIST: Final = Path(str(files("bot") / "classics.toml"))
API: Final = "https://commons.wikimedia.org/w/api.php"
LONG_EDGE: Final = 1280
"""One of the widths that Commons keeps ready; others it makes anew, and limits."""
DOWNLOAD_BYTES: Final = 20 * 2**20
PRESET_BYTES: Final = 1_000_000
PAUSE_SECONDS: Final = 1.0
"""After each painting: one machine's few requests should not be felt there."""
TIMEOUT_SECONDS: Final = 60.0
PUBLIC_DOMAIN: Final = ("public domain", "cc0")
"""How the short names of licences begin that let everybody do everything."""
PICTURE_TYPES: Final = ("image/jpeg", "image/png", "image/tiff", "image/webp")
GONE: Final = (404, 410)


class FetchFailed(Exception):
    """Nothing can be fetched, now or with this list; `str(error)` is one sentence."""


class _Unavailable(Exception):
    """This painting cannot be had; the text is a sentence about it."""


@dataclass(frozen=True)
class Outcome:
    """What became of one painting."""

    name: str
    sentence: str
    is_here: bool
    """Whether the folder holds it now."""


Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""A preset's, which becomes the name of a file."""


class Classic(BaseModel):
    """One entry of a list; the key above it becomes the preset's name."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    file: str
    """Its title on Wikimedia Commons, without "File:"."""
    title: str
    description: str = ""
    alt: str = ""


def read_list(path: Path = LIST) -> Mapping[str, Classic]:
    """The paintings of that list by their presets' names.

    Raises:
        FetchFailed: it cannot be read, or is no such list.
    """
    try:
        return TypeAdapter(dict[Name, Classic]).validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise FetchFailed(f"The list {path} cannot be read: {error.strerror}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise FetchFailed(f"The key {key} in {path.name} does not fit: {first['msg']}.") from error
    except ValueError as error:  # tomllib's own, or of the encoding
        raise FetchFailed(f"{path.name} is no TOML: {error}.") from error


async def fetch(
    classics: Mapping[str, Classic],
    folder: Path,
    decoder: Decoder,
    *,
    api: str = API,
    pause_seconds: float = PAUSE_SECONDS,
) -> AsyncIterator[Outcome]:
    """Bring the paintings that the folder lacks, one `Outcome` each, in the list's order.

    Args:
        folder: made if it is not there.
        decoder: opens and writes them; its long edge is theirs.
        api: the address of MediaWiki's interface.

    Raises:
        FetchFailed: Commons cannot be reached, or refuses; what was fetched before stays.
        PictureRefused: the folder cannot be written.
    """
    await asyncio.to_thread(_make, folder)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    headers = {"User-Agent": await asyncio.to_thread(user_agent)}
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        for name, classic in classics.items():
            if await asyncio.to_thread(_is_here, folder, name):
                yield Outcome(name, "is here already.", is_here=True)
                continue
            try:
                with _told_in_a_sentence():
                    data = await _download(session, await _find(session, api, classic))
                extension, picture = await _opened(decoder, data)
            except _Unavailable as unavailable:
                yield Outcome(name, str(unavailable), is_here=False)
            else:
                await asyncio.to_thread(_keep, folder, name, classic, extension, picture)
                yield Outcome(name, f"fetched, {len(picture) / 1000:.0f} kB.", is_here=True)
            await asyncio.sleep(pause_seconds)


def user_agent() -> str:
    """Who asks, as Commons wants to know it; nothing about the operator. Reads the version from a file."""
    return f"Atelier/{version('atelier')} (atelier presets fetch) aiohttp/{aiohttp.__version__}"


class _Text(BaseModel):
    value: str = ""


class _Metadata(BaseModel):
    license: _Text = Field(default=_Text(), alias="LicenseShortName")


class _Picture(BaseModel):
    url: str
    thumburl: str = ""
    mime: str
    extmetadata: _Metadata | list[Any] = []  # Any: where there is none, PHP writes an empty list

    @property
    def licence(self) -> str:
        return self.extmetadata.license.value if isinstance(self.extmetadata, _Metadata) else ""


class _Page(BaseModel):
    imageinfo: Sequence[_Picture] = []


class _Pages(BaseModel):
    pages: Sequence[_Page]


class _Answer(BaseModel):
    query: _Pages


async def _find(session: aiohttp.ClientSession, api: str, classic: Classic) -> str:
    """The address of the painting at our size, if everybody may use it."""
    asked = {
        "action": "query",
        "format": "json",
        "formatversion": "2",
        "redirects": "1",
        "titles": f"File:{classic.file}",
        "prop": "imageinfo",
        "iiprop": "url|size|mime|extmetadata",
        "iiurlwidth": str(LONG_EDGE),
    }
    async with session.get(api, params=asked) as response:
        response.raise_for_status()
        pages = _Answer.model_validate(await response.json()).query.pages
    found = [picture for page in pages for picture in page.imageinfo]
    if not found:
        raise _Unavailable(f"is not on Wikimedia Commons as {classic.file!r}.")
    picture = found[0]
    if picture.mime not in PICTURE_TYPES:
        raise _Unavailable(f"is no picture that can be used there, but {picture.mime}.")
    if not picture.licence.lower().startswith(PUBLIC_DOMAIN):
        raise _Unavailable(f"is not marked as public domain there, but as {picture.licence or 'nothing'!r}.")
    return picture.thumburl or picture.url


async def _download(session: aiohttp.ClientSession, url: str) -> bytes:
    async with session.get(url) as response:
        response.raise_for_status()
        data = bytearray()
        async for chunk in response.content.iter_chunked(2**16):
            data += chunk
            if max(len(data), response.content_length or 0) > DOWNLOAD_BYTES:
                raise _Unavailable(f"has more than {DOWNLOAD_BYTES // 2**20} MB.")
    return bytes(data)


async def _opened(decoder: Decoder, data: bytes) -> tuple[str, bytes]:
    """The extension and the bytes of the file to keep."""
    try:
        opened = await decoder.open(data)
        encoded = await decoder.encode(await decoder.pixels(opened.png), PRESET_BYTES)
    except PictureRefused as refusal:
        raise _Unavailable(f"cannot be used: {refusal}") from refusal
    return encoded.extension, encoded.data


@contextmanager
def _told_in_a_sentence() -> Iterator[None]:
    try:
        yield
    except aiohttp.ClientResponseError as error:
        if error.status in GONE:
            raise _Unavailable("is in the list of Wikimedia Commons, but its picture has gone.") from error
        raise FetchFailed(f"Wikimedia Commons refuses with status {error.status}; try again later.") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FetchFailed(
            f"Wikimedia Commons cannot be reached ({type(error).__name__}); try again when this machine is online."
        ) from error
    except ValueError as error:  # no JSON, or another one
        raise FetchFailed("Wikimedia Commons answers what this version does not understand.") from error


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FetchFailed(f"The folder {folder} cannot be made: {error.strerror}.") from error


def _is_here(folder: Path, name: str) -> bool:
    return any((folder / f"{name}{suffix}").exists() for suffix in PICTURE_SUFFIXES)


def _keep(folder: Path, name: str, classic: Classic, extension: str, picture: bytes) -> None:
    """The picture last: a bot that watches the folder then sees a preset with all its words."""
    beside = folder / f"{name}.toml"
    if not beside.exists():
        lines = [f"# Wikimedia Commons, public domain: {classic.file}"]
        # What JSON writes as a string, TOML reads as one.
        lines += [f"{key} = {json.dumps(getattr(classic, key))}" for key in ("title", "description", "alt")]
        save(beside, ("\n".join(lines) + "\n").encode())
    save(folder / f"{name}.{extension}", picture)
