"""Pictures as people send them, and as nobody should."""

import io
import random
import resource
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from pictures import a_photo
from PIL import Image, ImageCms, ImageOps

from engine.errors import PictureRefused
from engine.images import (
    Alpha,
    Limits,
    Pixels,
    check_file,
    encode_jpeg,
    encode_png,
    encode_under,
    file_bytes,
    open_picture,
    open_with_alpha,
    resize,
    save,
)


def saved(picture: Image.Image, format_: str, **settings: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **settings)
    return out.getvalue()


def a_tiff(samples: npt.NDArray[Any], **settings: Any) -> bytes:  # Any: whatever a file may hold
    out = io.BytesIO()
    tifffile.imwrite(out, samples, metadata=None, **settings)
    return out.getvalue()


def difference(found: Pixels, wanted: Pixels) -> float:
    assert found.shape == wanted.shape
    return float(np.abs(found.astype(int) - wanted).mean())


@pytest.mark.parametrize(
    ("format_", "settings"),
    [
        ("JPEG", {"quality": 95}),
        ("PNG", {}),
        ("WEBP", {"quality": 95}),
        ("BMP", {}),
        ("TIFF", {}),
        ("AVIF", {"quality": 95}),
        ("HEIF", {"quality": 95}),
    ],
)
def test_every_format_that_phones_and_programs_write_is_read(format_: str, settings: dict[str, object]) -> None:
    """The picture looks as it did, whatever wrote it."""
    data = saved(Image.fromarray(a_photo()), format_, **settings)

    assert difference(open_picture(data), a_photo()) < 4


def test_of_an_animation_the_first_frame_is_taken() -> None:
    """A GIF is a picture that happens to move."""
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue", "green")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=50)

    assert open_picture(data)[5, 5].tolist() == [255, 0, 0]


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_a_photo_held_sideways_stands_upright(format_: str) -> None:
    """Phones store the rotation beside the pixels, HEIC and AVIF in a box of their own."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° to the right
    data = saved(Image.fromarray(a_photo(48, 64)), format_, quality=95, exif=exif.tobytes())

    assert difference(open_picture(data), np.rot90(a_photo(48, 64), -1)) < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_way_to_hold_a_camera_is_known(orientation: int) -> None:
    """Pillow's own reading of EXIF is the judge."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(a_photo()), "PNG", exif=exif)

    judge = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))

    assert difference(open_picture(data), np.asarray(judge)) == 0


def test_a_broken_exif_is_ignored() -> None:
    """Odd cameras write it; the picture is still fine."""
    data = saved(Image.fromarray(a_photo()), "PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")

    assert difference(open_picture(data), a_photo()) == 0


def test_a_colour_profile_is_turned_into_srgb() -> None:
    """The same bytes in another colour space are other colours."""
    lab = ImageCms.createProfile("LAB")
    in_lab = ImageCms.profileToProfile(
        Image.fromarray(a_photo()), ImageCms.createProfile("sRGB"), lab, outputMode="LAB"
    )
    assert in_lab is not None
    data = saved(in_lab, "TIFF", icc_profile=ImageCms.ImageCmsProfile(lab).tobytes())

    assert difference(open_picture(data), a_photo()) < 4


def a_cmyk_profile(lab: tuple[int, int, int]) -> bytes:
    """The ICC profile of a printer that prints one colour (8-bit Lab) whatever the inks, and black where black is."""
    steps = bytes(range(256))
    identity = struct.pack(">9i", *(65536, 0, 0, 0, 65536, 0, 0, 0, 65536))
    table = (
        b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + 4 * steps + 2**3 * bytes((*lab, 0, 128, 128)) + 3 * steps
    )
    white = b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)  # D50
    tags = struct.pack(">I", 2) + b"A2B0" + struct.pack(">II", 156, len(table))
    tags += b"wtpt" + struct.pack(">II", 156 + len(table), len(white))
    size = struct.pack(">I", 156 + len(table) + len(white))
    kind = bytes([2, 0x10, 0, 0]) + b"prtrCMYKLab " + bytes(12) + b"acsp"
    header = (size + bytes(4) + kind + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0")
    return header + tags + table + white


@pytest.mark.parametrize("format_", ["JPEG", "TIFF"])
def test_what_a_printer_makes_of_its_inks_is_what_its_profile_says(format_: str) -> None:
    """A print shop's file looks as the proof did; here all but black is printed in green."""
    inks = Image.fromarray(a_photo()).convert("CMYK")
    data = saved(inks, format_, icc_profile=a_cmyk_profile((128, 68, 188)))

    red, green, blue = open_picture(data).reshape(-1, 3).T

    assert green.min() > 110
    assert max(red.max(), blue.max()) < 60


def a_grey_profile(gamma: float) -> bytes:
    """The ICC profile of a grey screen with that gamma."""
    white = struct.pack(">3i", 63190, 65536, 54061)  # D50
    curve = (b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))).ljust(16, b"\0")
    tags = struct.pack(">I", 2) + b"kTRC" + struct.pack(">II", 156, 16) + b"wtpt" + struct.pack(">II", 172, 20)
    kind = bytes([2, 0x10, 0, 0]) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    header = (struct.pack(">I", 192) + bytes(4) + kind + bytes(28) + white).ljust(128, b"\0")
    return header + tags + curve + b"XYZ " + bytes(4) + white


@pytest.mark.parametrize("mode", ["L", "LA", "I;16"])
def test_grey_too_is_what_its_profile_says(mode: str) -> None:
    """A linear grey of 0.5 is a light grey in sRGB; print shops' scans carry such profiles."""
    picture = {
        "L": Image.new("L", (32, 32), 128),
        "LA": Image.new("LA", (32, 32), (128, 255)),
        "I;16": Image.fromarray(np.full((32, 32), 128 * 257, np.uint16)),
    }[mode]

    found = open_picture(saved(picture, "PNG", icc_profile=a_grey_profile(1.0)))

    assert found[4, 4].tolist() == [188, 188, 188]


def test_a_grey_profile_on_a_colour_picture_is_ignored() -> None:
    """A program's mistake; the colours must not go with it."""
    data = saved(Image.fromarray(a_photo()), "PNG", icc_profile=a_grey_profile(1.0))

    assert difference(open_picture(data), a_photo()) == 0


@pytest.mark.parametrize("bits", [8, 16])
def test_a_wide_profile_is_turned_into_srgb_at_either_depth(bits: int) -> None:
    """Photo editors hand over 16 bits with a wide profile; here one whose red and green are swapped."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    samples = a_photo() if bits == 8 else a_photo().astype(np.uint16) * 257

    data = a_tiff(samples, photometric="rgb", iccprofile=bytes(profile))

    assert difference(open_picture(data), a_photo()[..., [1, 0, 2]]) < 1


def test_a_broken_profile_is_ignored() -> None:
    """As browsers do: a picture with odd colours is better than none."""
    data = saved(Image.fromarray(a_photo()), "PNG", icc_profile=b"nonsense")

    assert difference(open_picture(data), a_photo()) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: picture.convert("CMYK"),
        lambda picture: picture.convert("RGBA"),
        lambda picture: picture.convert("YCbCr"),
    ],
)
def test_other_colour_models_become_rgb(change: Callable[[Image.Image], Image.Image]) -> None:
    """Print shops send CMYK."""
    changed = change(Image.fromarray(a_photo()))
    data = saved(changed, "TIFF" if changed.mode != "RGBA" else "PNG")

    assert difference(open_picture(data), a_photo()) < 4


@pytest.mark.parametrize("mode", ["L", "LA", "1", "P"])
def test_grey_and_palette_pictures_become_rgb(mode: str) -> None:
    """Scans, stamps and old GIFs."""
    picture = Image.fromarray(a_photo()).convert("L")
    data = saved(picture.convert(mode), "PNG")

    found = open_picture(data)

    assert difference(found, np.asarray(picture.convert(mode).convert("RGB"))) < 1


def test_sixteen_bit_grey_is_scaled_not_cut_off() -> None:
    """A scan would come out white."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (32, 1))

    found = open_picture(saved(Image.fromarray(ramp), "PNG"))

    assert found[0, 0, 0] == 0
    assert 120 < found[0, 32, 0] < 136
    assert found[0, -1, 0] == 255


def test_a_dark_sixteen_bit_scan_stays_dark() -> None:
    """How bright a pixel is does not depend on the brightest one."""
    night = np.full((32, 32), 200, np.uint16)

    assert open_picture(saved(Image.fromarray(night), "PNG"))[4, 4].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "white", [np.float32(1), np.float32(255), np.float32(65535), np.int32(65535), np.int32(2_000_000_000)]
)
def test_what_is_white_is_guessed_where_the_file_does_not_say(white: np.float32 | np.int32) -> None:
    """Scientific TIFFs count to 1, to 65535, or as far as they like; holes in them are black."""
    ramp = np.tile(np.linspace(0, white, 64).astype(white.dtype), (32, 1))
    if ramp.dtype == np.float32:
        ramp[0, 0] = np.nan

    found = open_picture(saved(Image.fromarray(ramp), "TIFF"))

    assert found[0, 0, 0] == 0
    assert 120 < found[0, 32, 0] < 136
    assert found[0, -1, 0] == 255


@pytest.mark.parametrize("zero_is", ["minisblack", "miniswhite"])
def test_a_sixteen_bit_scan_of_a_negative_is_turned_round(zero_is: Any) -> None:
    """Fax machines and film scanners count from white."""
    ramp = np.tile(np.linspace(0, 65535, 64).astype(np.uint16), (32, 1))

    found = open_picture(a_tiff(ramp if zero_is == "minisblack" else 65535 - ramp, photometric=zero_is))

    assert found[0, [0, -1], 0].tolist() == [0, 255]


@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_tiffs_of_every_layout_are_read(planes: str, compression: str | None, channels: int) -> None:
    """Photo editors write them all; Pillow alone mixes up the colours of one."""
    samples = np.full((48, 64, channels), 65535, np.uint16)
    samples[..., :3] = a_photo().astype(np.uint16) * 257
    if planes == "separate":
        samples = np.moveaxis(samples, -1, 0)
    extra = ["unassalpha"] if channels == 4 else None

    data = a_tiff(samples, photometric="rgb", planarconfig=planes, compression=compression, extrasamples=extra)

    assert difference(open_picture(data), a_photo()) == 0


@pytest.mark.parametrize("sample", [np.float32, np.uint32])
def test_a_tiff_of_a_kind_that_cannot_be_read_is_refused_as_what_it_is(sample: type) -> None:
    """Being told that a TIFF is no picture, please send a TIFF, helps nobody."""
    data = a_tiff(np.zeros((32, 32, 3), sample), photometric="rgb")

    with pytest.raises(PictureRefused, match="This kind of TIFF cannot be read; save it as RGB or grey"):
        open_picture(data)


def test_premultiplied_alpha_is_understood() -> None:
    """Film programs write it: extra samples of kind 1 in TIFF's words."""
    data = saved(Image.new("RGBA", (32, 32), (0, 0, 0, 0)), "TIFF")
    unassociated, associated = (struct.pack("<HHIHH", 338, 3, 1, kind, 0) for kind in (2, 1))
    assert data.count(unassociated) == 1

    assert open_picture(data.replace(unassociated, associated))[4, 4].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_lie_on_white(mode: str) -> None:
    """As on a page; black would frighten people."""
    picture = Image.new("RGBA", (32, 32), (0, 0, 0, 0)).convert(mode)
    settings = {"transparency": 0} if mode == "P" else {}

    assert open_picture(saved(picture, "PNG", **settings))[4, 4].tolist() == [255, 255, 255]


def a_png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "This file is empty"),
        (b"I am a text file named .png", "no picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", "no picture that can be read"),
        (a_png_header(20_000, 20_000), "up to 50 million pixels, but this one has over 178 million; save it smaller"),
        (a_png_header(10_000, 10_000), "up to 50 million pixels, but this one is 10000×10000"),
        (a_png_header(8_000, 8_000), "up to 50 million pixels, but this one is 8000×8000"),
        (a_png_header(4000, 20), "up to 8 times as long as it is wide, but this one is 4000×20"),
        (a_png_header(1, 1), r"at least 16 pixels wide and high, but this one is 1×1"),
        (a_png_header(64, 64), "damaged or cut off"),
        (saved(Image.fromarray(a_photo(256, 256)), "JPEG")[:2000], "damaged or cut off"),
        (saved(Image.fromarray(a_photo(256, 256)), "PNG")[:1000], "damaged or cut off"),
        (saved(Image.fromarray(a_photo(256, 256)), "WEBP")[:500], "damaged|no picture"),
        (saved(Image.fromarray(a_photo(256, 256)), "AVIF")[:-100], "damaged|no picture"),
        (saved(Image.fromarray(a_photo(256, 256)), "HEIF")[:-100], "damaged|no picture"),
    ],
)
def test_what_is_no_good_picture_is_refused_by_one_sentence(data: bytes, sentence: str) -> None:
    """Nothing crashes, and the person knows what to do."""
    with pytest.raises(PictureRefused, match=sentence) as refusal:
        open_picture(data)

    assert "\n" not in str(refusal.value)


def test_too_many_bytes_are_refused_before_they_are_looked_at() -> None:
    """The sentence says the limit and what came."""
    with pytest.raises(PictureRefused, match=r"up to 1 MB, but this one has 1\.04 MB"):
        open_picture(bytes(1_090_000), Limits(max_bytes=2**20))


def test_a_gif_whose_frame_outgrows_its_header_is_measured_by_the_frame() -> None:
    """The header says 32×32, the decoder would unpack 81 million pixels."""
    data = bytearray(saved(Image.new("P", (32, 32)), "GIF"))
    frame = data.index(b",\0\0\0\0")
    data[frame + 5 : frame + 9] = struct.pack("<HH", 9000, 9000)

    with pytest.raises(PictureRefused, match="this one is 9000×9000"):
        open_picture(bytes(data))


@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_damaged_files_are_opened_or_refused_and_nothing_else(format_: str) -> None:
    """Each decoder has its own ways to fail; none may look like a bug of ours."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 31.0, 12.0)})
    whole = saved(Image.fromarray(a_photo()), format_, exif=exif)
    chance = random.Random(7)

    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(chance.choice([1, 2, 5])):
            damaged[chance.randrange(min(len(whole), 600))] = chance.choice([0, 1, 127, 255, chance.randrange(256)])
        try:
            assert open_picture(bytes(damaged)).dtype == np.uint8
        except PictureRefused:
            continue


@pytest.mark.parametrize("encode", [encode_png, encode_jpeg])
def test_where_a_photo_was_taken_is_not_passed_on(encode: Callable[[Pixels], bytes]) -> None:
    """Results are posted in public."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 31.0, 12.0)})
    exif[0x010E] = "my home"
    source = saved(Image.fromarray(a_photo()), "JPEG", exif=exif)
    assert b"my home" in source

    result = encode(open_picture(source))

    written = Image.open(io.BytesIO(result))
    assert not written.getexif()
    assert b"my home" not in result


def test_a_result_that_fits_stays_a_png() -> None:
    """Nothing is lost without need."""
    data, extension = encode_under(a_photo(), 1_000_000)

    assert extension == "png"
    assert difference(open_picture(data), a_photo()) == 0


def test_a_result_over_the_limit_becomes_the_finest_jpeg_that_fits() -> None:
    """Discord refuses larger files; one more step of quality would be too large."""
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    limit = 15_000

    data, extension = encode_under(noise, limit)

    assert extension == "jpg"
    assert 0.9 * limit < len(data) <= limit


def test_a_result_that_can_never_fit_is_refused() -> None:
    """Rather than posting nothing without a word."""
    with pytest.raises(PictureRefused, match="choose a smaller size"):
        encode_under(a_photo(), 100)


def test_resizing_keeps_the_shape() -> None:
    """The long edge is what was asked for, either way."""
    assert resize(a_photo(48, 64), 32).shape == (24, 32, 3)
    assert resize(a_photo(64, 48), 128).shape == (128, 96, 3)


def an_alpha(height: int = 48, width: int = 64) -> Alpha:
    """Transparent at the left, opaque at the right."""
    return np.tile(np.linspace(0, 255, width).round().astype(np.uint8), (height, 1))


def with_alpha(picture: Pixels, alpha: Alpha) -> Image.Image:
    return Image.fromarray(np.dstack([picture, alpha]))


@pytest.mark.parametrize("format_", ["PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
def test_alpha_comes_out_beside_the_colours(format_: str) -> None:
    """A cut-out stays one; its half-transparent edge is not mixed with a page."""
    settings = {"quality": 100} if format_ in ("AVIF", "HEIF") else {"lossless": True} if format_ == "WEBP" else {}
    data = saved(with_alpha(a_photo(), an_alpha()), format_, **settings)

    picture, alpha = open_with_alpha(data)

    assert alpha is not None
    assert np.abs(alpha.astype(int) - an_alpha()).mean() < 1
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert difference(picture[:, 8:], a_photo()[:, 8:]) < 4


def test_alpha_is_turned_upright_with_its_colours() -> None:
    """Else the mask would lie across the picture."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90° to the right
    data = saved(with_alpha(a_photo(), an_alpha()), "PNG", exif=exif)

    _, alpha = open_with_alpha(data)

    assert alpha is not None
    assert np.array_equal(alpha, np.rot90(an_alpha(), -1))


@pytest.mark.parametrize("picture", [Image.fromarray(a_photo()), with_alpha(a_photo(), np.full_like(an_alpha(), 255))])
def test_what_is_opaque_everywhere_has_no_alpha(picture: Image.Image) -> None:
    """A screenshot's empty fourth channel is not worth keeping."""
    found, alpha = open_with_alpha(saved(picture, "PNG"))

    assert alpha is None
    assert difference(found, a_photo()) == 0


def samples_of(data: bytes) -> npt.NDArray[np.uint16]:
    """What a 16-bit file holds; Pillow would read half of it."""
    if not data.startswith(b"\x89PNG"):
        return np.asarray(tifffile.imread(io.BytesIO(data)), np.uint16)
    width, height, bits, kind = struct.unpack(">IIBB", data[16:26])
    assert bits == 16
    pixel = {2: 6, 6: 8}[kind]  # bytes
    start = data.index(b"IDAT")
    packed = data[start + 4 : start + 4 + int.from_bytes(data[start - 4 : start])]
    lines = np.frombuffer(zlib.decompress(packed), np.uint8).reshape(height, -1)
    assert (lines[:, 0] == 4).all()  # Paeth's filter, which is undone below as the standard describes it
    found = np.zeros((height + 1, pixel + width * pixel), int)  # with a line above and a pixel to the left
    for down in range(height):
        for across in range(pixel, found.shape[1]):
            left, above, corner = found[down + 1, across - pixel], found[down, across], found[down, across - pixel]
            nearest = min((left, above, corner), key=lambda near: abs(left + above - corner - near))
            found[down + 1, across] = (lines[down, across - pixel + 1] + nearest) % 256
    return found[1:, pixel:].astype(np.uint8).view(">u2").reshape(height, width, -1).astype(np.uint16)


def fine_colours(height: int = 24, width: int = 32) -> npt.NDArray[np.float32]:
    """Colours that 8 bits would round, and some that are out of range."""
    return np.random.default_rng(0).random((height, width, 3), dtype=np.float32) * np.float32(1.1) - np.float32(0.05)


@pytest.mark.parametrize("suffix", [".png", ".TIF", ".tiff"])
@pytest.mark.parametrize("alpha", [None, an_alpha(24, 32)])
def test_sixteen_bits_are_written_as_they_were_painted(suffix: str, alpha: Alpha | None) -> None:
    """For print and for further work: no banding in a sky that is made brighter."""
    data = file_bytes(suffix, fine_colours(), alpha, bits=16)

    samples = samples_of(data)
    assert samples.shape == (24, 32, 3 if alpha is None else 4)
    assert np.array_equal(samples[..., :3], (fine_colours().clip(0, 1) * 65535).round())
    if alpha is not None:
        assert np.array_equal(samples[..., 3], alpha * np.uint16(257))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("alpha", [None, an_alpha()])
def test_what_is_written_opens_again(suffix: str, bits: int, alpha: Alpha | None) -> None:
    """Every program must read it; here Pillow does, which did not write all of them."""
    picture, found = open_with_alpha(file_bytes(suffix, a_photo(), alpha, bits))

    seen = slice(None) if alpha is None else alpha > 0
    assert difference(picture[seen], a_photo()[seen]) == 0
    assert found is None if alpha is None else found is not None and np.array_equal(found, alpha)


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".jpg", 8)])
def test_a_file_to_keep_says_that_it_is_srgb(suffix: str, bits: int) -> None:
    """A wide screen would show the colours too vivid; and the profile must not change from day to day."""
    data = file_bytes(suffix, a_photo(), bits=bits)

    profile = Image.open(io.BytesIO(data)).info["icc_profile"]
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert struct.unpack(">6H", profile[24:36]) == (1999, 10, 1, 0, 0, 0)
    assert difference(open_picture(data), a_photo()) < 2


def test_a_jpeg_to_keep_has_all_colours_and_lies_on_white() -> None:
    """4:4:4: strokes are small; and JPEG knows no alpha."""
    data = file_bytes(".jpeg", np.zeros((48, 64, 3), np.float32), an_alpha())

    written = Image.open(io.BytesIO(data))
    assert isinstance(written, Image.Image)
    assert [part[1:3] for part in getattr(written, "layer", [])] == [(1, 1)] * 3
    assert difference(np.asarray(written), np.repeat(255 - an_alpha()[..., None], 3, axis=-1)) < 1


def test_alpha_is_brought_to_the_size_of_the_painting() -> None:
    """A painting is rarely as large as its photo."""
    _, alpha = open_with_alpha(file_bytes(".png", a_photo(24, 32), an_alpha(48, 64)))

    assert alpha is not None
    assert alpha.shape == (24, 32)
    assert np.abs(alpha.astype(int) - an_alpha(24, 32)).max() <= 3


@pytest.mark.parametrize(
    ("suffix", "bits", "sentence"),
    [
        (".jpg", 16, "A JPEG has 8 bits per channel; choose a .png or a .tif for 16."),
        (".gif", 8, "The result can be a .png, a .tif or a .jpg, not a .gif."),
        ("", 8, "not a file without an ending"),
    ],
)
def test_what_cannot_be_written_is_refused_by_one_sentence(suffix: str, bits: int, sentence: str) -> None:
    """Before the painting, not after it."""
    with pytest.raises(PictureRefused, match=sentence):
        check_file(suffix, bits)


def test_saving_replaces_an_older_file(tmp_path: Path) -> None:
    """And leaves nothing else behind."""
    path = tmp_path / "out.png"
    path.write_bytes(b"old")

    save(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("before", [None, b"old"])
def test_a_disk_that_fills_up_leaves_no_half_file(tmp_path: Path, before: bytes | None) -> None:
    """An hour's painting may fail to be saved; it must not take yesterday's with it."""
    path = tmp_path / "out.png"
    if before:
        path.write_bytes(before)
    program = f"from pathlib import Path; from engine.images import save; save(Path({str(path)!r}), bytes(200_000))"

    # The system stops a file that outgrows the limit as it stops one that meets the end of the disk: in the middle.
    ended = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )

    assert "PictureRefused: " + f"{path} cannot be written: File too large." in ended.stderr
    assert [(file, file.read_bytes()) for file in tmp_path.iterdir()] == ([(path, before)] if before else [])


def test_a_folder_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    """The person sees which path it was, and why."""
    (tmp_path / "out.png").mkdir()

    with pytest.raises(PictureRefused, match=r"out\.png cannot be written: Is a directory\."):
        save(tmp_path / "out.png", b"new")

    assert [file.name for file in tmp_path.iterdir()] == ["out.png"]
