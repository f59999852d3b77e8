"""Our own painters: small programs that paint the presets and the sample photos, each from a seed.

numpy and Pillow only. `python -m engine.painters NAME --seed N -o FILE` paints one; the pictures in `bot/presets` and
`bot/samples` were made so, with the seeds that stand in the TOML beside each.
"""

from collections.abc import Callable, Mapping
from typing import Final

from engine.images import Pixels
from engine.painters import (
    dusk_dots,
    hills_at_dusk,
    night_swirls,
    pears_by_a_window,
    town_by_the_water,
    woodblock_waves,
)

Painter = Callable[[int, int], Pixels]
"""From a seed and a long edge in pixels to a picture; the same seed paints the same picture."""

PAINTERS: Final[Mapping[str, Painter]] = {
    "dusk-dots": dusk_dots.paint,
    "hills-at-dusk": hills_at_dusk.paint,
    "night-swirls": night_swirls.paint,
    "pears-by-a-window": pears_by_a_window.paint,
    "town-by-the-water": town_by_the_water.paint,
    "woodblock-waves": woodblock_waves.paint,
}
