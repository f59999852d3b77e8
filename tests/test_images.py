"""Pictures as people send them, and as nobody should."""

import io
import random
import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from pictures import a_photo
from PIL import Image, ImageCms, ImageOps

from engine.errors import PictureRefused
from engine.images import Limits, Pixels, encode_jpeg, encode_png, encode_under, open_picture, resize


def saved(picture: Image.Image, format_: str, **settings: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, format_, **settings)
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
