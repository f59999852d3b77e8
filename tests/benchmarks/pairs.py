"""Which photo is painted after which painting: a list to tune on, and one to report on that nobody tuned on."""

from pathlib import Path
from typing import Final, NamedTuple

from engine.images import Pixels, open_picture


class Pair(NamedTuple):
    """Names of files in `photos/` and `paintings/`."""

    content: str
    style: str


LIST_A: Final = (
    Pair("amber", "delaunay_portrait"),
    Pair("kodim18", "water_lilies"),
    Pair("coffee_still_life", "night_cafe"),
    Pair("shanghai_night", "vg_houses"),
    Pair("kodim08", "sakai_hoitsu"),
    Pair("kodim13", "vg_houses"),
    Pair("kodim19", "night_cafe"),
    Pair("kodim03", "delaunay_portrait"),
    Pair("kodim17", "sakai_hoitsu"),
    Pair("rocket_night", "water_lilies"),
    Pair("kodim07", "night_cafe"),
    Pair("kodim22", "delaunay_portrait"),
)
"""For choosing weights and ingredients."""

HELD_OUT: Final = (
    Pair("kodim04", "starry_night"),
    Pair("tubingen", "udnie"),
    Pair("kodim23", "shipwreck"),
    Pair("kodim15", "starry_night"),
    Pair("taj_mahal", "udnie"),
    Pair("kodim20", "shipwreck"),
)
"""Photos and paintings that the first training of the embedded encoder left out (engine/weights/README.md)."""

LIST_B: Final = (*HELD_OUT, Pair("tubingen", "composition_vii"), Pair("kodim23", "composition_vii"))
"""For reporting, once: no photo and no painting of it is in list A."""

PEERS: Final = (
    Pair("tubingen", "starry_night"),
    Pair("tubingen", "composition_vii"),
    Pair("tubingen", "shipwreck"),
)
"""Of which other engines have published what they make."""

LISTS: Final = {"a": LIST_A, "b": LIST_B, "peers": PEERS}


def read(shared: Path, content: str, style: str) -> tuple[Pixels, Pixels]:
    """The photo and the painting of these names."""
    photo = (shared / "photos" / f"{content}.jpg").read_bytes()
    painting = (shared / "paintings" / f"{style}.jpg").read_bytes()
    return open_picture(photo), open_picture(painting)
