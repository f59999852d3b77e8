"""Pictures as people send them: opened safely, always the same array inside, written without a trace of their origin.

Opening goes from cheap to dear: bytes, then the header's size, then decoding, so that a bomb is refused before it is
unpacked. What comes out is upright, sRGB, 8 bits, without alpha.
"""

import io
import struct
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, UnidentifiedImageError

from engine.errors import PictureRefused

pillow_heif.register_heif_opener()  # teaches Pillow the HEIC that phones write

Pixels = npt.NDArray[np.uint8]
"""Shape (height, width, 3), sRGB."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""All that is ever tried: Pillow knows dozens more, some of which run other programs."""

READABLE: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
_SRGB: Final = ImageCms.createProfile("sRGB")
_BOMB_PIXELS: Final = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow itself refuses more, before we can read how many there are."""
_ORIENTATION: Final = 0x0112  # EXIF's tag
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow and its decoders raise for broken files; found by feeding them some 100 000.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    TypeError,
    LookupError,
    ArithmeticError,
    struct.error,
)


@dataclass(frozen=True)
class Limits:
    """What is refused before it is decoded."""

    max_bytes: int = 25 * 2**20
    max_pixels: int = 50_000_000
    min_edge: int = 16
    max_aspect: float = 8.0
    """Long edge over short edge: a strip made small has too few pixels across to paint on."""


def open_picture(data: bytes, limits: Limits = Limits()) -> Pixels:  # frozen, so safe to share
    """The picture in these untrusted bytes; of an animation, its first frame.

    Transparent parts are laid over white. A colour profile is turned into sRGB; one that is broken is ignored, as
    browsers do.

    Raises:
        PictureRefused: no picture that we read, damaged, or over a limit.
    """
    if not data:
        raise PictureRefused("This file is empty; send a picture.")
    if len(data) > limits.max_bytes:
        raise PictureRefused(
            f"A picture may have up to {_megabytes(limits.max_bytes)}, but this one has {_megabytes(len(data))}; "
            "save it smaller or as a JPEG."
        )
    with warnings.catch_warnings(action="ignore"):  # Pillow warns of sizes, which we check, and of odd metadata
        return _to_pixels(_load(data, limits))


def resize(pixels: Pixels, long_edge: int) -> Pixels:
    """The picture with that long edge, larger or smaller, in its own shape."""
    height, width = pixels.shape[:2]
    factor = long_edge / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def encode_png(pixels: Pixels, compress_level: int = 6) -> bytes:
    """A PNG of the pixels and of nothing else; level 1 is the fastest, 9 the smallest."""
    return _encode(pixels, "PNG", compress_level=compress_level)


def encode_jpeg(pixels: Pixels, quality: int = 95) -> bytes:
    """A JPEG of the pixels and of nothing else, colours at full resolution: strokes are small."""
    return _encode(pixels, "JPEG", quality=quality, subsampling=0, optimize=True)


def encode_under(pixels: Pixels, limit_bytes: int | None = None) -> tuple[bytes, str]:
    """The best file that fits under the limit, and its extension: a PNG, else the finest JPEG.

    Raises:
        PictureRefused: not even the coarsest fits.
    """
    png = encode_png(pixels)
    if limit_bytes is None or len(png) <= limit_bytes:
        return png, "png"
    best = None
    low, high = 20, 95
    while low <= high:
        quality = (low + high) // 2
        jpeg = encode_jpeg(pixels, quality)
        if len(jpeg) <= limit_bytes:
            best, low = jpeg, quality + 1
        else:
            high = quality - 1
    if best is None:
        raise PictureRefused(f"The picture does not fit into {_megabytes(limit_bytes)}; choose a smaller size.")
    return best, "jpg"


def _load(data: bytes, limits: Limits) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(picture.size, limits)
        picture.load()
    except UnidentifiedImageError as error:
        raise PictureRefused(f"This file is no picture that can be read; send a {READABLE}.") from error
    except Image.DecompressionBombError as error:
        raise PictureRefused(
            f"{_too_many_pixels(limits)}, but this one has over {_BOMB_PIXELS // 10**6} million; save it smaller."
        ) from error
    except _DAMAGE as error:
        raise PictureRefused("This picture is damaged or cut off; save it again and send that.") from error
    return picture


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if min(size) < limits.min_edge:
        raise PictureRefused(
            f"A picture must be at least {limits.min_edge} pixels wide and high, but this one is {width}×{height}."
        )
    if width * height > limits.max_pixels:
        raise PictureRefused(f"{_too_many_pixels(limits)}, but this one is {width}×{height}; save it smaller.")
    if max(size) > limits.max_aspect * min(size):
        raise PictureRefused(
            f"A picture may be up to {limits.max_aspect:g} times as long as it is wide, "
            f"but this one is {width}×{height}; cut a piece out of it."
        )


def _too_many_pixels(limits: Limits) -> str:
    return f"A picture may have up to {limits.max_pixels / 1e6:.0f} million pixels"


def _megabytes(count: int) -> str:
    return f"{count / 2**20:.3g} MB"


def _to_pixels(picture: Image.Image) -> Pixels:
    profile = picture.info.get("icc_profile")
    picture = _upright(picture)
    if picture.mode.startswith(("I", "F")):
        picture = _from_deep_grey(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    if picture.mode not in ("RGB", "CMYK", "L", "LAB"):
        picture = picture.convert("RGB")
    colours = _to_srgb(picture, profile)
    if alpha is not None:
        page = Image.new("RGB", colours.size, "white")
        page.paste(colours, mask=alpha)
        colours = page
    return np.array(colours, dtype=np.uint8)


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says. Pillow's `exif_transpose` also rewrites the EXIF, and fails where that is broken."""
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _from_deep_grey(picture: Image.Image) -> Image.Image:
    """8 bits of 16 or more, which Pillow would cut off at 255 instead."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
    brightest = float(values.max(initial=0))
    if picture.mode.startswith("I;16"):
        white = 65535.0
    else:  # these files do not say what white is
        white = next((usual for usual in (1.0, 255.0, 65535.0) if brightest <= usual), brightest)
    return Image.fromarray((values.clip(0, white) * (255 / white)).round().astype(np.uint8))


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(picture, own, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one for another kind of colours
    return picture.convert("RGB")


def _encode(pixels: Pixels, format_: str, **settings: int | bool) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format_, **settings)
    return out.getvalue()
