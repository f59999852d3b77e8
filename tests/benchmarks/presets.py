"""Whether each preset is a style, or one in name only: how near its paintings come to it, beside the photo untouched.

    .venv/bin/python tests/benchmarks/presets.py
    .venv/bin/python tests/benchmarks/presets.py --presets ink-wash neon-night --encoder vgg19 --pictures pictures

Every preset paints the bundled samples with its own options. `left` is the style distance as a share of the untouched
photo's: 1 is no style at all. What was measured is kept in `--records`; the same command goes on where it was stopped.
"""

import argparse
import hashlib
import sys
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from easel import HEADER, Easel, Measured, add_arguments, average, both_encoders
from pairs import Pair
from records import Records

from bot.preset_files import Preset, read_preset
from bot.styles import Styles, bundled, samples
from engine import Style, stylize
from engine.images import Pixels, open_picture, resize


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a preset, the weakest style last."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "presets")
    parser.add_argument("--encoder", choices=("embedded", "vgg19"), default="embedded")
    parser.add_argument("--presets", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--size", type=int, default=256, help="long edge in pixels")
    wishes = parser.parse_args(arguments)
    styles = Styles([bundled()])
    presets = [styles.get(name) for name in wishes.presets] if wishes.presets else styles.search(limit=None)
    photos, size = [read_preset(path) for path in samples()], wishes.size
    if wishes.quick:
        presets, photos, size = presets[:1], photos[:1], 64
    records = Records(wishes.records, fresh=wishes.fresh)
    easel = Easel(wishes.shared, records, wishes.pictures, both_encoders(wishes.shared, "cpu"))
    print(f"{'preset':20} {'strength':>8} {'untouched':>9} {'left':>5} {HEADER}")
    rows = []
    for preset in presets:
        scored = [judge(easel, preset, photo, encoder, size) for photo in photos for encoder in (None, wishes.encoder)]
        untouched, painted = average(scored[::2]), average(scored[1::2])
        left = mean(ours.score.style / none.score.style for none, ours in zip(scored[::2], scored[1::2], strict=True))
        rows.append((left, f"{preset.name:20} {preset.options.strength:8} {untouched.score.style:9.4f}", painted.row()))
    for left, name, row in sorted(rows):
        print(f"{name} {left:5.2f} {row}")
    return 0


def judge(easel: Easel, preset: Preset, photo: Preset, encoder: str | None, size: int) -> Measured:
    """The sample painted in draft quality with the preset and its options; untouched without an encoder."""
    content, style = open_picture(photo.picture), open_picture(preset.picture)
    options = replace(preset.options, size=size, quality="draft")

    def paint(photo: Pixels, painting: Pixels) -> Pixels:
        if encoder is None:
            return resize(photo, size)
        *_, last = stylize(photo, [Style(painting)], easel.encoder(encoder), options)
        return last.image()

    shown = hashlib.sha256(photo.picture + preset.picture).hexdigest()[:16]
    key = {"encoder": encoder, "options": str(options if encoder else size), "pictures": shown}
    return easel.judge(f"{encoder}", Pair(photo.name, preset.name), key, paint, shown=(content, style))


if __name__ == "__main__":
    sys.exit(main())
