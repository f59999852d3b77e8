"""`python -m engine`: a picture out, or one sentence and exit code 2."""

import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from pictures import a_painting, a_photo
from PIL import Image

import engine.transfer
from engine.__main__ import STOPPED, main
from engine.step import Step


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A photo and a painting as files."""
    Image.fromarray(a_photo(96, 128)).save(tmp_path / "photo.jpg", quality=95)
    Image.fromarray(a_painting()).save(tmp_path / "painting.png")
    Image.fromarray(np.ascontiguousarray(a_painting()[..., ::-1])).save(tmp_path / "blue.png")
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
        (["--keep-state", "nowhere/half.state"], "There is no folder"),
        (["--resume", "nowhere.state"], "There is no file nowhere.state to go on from"),
        (["--mix", "2,1"], "--mix has 2 numbers, but there are 1 styles"),
        (["--mix", "much"], "numbers with commas between them"),
        (["--mix", "0"], "weight of style 1 must be above zero"),
        (["--mask", "2=photo.jpg"], "a style's number, 1 to 1"),
        (["--mask", "sky.png"], "as in 1=sky.png"),
        (["--seconds", "0"], "at least 0.1 seconds"),
        (["--bits", "16", "--output", "out.jpg"], "A JPEG has 8 bits"),
        (["--texture-only", "--start", "photo"], "starts from noise"),
        (["--brush-size", "nan"], "between 0.25 and 4"),
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


def test_too_little_memory_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Under the cleared progress bar."""
    assert run(folder, "--memory-limit", "0.001") == 2

    assert capsys.readouterr().err.splitlines()[-1] == (
        "There is not enough memory to paint this picture; choose a smaller size."
    )


def test_a_mask_of_another_size_is_refused_with_both_sizes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person who cropped one of the two sees which."""
    assert run(folder, "--mask", f"1={folder / 'painting.png'}") == 2

    assert "The mask of style 1 is 64×64 pixels, but the photo is 128×96" in capsys.readouterr().err


def test_styles_are_mixed_and_masked_by_their_numbers(folder: Path) -> None:
    """The second style goes left, where its mask is white; the first takes the rest."""
    mask = np.zeros((96, 128), np.uint8)
    mask[:, :64] = 255
    Image.fromarray(mask).save(folder / "left.png")

    assert run(folder, str(folder / "blue.png"), "--strength", "90", "--mask", f"2={folder / 'left.png'}") == 0

    redness = np.asarray(Image.open(folder / "out.png")).astype(int) @ [1, 0, -1]
    assert redness[:, 40:].mean() > 60
    assert redness[:, :24].mean() < -60


def test_sixteen_bits_are_finer_than_eight_and_keep_the_photos_transparency(folder: Path) -> None:
    """For print and for photo editors."""
    photo = np.dstack([a_photo(96, 128), np.full((96, 128), 255, np.uint8)])
    photo[:48, :, 3] = 0
    Image.fromarray(photo).save(folder / "cut.png")

    assert run(folder, "--bits", "16", content="cut.png", out="out.tif") == 0

    import tifffile

    result = tifffile.imread(folder / "out.tif")
    assert (result.shape, result.dtype) == ((48, 64, 4), np.dtype("uint16"))
    assert len(np.unique(result[..., 0] % 257)) > 50
    assert (result[:20, :, 3] == 0).all()
    assert (result[28:, :, 3] == 65535).all()


def _stopped_at(iteration: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, there."""
    stylize = engine.transfer.stylize

    def interrupted(*given: Any, **named: Any) -> Iterator[Step]:  # Any: handed on as it came
        for step in stylize(*given, **named):
            if step.iteration == iteration:
                signal.raise_signal(signal.SIGINT)
            yield step

    monkeypatch.setattr(engine.transfer, "stylize", interrupted)


def _picture(path: Path) -> npt.NDArray[np.int64]:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(np.int64)


def test_a_painting_stopped_by_ctrl_c_is_kept_and_goes_on_as_if_nothing_had_happened(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """To the last bit what it would have been."""
    assert run(folder, out="whole.png") == 0
    with pytest.MonkeyPatch.context() as patch:
        _stopped_at(20, patch)
        assert run(folder, "--keep-state", str(folder / "half.state")) == STOPPED
    told = capsys.readouterr().err
    half = _picture(folder / "out.png")

    assert run(folder, "--resume", str(folder / "half.state")) == 0

    assert "Stopped at iteration 20 of" in told
    assert f"--resume {folder / 'half.state'}" in told
    whole = _picture(folder / "whole.png")
    assert np.abs(half - whole).mean() > 1
    np.testing.assert_array_equal(_picture(folder / "out.png"), whole)


def test_less_time_is_a_picture_with_fewer_iterations(folder: Path) -> None:
    """Always a picture, and of the size that was asked for."""
    done = []
    for seconds in ("60", "0.3"):
        report = folder / "report.json"
        assert run(folder, "--size", "192", "--seconds", seconds, "--report", str(report)) == 0
        done.append(json.loads(report.read_text())["iterations"])
        assert _picture(folder / "out.png").shape == (144, 192, 3)

    assert all(more > fewer for more, fewer in pairwise(done))
