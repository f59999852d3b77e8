"""Our own painters: small programs that paint the presets and the sample photos, each from a seed.

numpy and Pillow only. `python -m engine.painters NAME --seed N -o FILE` paints one; the pictures in `bot/presets` and
`bot/samples` were made so, with the seeds that stand in the TOML beside each.
"""

from collections.abc import Callable, Mapping
from typing import Final

from engine.images import Pixels
from engine.painters import (
    charcoal_hatching,
    comic_halftone,
    copper_engraving,
    cross_stitch,
    cubist_facets,
    deco_poster,
    dusk_dots,
    fauvist_harbour,
    fox_in_the_snow,
    girl_with_a_scarf,
    hills_at_dusk,
    ink_wash,
    neon_night,
    night_swirls,
    oil_pastel,
    pears_by_a_window,
    roman_mosaic,
    stained_glass,
    town_by_the_water,
    wet_watercolour,
    woodblock_waves,
)

Painter = Callable[[int, int], Pixels]
"""From a seed and a long edge in pixels to a picture; the same seed paints the same picture."""

PAINTERS: Final[Mapping[str, Painter]] = {
    "charcoal-hatching": charcoal_hatching.paint,
    "comic-halftone": comic_halftone.paint,
    "copper-engraving": copper_engraving.paint,
    "cross-stitch": cross_stitch.paint,
    "cubist-facets": cubist_facets.paint,
    "deco-poster": deco_poster.paint,
    "dusk-dots": dusk_dots.paint,
    "fauvist-harbour": fauvist_harbour.paint,
    "fox-in-the-snow": fox_in_the_snow.paint,
    "girl-with-a-scarf": girl_with_a_scarf.paint,
    "hills-at-dusk": hills_at_dusk.paint,
    "ink-wash": ink_wash.paint,
    "neon-night": neon_night.paint,
    "night-swirls": night_swirls.paint,
    "oil-pastel": oil_pastel.paint,
    "pears-by-a-window": pears_by_a_window.paint,
    "roman-mosaic": roman_mosaic.paint,
    "stained-glass": stained_glass.paint,
    "town-by-the-water": town_by_the_water.paint,
    "wet-watercolour": wet_watercolour.paint,
    "woodblock-waves": woodblock_waves.paint,
}
