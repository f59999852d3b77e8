"""`atelier presets`: what an operator asks about the presets, and what is answered."""

from pathlib import Path

import pytest
from pictures import a_painting, a_photo

from bot.__main__ import main
from engine.images import encode_jpeg, encode_png, open_picture


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration and one preset of the operator's own."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "stripes.png").write_bytes(encode_png(a_painting(64, 80)))
    (tmp_path / "own" / "stripes.toml").write_text('title = "My stripes"\ndescription = "bold bands"')
    (tmp_path / "config.toml").write_text('presets_dir = "own"')
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "arguments", [["presets"], ["presets", "list"], ["presets", "list", "--config", "config.toml"]]
)
def test_the_list_names_every_preset_and_where_it_is_from(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    """What people can choose, at a glance."""
    assert main(arguments) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "title", "description", "size", "from"]
    [stripes] = [line for line in lines if line.startswith("stripes")]
    assert stripes.endswith(f" {home / 'own'}")
    assert {"My stripes", "bold bands", "80×64"} <= {word.strip() for word in stripes.split("  ")}
    assert any(line.startswith("night-swirls") and line.endswith("bundled") for line in lines)


def test_a_check_that_finds_nothing_says_so(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The operator's presets and the bundled ones."""
    assert main(["presets", "check"]) == 0

    assert capsys.readouterr().out.endswith(" presets, no faults.\n")


def test_a_check_says_one_sentence_for_each_bad_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before a person finds out, and for scripts by the exit code."""
    (home / "own" / "broken.jpg").write_bytes(encode_jpeg(a_painting())[:300])
    (home / "own" / "stripes.toml").write_text("[options]\nstrength = 300")
    (home / "own" / "lonely.toml").write_text("")

    assert main(["presets", "check", "own"]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "broken.jpg: This picture is damaged or cut off; save it again and send that.",
        "stripes.toml, options: The strength must lie between 0 and 100, not 300.",
        "lonely.toml has no picture beside it; put one there, or remove it.",
        "2 presets, 3 faults.",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "nowhere"], "There should be presets in nowhere, which is no folder."),
        (["list", "--config", "nowhere.toml"], "There is no configuration file nowhere.toml."),
        (["preview", "stripe"], "There is no preset 'stripe'; did you mean stripes?"),
        (["preview", "stripes", "--content", "nobody"], "There is no sample nobody, and no such file can be read"),
        (["preview", "stripes", "--content", "own/stripes.toml"], "stripes.toml: This file is no picture"),
        (["preview", "stripes", "-o", "out.gif"], "The result can be a .png, a .tif or a .jpg, not a .gif."),
        (["sheet", "-o", "out.gif"], "The result can be a .png, a .tif or a .jpg, not a .gif."),
        (["sheet", "--preset", "stripe"], "There is no preset 'stripe'; did you mean stripes?"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_sentence(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    """And with exit code 2, before anything is loaded or painted."""
    assert main(["presets", *arguments]) == 2

    assert capsys.readouterr().err.startswith(sentence)


@pytest.mark.slow
def test_a_preview_paints_a_sample_with_the_presets_own_options(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Strength 0 gives the photo back, so its options have been read."""
    (home / "own" / "stripes.toml").write_text("[options]\nstrength = 0")
    (home / "photo.png").write_bytes(encode_png(a_photo()))

    assert main(["presets", "preview", "stripes", "--content", "photo.png", "--size", "64", "-o", "out.png"]) == 0

    assert (open_picture((home / "out.png").read_bytes()) == a_photo()).mean() > 0.9
    assert capsys.readouterr().out == "out.png: Stripes on photo\n"


@pytest.mark.slow
def test_a_preview_needs_no_more_than_a_name(home: Path) -> None:
    """A sample serves as the photo, and the file is named for the preset."""
    assert main(["presets", "preview", "stripes", "--size", "64"]) == 0

    assert max(open_picture((home / "preview-stripes.jpg").read_bytes()).shape) == 64


@pytest.mark.slow
def test_a_sheet_paints_every_photo_with_every_preset(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Presets downwards, photos across, and a word after each painting."""
    presets, photos = ["stripes", "night-swirls"], ["hills-at-dusk", "pears-by-a-window"]

    assert main(["presets", "sheet", "--preset", *presets, "--content", *photos, "--size", "64", "-o", "s.png"]) == 0

    told = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in told] == [
        "1/4 My stripes on Hills at dusk",
        "2/4 My stripes on Pears by a window",
        "3/4 Night swirls on Hills at dusk",
        "4/4 Night swirls on Pears by a window",
    ]
    assert open_picture((home / "s.png").read_bytes()).shape[1] == 4 + 3 * (64 + 4)


def test_a_preset_is_painted_anew_from_a_seed(tmp_path: Path) -> None:
    """`atelier preset` is the painters' own command."""
    assert main(["preset", "dusk-dots", "--seed", "3", "--size", "64", "-o", str(tmp_path / "dots.png")]) == 0

    assert max(open_picture((tmp_path / "dots.png").read_bytes()).shape) == 64
