"""`atelier presets`: list, check and preview what can be chosen as a style, and fetch classics.

Exit codes: 0 done, 1 something is wrong with a preset (one sentence each), 2 refused (one sentence says why), 130
stopped by Ctrl-C.
"""

import argparse
import asyncio
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import engine
from bot import classics
from bot.config import ConfigError, load
from bot.decode import DecodePool
from bot.jobs import JobError
from bot.preset_files import Preset, PresetUnusable, pictures_in, read_preset, strays_in
from bot.styles import Styles, bundled, preset_folders, samples
from engine.errors import EngineError, PictureRefused
from engine.images import Limits, Pixels, check_file, encode_under, file_bytes, open_picture, save
from engine.options import QUALITIES
from engine.sheets import Cell, draw_sheet

if TYPE_CHECKING:
    from engine.encoders import Encoder
    from engine.targets import MeasureCache

PREVIEW_SIZE: Final = 512
SHEET_SIZE: Final = 256
"""Long edges in pixels, unless another is named."""
STOPPED: Final = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    wishes = _parser().parse_args(arguments or ["list"])
    try:
        return int(wishes.command(wishes))
    except (ConfigError, JobError, EngineError, classics.FetchFailed) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="atelier presets", description=__doc__)
    configured = argparse.ArgumentParser(add_help=False)
    configured.add_argument("--config", type=Path, metavar="FILE", help="the configuration, which names presets_dir")
    painted = argparse.ArgumentParser(add_help=False)
    painted.add_argument("--quality", choices=QUALITIES, default="draft")
    painted.add_argument("--weights", type=Path, metavar="FILE", help="of VGG-19; else the embedded encoder looks")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser("list", parents=[configured], help="what can be chosen; also without any command")
    command.set_defaults(command=_list)

    command = commands.add_parser("check", parents=[configured], help="name every file that cannot be used")
    command.add_argument("folder", nargs="?", type=Path, help="the bundled presets and presets_dir, if not given")
    command.set_defaults(command=_check)

    command = commands.add_parser("preview", parents=[configured, painted], help="paint a photo with one preset")
    command.add_argument("name")
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="preview-NAME.jpg, if not given")
    command.add_argument("--content", metavar="PHOTO", help="a sample's name, or a file; the last sample, if not given")
    command.add_argument("--size", type=int, default=PREVIEW_SIZE, help="long edge, in pixels")
    command.set_defaults(command=_preview)

    command = commands.add_parser("sheet", parents=[configured, painted], help="paint photos with all presets")
    command.add_argument("-o", "--output", type=Path, metavar="FILE", default=Path("presets.jpg"))
    command.add_argument("--content", nargs="+", metavar="PHOTO", help="samples' names, or files; else all samples")
    command.add_argument("--preset", nargs="+", metavar="NAME", help="only these")
    command.add_argument("--size", type=int, default=SHEET_SIZE, help="long edge of each, in pixels")
    command.add_argument("--bytes", type=int, help="a JPEG is compressed until it fits")
    command.set_defaults(command=_sheet)

    command = commands.add_parser(
        "fetch", parents=[configured], help="bring public-domain paintings from Wikimedia Commons"
    )
    command.add_argument("--list", type=Path, metavar="FILE", default=classics.LIST, help="others than the usual dozen")
    command.add_argument("--into", type=Path, metavar="FOLDER", help="presets_dir, if not given")
    command.add_argument("--api", metavar="URL", default=classics.API, help="of another MediaWiki")
    command.set_defaults(command=_fetch)
    return parser


def _list(wishes: argparse.Namespace) -> int:
    rows = [("name", "title", "description", "size", "from")]
    for preset in _styles(wishes).search(limit=None):
        home = "bundled" if preset.path.parent == bundled() else str(preset.path.parent)
        rows.append((preset.name, preset.title, preset.description, "×".join(map(str, preset.size)), home))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _check(wishes: argparse.Namespace) -> int:
    # Of a folder that is named, only that one, without the bundled presets.
    folders = preset_folders(wishes.folder)[1:] if wishes.folder else _folders(wishes)
    faults = [sentence for folder in folders for sentence in (*_faults_in(folder), *strays_in(folder))]
    for sentence in faults:
        print(sentence)
    count = sum(len(pictures_in(folder)) for folder in folders)
    print(f"{count} presets, {len(faults) or 'no'} fault{'' if len(faults) == 1 else 's'}.")
    return 1 if faults else 0


def _faults_in(folder: Path) -> Sequence[str]:
    faults = []
    for picture in pictures_in(folder):
        try:
            read_preset(picture)
        except PresetUnusable as error:
            faults.append(str(error))
    return faults


def _preview(wishes: argparse.Namespace) -> int:
    preset = _styles(wishes).get(wishes.name)
    output = wishes.output or Path(f"preview-{preset.name}.jpg")
    check_file(output.suffix)
    photo = _photo(wishes.content) if wishes.content else _samples()[-1]
    save(output, file_bytes(output.suffix, Studio.of(wishes).paint(photo, preset)))
    print(f"{output}: {preset.title} on {photo.title}")
    return 0


def _sheet(wishes: argparse.Namespace) -> int:
    check_file(wishes.output.suffix)
    styles = _styles(wishes)
    presets = [styles.get(name) for name in wishes.preset] if wishes.preset else styles.search(limit=None)
    photos = [_photo(named) for named in wishes.content] if wishes.content else _samples()
    studio = Studio.of(wishes)
    cells = [Cell(), *(Cell(photo.title, photo.pixels) for photo in photos)]
    for number, preset in enumerate(presets):
        cells.append(Cell(preset.title, open_picture(preset.picture)))
        for column, photo in enumerate(photos, start=1):
            began = time.perf_counter()
            cells.append(Cell(picture=studio.paint(photo, preset)))
            done = f"{number * len(photos) + column}/{len(presets) * len(photos)}"
            seconds = time.perf_counter() - began
            print(f"{done} {preset.title} on {photo.title}, {seconds:.1f} s", file=sys.stderr, flush=True)
    sheet = draw_sheet(cells, 1 + len(photos), wishes.size)
    data = encode_under(sheet, wishes.bytes)[0] if wishes.bytes else file_bytes(wishes.output.suffix, sheet)
    save(wishes.output, data)
    print(wishes.output)
    return 0


def _fetch(wishes: argparse.Namespace) -> int:
    wanted = classics.read_list(wishes.list)
    folder = wishes.into or load(wishes.config).presets_dir
    if folder is None:
        raise classics.FetchFailed("Name a folder with --into, or set presets_dir in the configuration.")
    return asyncio.run(_fetch_into(folder, wanted, wishes.api))


async def _fetch_into(folder: Path, wanted: Mapping[str, classics.Classic], api: str) -> int:
    decoder = DecodePool(long_edge=classics.LONG_EDGE, limits=Limits(max_bytes=classics.DOWNLOAD_BYTES))
    lacking = 0
    try:
        async for outcome in classics.fetch(wanted, folder, decoder, api=api):
            print(f"{outcome.name} {outcome.sentence}", flush=True)
            lacking += not outcome.is_here
    finally:
        await decoder.close()
    return 1 if lacking else 0


@dataclass(frozen=True)
class Photo:
    """What a preset is tried on."""

    title: str
    pixels: Pixels = field(repr=False)


@dataclass(frozen=True)
class Studio:
    """An encoder, and how long it may take for one picture."""

    encoder: "Encoder"
    cache: "MeasureCache"
    """Of what the presets measure: each is painted with several times."""
    size: int
    quality: engine.options.Quality

    @classmethod
    def of(cls, wishes: argparse.Namespace) -> "Studio":
        """As the command line wants it; loads torch, which takes seconds."""
        from engine.targets import MeasureCache

        encoder = engine.load_encoder("vgg19" if wishes.weights else "embedded", wishes.weights)
        return cls(encoder, MeasureCache(), wishes.size, wishes.quality)

    def paint(self, photo: Photo, preset: Preset) -> Pixels:
        """The photo, painted with the preset's own options."""
        options = replace(preset.options, size=self.size, quality=self.quality)
        style = engine.Style(open_picture(preset.picture))
        [last] = deque(engine.stylize(photo.pixels, [style], self.encoder, options, cache=self.cache), maxlen=1)
        return last.image()


def _folders(wishes: argparse.Namespace) -> Sequence[Path]:
    return preset_folders(load(wishes.config).presets_dir)


def _styles(wishes: argparse.Namespace) -> Styles:
    return Styles(_folders(wishes))


def _samples() -> Sequence[Photo]:
    found = Styles(sorted({path.parent for path in samples()}))
    return [Photo(sample.title, open_picture(sample.picture)) for sample in found.search(limit=None)]


def _photo(named: str) -> Photo:
    """The sample of that name, or else the picture in that file."""
    for path in samples():
        if path.stem == named:
            return Photo(read_preset(path).title, open_picture(path.read_bytes()))
    path = Path(named)
    try:
        return Photo(path.stem, open_picture(path.read_bytes()))
    except OSError as error:
        raise PictureRefused(f"There is no sample {named}, and no such file can be read: {error.strerror}.") from error
    except PictureRefused as error:
        raise PictureRefused(f"{path.name}: {error}") from error
