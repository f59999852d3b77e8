"""Imagined pictures are pictures of the size that was asked for, and come again from the same seed."""

import numpy as np
import pytest

from engine.imagined import KINDS, imagine


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("edge", [32, 100])
def test_a_kind_fills_its_square(kind: object, edge: int) -> None:
    """Bytes of the right shape, the same twice, another with another seed."""
    assert callable(kind)
    picture, again, other = (kind(edge, np.random.default_rng(seed)) for seed in (1, 1, 2))

    assert picture.shape == (edge, edge, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, again)
    assert not np.array_equal(picture, other)


def test_every_kind_comes_up() -> None:
    """Luck chooses among all of them: no two of a hundred seeds' pictures are alike, and flat ones are among them."""
    pictures = [imagine(32, np.random.default_rng(seed)) for seed in range(100)]

    assert len({picture.tobytes() for picture in pictures}) == 100
    assert any(len(np.unique(picture.reshape(-1, 3), axis=0)) == 1 for picture in pictures)
