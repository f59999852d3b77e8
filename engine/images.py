"""Pictures as people send them: opened safely, always the same array inside, written without a trace of their origin.

Opening goes from cheap to dear: bytes, then the header's size, then decoding, so that a bomb is refused before it is
unpacked. What comes out is upright, sRGB, 8 bits, without alpha.
"""

import io
import warnings
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pillow_heif
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from engine.errors import PictureRefused

pillow_heif.register_heif_opener()  # teaches Pillow the HEIC that phones write

Pixels = npt.NDArray[np.uint8]
"""Shape (height, width, 3), sRGB."""

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""All that is ever tried: Pillow knows dozens more, some of which run other programs."""

READABLE: Final = "JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC"
_WHITE: Final = (255, 255, 255, 255)
_SRGB: Final = ImageCms.createProfile("sRGB")


@dataclass(frozen=True)
class Limits:
    """What is refused before it is decoded."""

    max_bytes: int = 25 * 2**20
    max_pixels: int = 50_000_000
    min_edge: int = 16


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
            f"A picture may have up to {limits.max_bytes / 2**20:.0f} MB, but this one has {len(data) / 2**20:.0f} MB; "
            "save it smaller or as a JPEG."
        )
    try:
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(data), formats=FORMATS) as picture,
        ):
            _check_size(picture.size, limits)
            picture.load()
            return _to_pixels(picture)
    except UnidentifiedImageError as error:
        raise PictureRefused(f"This file is no picture that can be read; send a {READABLE}.") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow looks before we can
        raise PictureRefused(f"{_too_many_pixels(limits)}, but this one has far more.") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # what Pillow's decoders raise for broken files
        raise PictureRefused("This picture is damaged or cut off; save it again and send that.") from error


def resize(pixels: Pixels, long_edge: int) -> Pixels:
    """The picture with that long edge, larger or smaller, in its own shape."""
    height, width = pixels.shape[:2]
    factor = long_edge / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def encode_png(pixels: Pixels) -> bytes:
    """A PNG of the pixels and of nothing else."""
    return _encode(pixels, "PNG", compress_level=6)


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
        raise PictureRefused(f"The picture does not fit into {limit_bytes} bytes; choose a smaller size.")
    return best, "jpg"


def _check_size(size: tuple[int, int], limits: Limits) -> None:
    width, height = size
    if min(size) < limits.min_edge:
        raise PictureRefused(
            f"A picture must be at least {limits.min_edge} pixels wide and high, but this one is {width}×{height}."
        )
    if width * height > limits.max_pixels:
        raise PictureRefused(f"{_too_many_pixels(limits)}, but this one is {width}×{height}.")


def _too_many_pixels(limits: Limits) -> str:
    return f"A picture may have up to {limits.max_pixels / 1e6:.0f} million pixels"


def _to_pixels(picture: Image.Image) -> Pixels:
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I") or upright.mode == "F":  # 16 bits a pixel: Pillow would cut them off at 255
        upright = _from_16_bits(upright)
    if upright.mode in ("P", "PA") or "transparency" in upright.info or upright.mode == "LA":
        upright = upright.convert("RGBA")
    alpha = upright.getchannel("A") if upright.mode in ("RGBA", "RGBa") else None
    opaque = upright.convert("RGB") if upright.mode not in ("RGB", "CMYK", "L", "LAB") else upright
    colours = _to_srgb(opaque, profile)
    if alpha is not None:
        colours.putalpha(alpha)
        colours = Image.alpha_composite(Image.new("RGBA", colours.size, _WHITE), colours).convert("RGB")
    return np.array(colours, dtype=np.uint8)


def _from_16_bits(picture: Image.Image) -> Image.Image:
    values = np.asarray(picture, dtype=np.float64)
    scale = 255 / 65535 if values.max(initial=0) > 255 else 1.0
    return Image.fromarray(np.clip(values * scale, 0, 255).round().astype(np.uint8), "L")


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
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
