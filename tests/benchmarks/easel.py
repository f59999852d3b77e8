"""A picture painted, timed, scored and written down: the common part of benchmarks that paint."""

import argparse
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from statistics import mean, median
from typing import Any, Final

from pairs import Pair, read
from records import Found, Records
from scorer import Score, Scorer

from engine import Options, Style, load_encoder, stylize
from engine.coarse_to_fine import INGREDIENTS, SCHEDULES, Ingredients
from engine.encoders import EMBEDDED_SHA256, EmbeddedEncoder, Encoder
from engine.images import Pixels, encode_png
from engine.step import BLEED

Paint = Callable[[Pixels, Pixels], Pixels]
"""From the photo and the painting to a picture."""
HEADER: Final = f"{'style':>7} {'content':>8} {'edges':>6} {'palette':>8} {'grain':>6} {'seconds':>8}"
VGG19_FILE: Final = Path("weights", "vgg19.safetensors")


@dataclass(frozen=True)
class Measured:
    """What a picture is worth and what it cost."""

    score: Score
    seconds: float

    def row(self) -> str:
        """As `HEADER` has it."""
        score = self.score
        return (
            f"{score.style:7.4f} {score.content:8.3f} {score.edges:6.3f} {score.palette:8.2f} {score.grain:6.2f} "
            f"{self.seconds:8.1f}"
        )


def average(measured: Sequence[Measured]) -> Measured:
    """The mean of every score, and the median of the seconds, which other programs on the machine make outliers of."""
    means = {field.name: mean(getattr(one.score, field.name) for one in measured) for field in fields(Score)}
    return Measured(Score(**means), median(one.seconds for one in measured))


class Easel:
    """Paints each picture once, and remembers what it scored.

    Args:
        shared: where photos, paintings and VGG-19 lie.
        records: of what was measured before.
        pictures: where to keep what is painted, if anywhere.
        encoders: by name, made when first asked for.
    """

    def __init__(
        self, shared: Path, records: Records, pictures: Path | None, encoders: Mapping[str, Callable[[], Encoder]]
    ) -> None:
        self.shared = shared
        self.records = records
        self.pictures = pictures
        self._makers = encoders
        self._encoders: dict[str, Encoder] = {}

    def paint(
        self, label: str, pair: Pair, encoder: str, options: Options, ingredients: Ingredients = INGREDIENTS
    ) -> Measured:
        """One of our paintings; what was measured with another recipe or other shipped weights is not taken for it."""
        recipe = f"{ingredients} {SCHEDULES[options.quality]} {BLEED}"
        if encoder != "vgg19":
            recipe += f"{EmbeddedEncoder.content_gain} {EmbeddedEncoder.layers}"
        if encoder == "embedded":
            recipe += EMBEDDED_SHA256.read_text()
        key = {
            "encoder": encoder,
            "options": asdict(options),
            "recipe": hashlib.sha256(recipe.encode()).hexdigest()[:16],
        }

        def paint(content: Pixels, style: Pixels) -> Pixels:
            *_, last = stylize(content, [Style(style)], self.encoder(encoder), options, ingredients=ingredients)
            return last.image()

        name = f"{label} {options.quality} {encoder} {options.size}"
        return self.judge(name, pair, key, paint, prepare=lambda: self.encoder(encoder))

    def judge(
        self,
        label: str,
        pair: Pair,
        key: Mapping[str, Any],  # Any: whatever JSON can hold
        paint: Paint,
        prepare: Callable[[], object] = lambda: None,
        shown: tuple[Pixels, Pixels] | None = None,
    ) -> Measured:
        """Any picture of that pair, whoever makes it.

        Args:
            label: how its file is called, if it is kept.
            pair: what it is scored against.
            key: what it is remembered by, beside the pair.
            paint: makes it, against the clock.
            prepare: what to do before, uncounted.
            shown: the photo and the painting, where they do not lie among the shared ones.
        """

        def measure() -> Found:
            content, style = shown or read(self.shared, *pair)
            prepare()
            began = time.perf_counter()
            picture = paint(content, style)
            seconds = time.perf_counter() - began
            if self.pictures:
                self.pictures.mkdir(parents=True, exist_ok=True)
                name = f"{pair.content} {pair.style} {label}.png".replace(" ", "-").replace("/", "-")
                (self.pictures / name).write_bytes(encode_png(picture))
            return {**asdict(self.scorer.score(picture, content, style)), "seconds": seconds}

        found = self.records.once({**pair._asdict(), **key}, measure)
        return Measured(Score(**{name: found[name] for name in found if name != "seconds"}), found["seconds"])

    def encoder(self, name: str) -> Encoder:
        """The encoder of that name."""
        if name not in self._encoders:
            self._encoders[name] = self._makers[name]()
        return self._encoders[name]

    @cached_property
    def scorer(self) -> Scorer:
        """The judge; not loaded where everything was measured before."""
        return Scorer(self.shared / VGG19_FILE)


def both_encoders(shared: Path, device: str) -> dict[str, Callable[[], Encoder]]:
    """The two that Atelier has, as an `Easel` wants them."""
    return {
        "embedded": lambda: load_encoder("embedded", device=device),
        "vgg19": lambda: load_encoder("vgg19", shared / VGG19_FILE, device),
    }


def numbers(text: str) -> list[int]:
    """Of an option such as `35,50,65`."""
    return [int(part) for part in text.split(",")]


def add_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """What every resumable benchmark can be told; `name` is its own."""
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="photos, paintings and VGG-19's weights")
    parser.add_argument("--records", type=Path, default=Path("runs", f"{name}.jsonl"), help="what was measured before")
    parser.add_argument("--fresh", action="store_true", help="forget what was measured before")
    parser.add_argument("--pictures", type=Path, metavar="DIR", help="keep what is painted from now on")
    parser.add_argument("--quick", action="store_true", help="a tiny trial: it runs, and tells nothing")
