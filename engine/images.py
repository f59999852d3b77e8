"""Pictures as people send them: opened safely, always the same array inside, written without a trace of their origin.

Opening goes from cheap to dear: bytes, then the header's size, then decoding, so that a bomb is refused before it is
unpacked. What comes out is upright, sRGB, 8 bits; alpha only where it is asked for.
"""

import io
import os
import secrets
import struct
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, TiffImagePlugin, UnidentifiedImageError

from engine.errors import PictureRefused

pillow_heif.register_heif_opener()  # teaches Pillow the HEIC that phones write
TiffImagePlugin.READ_LIBTIFF = True  # Pillow's own reader mixes up the colours of a 16-bit TIFF with separate planes

Pixels = npt.NDArray[np.uint8]
"""Shape (height, width, 3), sRGB."""
Colours = npt.NDArray[np.float32]
"""As `Pixels`, but not rounded to 8 bits: sRGB in 0..1."""
Alpha = npt.NDArray[np.uint8]
"""Shape (height, width): 0 where a picture is transparent, 255 where it is opaque."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""All that is ever tried: Pillow knows dozens more, some of which run other programs."""

READABLE: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
_SRGB: Final = ImageCms.createProfile("sRGB")
_TIFFS: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MEANING: Final = 0x0106  # TIFF's tag; 0 says that zero is white
_BOMB_PIXELS: Final = 2 * (Image.MAX_IMAGE_PIXELS or 0)
"""Pillow itself refuses more, before we can read how many there are."""
_WRITTEN: Final = {".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF", ".jpg": "JPEG", ".jpeg": "JPEG"}
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
    colours, alpha = _open(data, limits)
    if alpha is not None:
        page = Image.new("RGB", colours.size, "white")
        page.paste(colours, mask=alpha)
        colours = page
    return np.array(colours, dtype=np.uint8)


def open_with_alpha(data: bytes, limits: Limits = Limits()) -> tuple[Pixels, Alpha | None]:
    """As `open_picture`, but with the alpha beside the colours; None where all is opaque.

    The colours are the picture's own, so that laying the result over a page gives no white fringe; where nothing is to
    be seen they are white, since what files hide there is often black or rubbish.
    """
    colours, alpha = _open(data, limits)
    pixels = np.array(colours, dtype=np.uint8)
    if alpha is None:
        return pixels, None
    mask = np.array(alpha, dtype=np.uint8)
    pixels[mask == 0] = 255
    return pixels, None if mask.min() == 255 else mask


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


def check_file(suffix: str, bits: int = 8) -> None:
    """Refuse what `file_bytes` cannot write, before a second is spent on painting.

    Raises:
        PictureRefused: no suffix that we write, or a JPEG of 16 bits.
    """
    if suffix.lower() not in _WRITTEN:
        raise PictureRefused(f"The result can be a .png, a .tif or a .jpg, not a {suffix or 'file without an ending'}.")
    if bits == 16 and _WRITTEN[suffix.lower()] == "JPEG":
        raise PictureRefused("A JPEG has 8 bits per channel; choose a .png or a .tif for 16.")
    if bits not in (8, 16):
        raise ValueError(f"bits is 8 or 16, not {bits}")


def file_bytes(suffix: str, picture: Pixels | Colours, alpha: Alpha | None = None, bits: int = 8) -> bytes:
    """The picture as a file to keep: PNG or TIFF with 8 or 16 bits per channel, or the finest JPEG.

    Unlike what the bot posts it carries an ICC profile, 0.6 kB: without one, a viewer on a wide screen shows these
    colours too vivid, and a photo editor asks what they are. It names sRGB, not where the picture came from.

    Args:
        suffix: as of a path, `.png` say.
        picture: with `bits=16` its `Colours`; 8-bit `Pixels` gain nothing by it.
        alpha: brought to the picture's size. A JPEG has none: there the picture lies on white.
        bits: per channel, 8 or 16.

    Raises:
        PictureRefused: as `check_file`.
    """
    check_file(suffix, bits)
    format_ = _WRITTEN[suffix.lower()]
    colours = picture / np.float32(255) if picture.dtype == np.uint8 else picture
    if alpha is not None:
        cover = _fit(alpha, colours.shape[1::-1])[..., None] / np.float32(255)
        opaque = colours * cover + (1 - cover)
        colours = opaque if format_ == "JPEG" else np.concatenate([colours, cover], axis=-1)
    white = 2**bits - 1
    samples = (colours.clip(0, 1) * white).round().astype(np.uint16 if bits == 16 else np.uint8)
    if format_ == "TIFF":
        return _encode_tiff(samples)
    if bits == 16:
        return _encode_deep_png(samples)
    settings = {"quality": 95, "subsampling": 0, "optimize": True} if format_ == "JPEG" else {}
    return _encode(samples, format_, icc_profile=_srgb_profile(), **settings)


def save(path: Path, data: bytes) -> None:
    """Put these bytes there, all of them or none: what fails leaves no half file, and an older file as it was.

    Raises:
        PictureRefused: the disk is full, the folder is read-only, or whatever else the system says.
    """
    part = path.with_name(f".{secrets.token_hex(4)}.part")  # in the same folder: only there a rename is one step
    try:
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # some disks say only now that they are full
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise PictureRefused(f"{path} cannot be written: {error.strerror}.") from error


def _open(data: bytes, limits: Limits) -> tuple[Image.Image, Image.Image | None]:
    if not data:
        raise PictureRefused("This file is empty; send a picture.")
    if len(data) > limits.max_bytes:
        raise PictureRefused(
            f"A picture may have up to {_megabytes(limits.max_bytes)}, but this one has {_megabytes(len(data))}; "
            "save it smaller or as a JPEG."
        )
    with warnings.catch_warnings(action="ignore"):  # Pillow warns of sizes, which we check, and of odd metadata
        return _colours_and_alpha(_load(data, limits))


def _load(data: bytes, limits: Limits) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        _check_size(picture.size, limits)
        picture.load()
    except UnidentifiedImageError as error:
        if data.startswith(_TIFFS):
            raise PictureRefused(
                "This kind of TIFF cannot be read; save it as RGB or grey with 8 or 16 bits per channel."
            ) from error
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


def _colours_and_alpha(picture: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """An RGB picture in sRGB and an L one, both upright."""
    profile = picture.info.get("icc_profile")
    is_negative = isinstance(picture, TiffImagePlugin.TiffImageFile) and picture.tag_v2.get(_MEANING) == 0
    picture = _upright(picture)
    if picture.mode.startswith(("I", "F")):
        picture = _from_deep_grey(picture, is_negative)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
    alpha = picture.getchannel("A") if picture.mode == "RGBA" else None
    if picture.mode not in ("RGB", "CMYK", "L", "LAB"):
        picture = picture.convert("RGB")
    return _to_srgb(picture, profile), alpha


def _upright(picture: Image.Image) -> Image.Image:
    """Turned as its EXIF says. Pillow's `exif_transpose` also rewrites the EXIF, and fails where that is broken."""
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        turn = None
    return picture if turn is None else picture.transpose(turn)


def _from_deep_grey(picture: Image.Image, is_negative: bool) -> Image.Image:
    """8 bits of 16 or more, which Pillow would cut off at 255 instead."""
    values = np.nan_to_num(np.asarray(picture, dtype=np.float32), posinf=0, neginf=0)
    brightest = float(values.max(initial=0))
    if picture.mode.startswith("I;16"):
        white = 65535.0
    else:  # these files do not say what white is
        white = next((usual for usual in (1.0, 255.0, 65535.0) if brightest <= usual), brightest)
    grey = (values.clip(0, white) * (255 / white)).round().astype(np.uint8)
    # Pillow turns round 8-bit negatives only.
    return Image.fromarray(255 - grey if is_negative else grey)


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes):
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if own.profile.xcolor_space == "GRAY" and _is_grey(picture):  # with alpha, grey has become RGB by now
                picture = picture.convert("L")
            converted = ImageCms.profileToProfile(picture, own, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one for another kind of colours
    return picture.convert("RGB")


def _is_grey(picture: Image.Image) -> bool:
    first, *others = (channel.tobytes() for channel in picture.split())
    return all(other == first for other in others)


def _fit(alpha: Alpha, size: tuple[int, ...]) -> Alpha:
    width, height = size
    # Bilinear: the sharper filters overshoot, which would show as a line beside every edge.
    return np.array(Image.fromarray(alpha).resize((width, height), Image.Resampling.BILINEAR))


def _srgb_profile() -> bytes:
    """Dated as the standard (IEC 61966-2-1) is, not today: the same painting is the same file."""
    profile = ImageCms.ImageCmsProfile(_SRGB).tobytes()
    return profile[:24] + struct.pack(">6H", 1999, 10, 1, 0, 0, 0) + profile[36:]


def _encode(samples: npt.NDArray[np.uint8], format_: str, **settings: int | bool | bytes) -> bytes:
    out = io.BytesIO()
    Image.fromarray(samples).save(out, format_, **settings)
    return out.getvalue()


def _encode_tiff(samples: npt.NDArray[np.uint8 | np.uint16]) -> bytes:
    import tifffile  # here, because only the command line needs it

    out = io.BytesIO()
    tifffile.imwrite(
        out,
        samples,
        photometric="rgb",
        extrasamples=("unassalpha",) if samples.shape[-1] == 4 else None,
        compression="zlib",
        predictor=True,
        iccprofile=_srgb_profile(),
        metadata=None,  # or it writes its own description
    )
    return out.getvalue()


def _encode_deep_png(samples: npt.NDArray[np.uint16]) -> bytes:
    import numpngw  # here, because only the command line needs it

    out = io.BytesIO()
    # Filter 4 (Paeth) on every line: as small as the best of each line on photos, in a fifth of the time.
    numpngw.write_png(out, samples, filter_type=4, iccp=("sRGB", _srgb_profile()))
    return out.getvalue()
