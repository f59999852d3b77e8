"""`python -m engine`: a picture out, or one sentence and exit code 2."""

import json
from pathlib import Path

import numpy as np
import pytest
from pictures import a_painting, a_photo
from PIL import Image

from engine.__main__ import main


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo and a painting as files."""
    Image.fromarray(a_photo(96, 128)).save(tmp_path / "photo.jpg", quality=95)
    Image.fromarray(a_painting()).save(tmp_path / "painting.png")
    (tmp_path / "text.png").write_text("I am no picture.")
    return tmp_path


def run(folder: Path, *more: str, content: str = "photo.jpg", style: str = "painting.png", out: str = "out.png") -> int:
    quick = ["--size", "64", "--quality", "draft", "--device", "cpu"]
    return main([str(folder / content), str(folder / style), "-o", str(folder / out), *quick, *more])


def test_two_pictures_in_a_painting_out(folder: Path) -> None:
    """The main job, with the encoder that ships, in one command."""
    assert run(folder) == 0

    result = np.asarray(Image.open(folder / "out.png"))
    assert result.shape == (48, 64, 3)
    assert np.abs(result.mean(axis=(0, 1)) - a_painting().mean(axis=(0, 1))).sum() < 150


def test_the_report_says_what_was_done_and_how_long_it_took(folder: Path) -> None:
    """Figures in an issue or a benchmark come from here."""
    assert run(folder, "--report", str(folder / "report.json")) == 0

    report = json.loads((folder / "report.json").read_text())
    assert report["encoder"] == "embedded"
    assert report["recipe"] == "atelier"
    assert report["content_size"] == [128, 96]
    assert report["result_size"] == [64, 48]
    assert report["iterations"] == report["losses"][-1]["iteration"]
    assert min(report["setup_seconds"], report["paint_seconds"], report["peak_memory_bytes"]) > 0


def test_strength_zero_writes_the_photo(folder: Path) -> None:
    """The photo at the asked size, untouched by any style."""
    assert run(folder, "--strength", "0") == 0

    result = np.asarray(Image.open(folder / "out.png")).astype(int)
    photo = np.asarray(Image.open(folder / "photo.jpg").resize((64, 48), Image.Resampling.BICUBIC))
    assert np.abs(result - photo).mean() < 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"content": "nowhere.jpg"}, "nowhere.jpg cannot be read: No such file"),
        ({"content": "text.png"}, "text.png: "),
        ({"out": "nowhere/out.png"}, "There is no folder"),
        ({"out": "out.txt"}, "can be a .png, a .tif or a .jpg"),
    ],
)
def test_bad_files_are_refused_by_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], sentence: str
) -> None:
    """Named, so that the person knows which of the two pictures it is."""
    assert run(folder, **changes) == 2

    told = capsys.readouterr().err.strip()
    assert sentence in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--size", "5"], "between 64 and 4096"),
        (["--strength", "200"], "between 0 and 100"),
        (["--recipe", "gatys", "--quality", "standard"], "VGG-19"),
        (["--optimizer", "lbfgs"], "gatys recipe"),
        (["--weights", "nowhere.safetensors"], "There is no weights file"),
        (["--report", "nowhere/report.json"], "There is no folder"),
    ],
)
def test_bad_options_are_refused_by_one_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    """Before a second is spent on painting."""
    assert run(folder, *more) == 2

    told = capsys.readouterr().err.strip()
    assert sentence in told
    assert len(told.splitlines()) == 1


def test_a_result_that_cannot_be_written_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder of that name stands in the way."""
    (folder / "out.png").mkdir()

    assert run(folder, "--strength", "0") == 2

    assert "out.png cannot be written" in capsys.readouterr().err
