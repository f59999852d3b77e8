"""A painting can be put aside at any iteration and finished later, bit by bit the same."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from pictures import a_painting, a_photo
from safetensors.torch import save_file

import engine.coarse_to_fine
from engine import Options, Step, Style, stylize
from engine.coarse_to_fine import SCHEDULES, Schedule
from engine.encoders import EmbeddedEncoder, Encoder
from engine.errors import OptionsRefused
from engine.options import Statistic
from engine.resume import load_state, save_state
from engine.step import Tensors


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Untrained: what it sees does not matter here."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two scales, 96 and 192 pixels, of twelve and seven iterations, so that the watch looks once in between."""
    monkeypatch.setattr(engine.coarse_to_fine, "SCHEDULES", dict.fromkeys(SCHEDULES, Schedule(12, 7, 2.0)))


def paint(encoder: Encoder, options: Options, styles: list[Style], resume: Tensors | None = None) -> Iterator[Step]:
    return stylize(a_photo(96, 128), styles, encoder, options, resume=resume)


def half_mask() -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    mask = np.zeros((96, 128), np.uint8)
    mask[:, :64] = 255
    return mask


def put_aside(steps: Iterator[Step], iteration: int, file: Path) -> None:
    """Stop there, and keep the state as the command line does."""
    for step in steps:
        if step.iteration == iteration:
            save_state(file, step.state())
            return
    raise AssertionError("too few iterations")


@pytest.mark.parametrize("iteration", [1, 5, 10, 12, 13, 18, 19])
def test_it_goes_on_from_any_iteration_as_if_nothing_had_happened(
    encoder: Encoder, tmp_path: Path, iteration: int
) -> None:
    """In the middle of a scale, where the watch looks, at the border of two scales, and at the very end."""
    options = Options(size=192)
    *_, whole = paint(encoder, options, [Style(a_painting())])
    put_aside(paint(encoder, options, [Style(a_painting())]), iteration, tmp_path / "state")

    steps = list(paint(encoder, options, [Style(a_painting())], load_state(tmp_path / "state")))

    np.testing.assert_array_equal(steps[-1].colours(), whole.colours())
    assert (steps[-1].iteration, steps[-1].work) == (whole.iteration, whole.work) == (19, 1.0)
    assert len(steps) == max(1, 19 - iteration)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("statistic", ["gram", "moments", pytest.param("sliced", marks=pytest.mark.slow)])
def test_what_is_drawn_at_random_goes_on_too(encoder: Encoder, tmp_path: Path, statistic: Statistic) -> None:
    """Noise, lines and places, with a mask."""
    options = Options(size=192, statistic=statistic, likeness="self-similarity", start="noise", seed=7)
    styles = [Style(a_painting(), mask=half_mask()), Style(a_photo())]
    *_, whole = paint(encoder, options, styles)
    put_aside(paint(encoder, options, styles), 8, tmp_path / "state")

    *_, resumed = paint(encoder, options, styles, load_state(tmp_path / "state"))

    np.testing.assert_array_equal(resumed.colours(), whole.colours())


def test_a_plan_for_a_time_goes_along(encoder: Encoder, tmp_path: Path) -> None:
    """Tomorrow's machine may be faster, but this painting keeps its own plan."""
    limited = Options(size=192, work_limit=0.15)
    *_, whole = paint(encoder, limited, [Style(a_painting())])
    put_aside(paint(encoder, limited, [Style(a_painting())]), 3, tmp_path / "state")

    *_, resumed = paint(encoder, Options(size=192), [Style(a_painting())], load_state(tmp_path / "state"))

    assert whole.total < 19
    assert resumed.total == whole.total
    assert resumed.note == whole.note
    np.testing.assert_array_equal(resumed.colours(), whole.colours())


@pytest.mark.parametrize(
    ("options", "painting"),
    [(Options(size=192, strength=51), a_painting()), (Options(size=192), a_photo()), (Options(size=128), a_painting())],
)
def test_another_paintings_state_is_refused(
    encoder: Encoder, tmp_path: Path, options: Options, painting: np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]
) -> None:
    """Or the result would be neither of the two."""
    put_aside(paint(encoder, Options(size=192), [Style(a_painting())]), 2, tmp_path / "state")

    with pytest.raises(OptionsRefused, match="belongs to another painting"):
        list(paint(encoder, options, [Style(painting)], load_state(tmp_path / "state")))


def test_a_file_that_is_no_state_is_refused_by_one_sentence(encoder: Encoder, tmp_path: Path) -> None:
    """Whatever somebody names by mistake."""
    whole = tmp_path / "whole"
    put_aside(paint(encoder, Options(size=192), [Style(a_painting())]), 2, whole)
    (tmp_path / "half").write_bytes(whole.read_bytes()[:1000])
    (tmp_path / "text").write_text("I am no state.")
    save_file({"weight": torch.zeros(1)}, tmp_path / "weights")
    save_file({"at": torch.zeros(1)}, tmp_path / "old", {"atelier.state": "0"})

    for name, sentence in {
        "half": "is damaged",
        "text": "is damaged",
        ".": "is damaged",
        "weights": "was not kept by --keep-state",
        "old": "another version",
        "nowhere": "There is no file",
    }.items():
        with pytest.raises(OptionsRefused, match=sentence):
            load_state(tmp_path / name)
