"""Presets are found by what people type, and an operator's bad file spoils nobody else's."""

from pathlib import Path

import pytest
from pictures import a_painting

from bot.jobs import Refused
from bot.styles import Styles, bundled, samples
from engine.images import encode_png, open_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("night-swirls", "woodblock-waves", "dusk-dots"):
        (tmp_path / f"{name}.png").write_bytes(encode_png(a_painting()))
    (tmp_path / "dusk-dots.toml").write_text('title = "Pointillist dusk"\ndescription = "warm dots"\nalt = "Dots."')
    return tmp_path


def test_a_preset_says_what_its_toml_says(folder: Path) -> None:
    """Title, description and alt text for galleries."""
    preset = Styles([folder]).get("dusk-dots")

    assert (preset.title, preset.description, preset.alt) == ("Pointillist dusk", "warm dots", "Dots.")
    assert preset.path == folder / "dusk-dots.png"


def test_a_picture_alone_is_a_preset_too(folder: Path) -> None:
    """An operator drops a file into the folder, and that is all."""
    assert Styles([folder]).get("night-swirls").title == "Night swirls"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["night-swirls", "dusk-dots", "woodblock-waves"]),
        ("nig", ["night-swirls"]),
        ("wave", ["woodblock-waves"]),
        ("Pointillist", ["dusk-dots"]),
        ("swrils", ["night-swirls"]),
        ("zzz", []),
    ],
)
def test_typing_finds_presets_by_beginning_part_or_nearness(folder: Path, query: str, names: list[str]) -> None:
    """Autocomplete forgives a slip."""
    assert [preset.name for preset in Styles([folder]).search(query)] == names


def test_no_more_are_offered_than_asked_for(folder: Path) -> None:
    """Discord refuses a 26th."""
    assert len(Styles([folder]).search("", limit=2)) == 2


def test_an_unknown_preset_is_refused_with_the_nearest(folder: Path) -> None:
    """The person can correct it at once."""
    with pytest.raises(Refused, match="no preset 'night-swirl'; did you mean night-swirls"):
        Styles([folder]).get("night-swirl")


def test_a_bad_toml_is_named_in_the_log_and_skipped(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The other presets are there all the same."""
    (folder / "dusk-dots.toml").write_text("title = [broken")

    names = [preset.name for preset in Styles([folder]).search()]

    assert names == ["night-swirls", "woodblock-waves"]
    assert "dusk-dots.png" in caplog.text


def test_a_broken_picture_is_named_in_the_log_and_skipped(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody chooses a preset that cannot be painted."""
    (folder / "dusk-dots.png").write_bytes(b"no picture")

    names = [preset.name for preset in Styles([folder]).search()]

    assert names == ["night-swirls", "woodblock-waves"]
    assert "dusk-dots.png" in caplog.text


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
