"""Our own painters: anyone can paint a preset again, or a new one from another seed."""

from pathlib import Path

import numpy as np
import pytest

from engine.images import open_picture
from engine.painters import PAINTERS
from engine.painters.__main__ import main


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(PAINTERS))
def test_the_same_seed_paints_the_same_picture_and_another_seed_another(name: str) -> None:
    """A preset is a program and a number."""
    first, again, other = (PAINTERS[name](seed, 96) for seed in (1, 1, 2))

    assert max(first.shape) == 96
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_painting_has_colours_and_detail() -> None:
    """Style transfer feeds on strokes: neighbouring pixels differ, and all three colours vary."""
    picture = PAINTERS["dusk-dots"](1, 128).astype(int)

    assert np.abs(np.diff(picture, axis=1)).mean() > 5
    assert (picture.std(axis=(0, 1)) > 20).all()


def test_the_command_writes_a_file_of_at_most_so_many_bytes(tmp_path: Path) -> None:
    """Presets are part of the repository, and must stay small."""
    out = tmp_path / "town.jpg"

    assert main(["town-by-the-water", "--size", "128", "--bytes", "9000", "-o", str(out)]) == 0

    assert out.stat().st_size <= 9000
    assert open_picture(out.read_bytes()).shape == (96, 128, 3)
