"""Two pictures made on the spot, for tests that paint."""

import numpy as np

from engine.images import Pixels


def a_photo(height: int = 48, width: int = 64) -> Pixels:
    """A dark disc on a bright slope."""
    down, across = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    slope = np.stack([0.4 + 0.5 * across, 0.8 - 0.3 * down, 0.9 - 0.4 * across], axis=-1)
    slope[(down - 0.5) ** 2 + (across - 0.5) ** 2 < 0.06] = (0.1, 0.1, 0.3)
    return (slope * 255).astype(np.uint8)


def a_painting(height: int = 64, width: int = 64) -> Pixels:
    """Red and yellow stripes."""
    down, across = np.mgrid[0:height, 0:width]
    stripes = ((down + across) // 4 % 2)[..., None]
    return np.where(stripes, (200, 30, 20), (240, 210, 60)).astype(np.uint8)
