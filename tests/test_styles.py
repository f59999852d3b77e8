"""Presets are found by what people type, and an operator's bad file spoils nobody else's."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import discord
import numpy as np
import pytest
from pictures import a_painting, a_photo

from bot.jobs import Refused
from bot.preset_files import LOCALES, Texts, strays_in
from bot.styles import Styles, bundled, samples
from engine.images import Pixels, encode_jpeg, encode_png, open_picture
from engine.options import Options


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("night-swirls", "woodblock-waves", "dusk-dots"):
        (tmp_path / f"{name}.png").write_bytes(encode_png(a_painting()))
    (tmp_path / "dusk-dots.toml").write_text('title = "Pointillist dusk"\ndescription = "warm dots"\nalt = "Dots."')
    return tmp_path


@pytest.fixture
def styles(folder: Path) -> Styles:
    return Styles([folder])


def names(styles: Styles) -> list[str]:
    return [preset.name for preset in styles.search()]


def test_a_preset_says_what_its_toml_says(folder: Path) -> None:
    """Title, description and alt text for galleries."""
    preset = Styles([folder]).get("dusk-dots")

    assert (preset.title, preset.description, preset.alt) == ("Pointillist dusk", "warm dots", "Dots.")
    assert preset.path == folder / "dusk-dots.png"


def test_a_picture_alone_is_a_preset_too(folder: Path) -> None:
    """An operator drops a file into the folder, and that is all."""
    assert Styles([folder]).get("night-swirls").title == "Night swirls"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["night-swirls", "dusk-dots", "woodblock-waves"]),
        ("nig", ["night-swirls"]),
        ("wave", ["woodblock-waves"]),
        ("Pointillist", ["dusk-dots"]),
        ("swrils", ["night-swirls"]),
        ("zzz", []),
    ],
)
def test_typing_finds_presets_by_beginning_part_or_nearness(folder: Path, query: str, found: list[str]) -> None:
    """Autocomplete forgives a slip."""
    assert [preset.name for preset in Styles([folder]).search(query)] == found


def test_no_more_are_offered_than_asked_for(folder: Path) -> None:
    """Discord refuses a 26th."""
    assert len(Styles([folder]).search("", limit=2)) == 2


def test_an_unknown_preset_is_refused_with_the_nearest(folder: Path) -> None:
    """The person can correct it at once."""
    with pytest.raises(Refused, match="no preset 'night-swirl'; did you mean night-swirls"):
        Styles([folder]).get("night-swirl")


@pytest.mark.parametrize(
    ("toml", "complaint"),
    [
        ("title = [broken", "dusk-dots.toml is no TOML: "),
        ("title = 3", "The key title in dusk-dots.toml does not fit: Input should be a valid string."),
        (f'title = "{"long" * 50}"', "The key title in dusk-dots.toml does not fit: String should have at most 80"),
        ('colour = "red"', "dusk-dots.toml has a key colour, which no preset knows."),
        ("[options]\nstrenght = 60", "dusk-dots.toml has a key options.strenght, which no preset knows."),
        ("[options]\nstrength = true", "The key options.strength in dusk-dots.toml does not fit: "),
        ("[options]\nstrength = 60.5", "The key options.strength in dusk-dots.toml does not fit: "),
        ("[options]\nstrength = 160", "dusk-dots.toml, options: The strength must lie between 0 and 100, not 160."),
        ("[options]\nbrush_size = 0.1", "dusk-dots.toml, options: The brush size must lie between 0.25 and 4"),
        ('[options]\nkeep_colours = "some"', "The key options.keep_colours in dusk-dots.toml does not fit: "),
        ('[translations.deutsch]\ntitle = "Punkte"', "there is no language 'deutsch', only bg, cs, da, de, "),
        ('[translations.de]\nalt = "Punkte"', "dusk-dots.toml has a key translations.de.alt, which no preset knows."),
    ],
)
def test_a_bad_toml_is_named_in_the_log_and_skipped(
    folder: Path, caplog: pytest.LogCaptureFixture, toml: str, complaint: str
) -> None:
    """The other presets are there all the same, and the operator reads what to correct."""
    (folder / "dusk-dots.toml").write_text(toml)

    assert names(Styles([folder])) == ["night-swirls", "woodblock-waves"]

    [record] = caplog.records
    assert record.getMessage().startswith("preset dusk-dots.png is skipped: ")
    assert complaint in record.getMessage()


def test_a_broken_picture_is_named_in_the_log_and_skipped(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody chooses a preset that cannot be painted."""
    (folder / "dusk-dots.png").write_bytes(b"no picture")

    assert names(Styles([folder])) == ["night-swirls", "woodblock-waves"]

    assert "preset dusk-dots.png is skipped: dusk-dots.png: This file is no picture that can be read" in caplog.text


def test_a_file_name_of_any_kind_becomes_a_name_that_can_be_typed(folder: Path) -> None:
    """An operator need not rename what a camera or a museum called it."""
    (folder / "My Great_Painting (2).png").write_bytes(encode_png(a_painting()))

    assert Styles([folder]).get("my-great-painting-2").title == "My great painting 2"


def test_a_later_folder_replaces_a_name(folder: Path, tmp_path: Path) -> None:
    """An operator may put their own in the place of a bundled one."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "night-swirls.png").write_bytes(encode_png(a_painting()))

    assert Styles([folder, own]).get("night-swirls").path == own / "night-swirls.png"


def test_options_in_the_toml_say_how_to_paint_with_it(folder: Path) -> None:
    """A mosaic wants other settings than a watercolour."""
    (folder / "dusk-dots.toml").write_text(
        '[options]\nstrength = 65\nbrush_size = 2\nkeep_colours = "luminance"\nsmoothness = 70\nstatistic = "gram"\n'
    )

    styles = Styles([folder])

    tuned = Options(strength=65, brush_size=2, keep_colours="luminance", smoothness=70, statistic="gram")
    assert styles.get("dusk-dots").options == tuned
    assert styles.get("night-swirls").options == Options()


def test_a_translation_is_read_and_found_by_who_speaks_that_language(folder: Path) -> None:
    """Everybody else reads the English, which always finds it too."""
    (folder / "dusk-dots.toml").write_text(
        'title = "Dusk dots"\ndescription = "warm dots"\n[translations.de]\ntitle = "Abendpunkte"\n'
    )
    styles = Styles([folder])

    [dots] = styles.search("abend", locale="de")

    assert dots.texts("de") == Texts("Abendpunkte", "warm dots")
    assert dots.texts("fr") == dots.texts() == Texts("Dusk dots", "warm dots")
    assert [preset.name for preset in styles.search(locale="de")] == ["dusk-dots", "night-swirls", "woodblock-waves"]
    assert styles.search("dusk", locale="de") == [dots]
    assert styles.search("abend") == []


def test_every_language_of_discord_may_be_translated_into() -> None:
    """Names are theirs, and a slip in one is said."""
    assert set(LOCALES) == {locale.value for locale in discord.Locale}


def test_a_preset_has_a_small_picture_for_galleries(styles: Styles) -> None:
    """Sixteen thumbnails load faster than sixteen paintings."""
    preset = styles.get("dusk-dots")

    assert max(open_picture(preset.thumbnail).shape) == 256
    assert preset.thumbnail.startswith(b"\xff\xd8")
    assert preset.size == (64, 64)


def test_a_museums_huge_picture_is_kept_reduced(folder: Path) -> None:
    """No painting has more strokes than the largest result can show, and all presets stay in memory."""
    (folder / "huge.png").write_bytes(encode_png(np.zeros((1200, 3000, 3), np.uint8)))

    preset = Styles([folder]).get("huge")

    assert preset.size == (3000, 1200)
    assert open_picture(preset.picture).shape == (819, 2048, 3)
    assert preset.media_type == "image/jpeg"


def rewrite(picture: Path) -> None:
    picture.write_bytes(encode_png(a_photo()))


def retitle(picture: Path) -> None:
    picture.with_suffix(".toml").write_text('title = "Evening"')


def remove_the_toml(picture: Path) -> None:
    picture.with_suffix(".toml").unlink()


@pytest.mark.parametrize(
    ("change", "title", "painting"),
    [
        (rewrite, "Pointillist dusk", a_photo()),
        (retitle, "Evening", a_painting()),
        (remove_the_toml, "Dusk dots", a_painting()),
    ],
)
def test_a_changed_file_is_seen_without_a_restart(
    folder: Path, styles: Styles, change: Callable[[Path], None], title: str, painting: Pixels
) -> None:
    """An operator tries, looks, and tries again."""
    change(folder / "dusk-dots.png")

    styles.refresh()

    assert styles.get("dusk-dots").title == title
    assert np.array_equal(open_picture(styles.get("dusk-dots").picture), painting)


def test_new_files_come_and_removed_ones_go(folder: Path, styles: Styles) -> None:
    """The folder is the list."""
    (folder / "new.png").write_bytes(encode_png(a_painting()))
    (folder / "dusk-dots.png").unlink()

    styles.refresh()

    assert names(styles) == ["new", "night-swirls", "woodblock-waves"]


def test_nothing_is_read_again_that_did_not_change(
    folder: Path, styles: Styles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look every two seconds must not cost what a start costs."""

    def never(_: object) -> None:
        raise AssertionError("a file was read again")

    monkeypatch.setattr("bot.styles.read_preset", never)

    styles.refresh()

    assert len(names(styles)) == 3


def test_a_bad_new_version_leaves_the_old_one_until_it_is_repaired(
    folder: Path, styles: Styles, caplog: pytest.LogCaptureFixture
) -> None:
    """People choose it as before; the operator is told once, not every two seconds."""
    (folder / "dusk-dots.png").write_bytes(b"no picture")
    for _ in range(3):
        styles.refresh()

    assert np.array_equal(open_picture(styles.get("dusk-dots").picture), a_painting())
    assert [record.getMessage() for record in caplog.records] == [
        "preset dusk-dots.png stays as it was: dusk-dots.png: This file is no picture that can be read; "
        "send a JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF or HEIC."
    ]

    (folder / "dusk-dots.png").write_bytes(encode_png(a_photo()))
    styles.refresh()
    assert np.array_equal(open_picture(styles.get("dusk-dots").picture), a_photo())


def test_a_bad_new_version_goes_with_its_file(folder: Path, styles: Styles) -> None:
    """Removed is removed."""
    (folder / "dusk-dots.png").write_bytes(b"no picture")
    styles.refresh()

    (folder / "dusk-dots.png").unlink()
    styles.refresh()

    assert names(styles) == ["night-swirls", "woodblock-waves"]


async def test_the_folder_is_watched_off_the_event_loop(folder: Path) -> None:
    """Within seconds, and without a late heartbeat: `conftest` raises where a file is read on the loop."""
    styles = await asyncio.to_thread(Styles, [folder])
    watching = asyncio.create_task(styles.keep_fresh(seconds=0))
    await asyncio.to_thread((folder / "new.png").write_bytes, encode_jpeg(a_painting()))

    async with asyncio.timeout(20):
        while "new" not in names(styles):  # noqa: ASYNC110  # nothing tells when a folder was looked at
            await asyncio.sleep(0.001)

    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


def test_files_that_were_meant_for_a_preset_are_named(folder: Path) -> None:
    """`atelier presets check` looks for what the bot passes over in silence."""
    (folder / "lonely.toml").write_text("")
    (folder / "Dusk_Dots.jpg").write_bytes(encode_jpeg(a_painting()))
    (folder / "phone.HEIC").write_bytes(b"")
    (folder / "README.txt").write_text("Ours.")
    (folder / ".half.part").write_text("")

    assert strays_in(folder) == [
        "dusk-dots.png takes the place of Dusk_Dots.jpg, which has the same name; rename one of them.",
        "lonely.toml has no picture beside it; put one there, or remove it.",
        "phone.HEIC is not looked at; save it as one of .jpg, .jpeg, .png, .webp.",
    ]


def test_at_least_three_presets_and_three_samples_come_with_the_bot() -> None:
    """It can be tried with one click; every picture opens, is small enough, and has its texts."""
    presets = Styles([bundled()]).search()

    assert len(presets) >= 3
    for preset in presets:
        assert max(open_picture(preset.path.read_bytes()).shape) >= 1024
        assert preset.path.stat().st_size <= 350_000
        assert preset.alt
        assert len(preset.description.split()) == 2
    assert len(samples()) >= 3
    for sample in samples():
        assert max(open_picture(sample.read_bytes()).shape) >= 512
        assert sample.stat().st_size <= 200_000
