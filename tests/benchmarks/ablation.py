"""What each ingredient of the recipe gains: the recipe without it, compared at equal content.

    .venv/bin/python tests/benchmarks/ablation.py --threads 1
    .venv/bin/python tests/benchmarks/ablation.py --encoder vgg19

Style is bought with content, and leaving an ingredient out moves both. So the default is painted at several strengths
on each pair, the logarithm of its style is interpolated at the variant's content, and the table tells how many times
as far from the painting's style the variant is as the default would be there: over 1, the ingredient gains something.
A `~` counts the pairs whose content lies outside of the default's curve, which is drawn on in a straight line there.

With the embedded encoder, the ingredients of the recipe on list A; with VGG-19, those of the network on its first
three pairs. What was measured is kept in `--records`; the same command goes on where it was stopped, and two commands
with different `--variants` may run side by side.
"""

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import geometric_mean
from typing import Any, Final, Literal, get_args

import torch
from easel import HEADER, VGG19_FILE, Easel, Measured, add_arguments, average, both_encoders, numbers
from pairs import LIST_A, Pair, read
from records import Records
from torch import Tensor, nn

from engine.coarse_to_fine import INGREDIENTS, SCHEDULES, Ingredients, plan_scales
from engine.encoders import CONTENT_LAYER, VGG19, VGG19_POOLINGS, Encoder, read_vgg19
from engine.images import Pixels
from engine.options import QUALITIES, Options, Statistic
from engine.step import resize, to_tensor
from engine.transfer import final_size

STRENGTHS: Final = (20, 35, 50, 65, 80)
"""Of the default's curve."""
VGG19_PAIRS: Final = 3
ONE_SCALE: Final = 10**6
"""A first scale's long edge that no picture has."""


@dataclass(frozen=True)
class Scene:
    """What a variant may have to know of a painting before it is begun."""

    content: Pixels
    style: Pixels
    encoder: Encoder
    options: Options


Change = Callable[[Scene], Ingredients]


@dataclass(frozen=True)
class Variant:
    """The default with one thing changed."""

    options: Mapping[str, Any] = field(default_factory=dict)  # Any: as `Options` takes it
    ingredients: Ingredients | Change = INGREDIENTS
    encoder: str | None = None
    """Another one than the default's."""
    same_work: bool = False
    """Whether it must be given the default's megapixels × iterations, which it would not have by itself."""


def unnormalised(scene: Scene) -> Ingredients:
    """Layer weights by the energy of the painting's map, as losses with units weigh layers; their sum is the default's.

    By the mean square of an activation, a mean over channels as in most engines.
    """
    painting = to_tensor(scene.style, scene.encoder.device)
    factor = min(1.0, scene.options.size / max(painting.shape[-2:]))
    painting = resize(painting, *(round(edge * factor) for edge in painting.shape[-2:])).clamp(0, 1)
    known = scene.encoder.layers
    weights = {layer: weight for layer, weight in INGREDIENTS.layer_weights.items() if layer in known}
    with torch.no_grad():
        maps = scene.encoder(painting, weights)
    raw = {layer: weight * float(maps[layer].float().square().mean()) for layer, weight in weights.items()}
    share = sum(weights.values()) / sum(raw.values())
    return replace(INGREDIENTS, layer_weights={layer: share * weight for layer, weight in raw.items()})


def _with_pace(**changes: Any) -> Ingredients:  # Any: as `Pace` takes it
    return replace(INGREDIENTS, pace=replace(INGREDIENTS.pace, **changes))


def _equal_weights() -> Ingredients:
    weights = INGREDIENTS.layer_weights
    return replace(INGREDIENTS, layer_weights=dict.fromkeys(weights, sum(weights.values()) / len(weights)))


def _content_at_conv4_2() -> Ingredients:
    return replace(INGREDIENTS, content_weights={CONTENT_LAYER: sum(INGREDIENTS.content_weights.values())})


RECIPE_VARIANTS: Final[Mapping[str, Variant]] = {
    "one scale": Variant(ingredients=replace(INGREDIENTS, first_scale=ONE_SCALE), same_work=True),
    "adam carried": Variant(ingredients=_with_pace(carries=True)),
    "no averaging": Variant(ingredients=_with_pace(average_decay=0.0)),
    "no total variation": Variant(ingredients=replace(INGREDIENTS, smoothness_weight=0.0)),
    **{name: Variant({"statistic": name}) for name in get_args(Statistic) if name != Options.statistic},
    "self-similarity": Variant({"likeness": "self-similarity"}),
    "losses with units": Variant(ingredients=unnormalised),
    "equal layer weights": Variant(ingredients=_equal_weights()),
    "content at conv4_2 alone": Variant(ingredients=_content_at_conv4_2()),
}
NETWORK_VARIANTS: Final[Mapping[str, Variant]] = {
    "zeros around": Variant(encoder="vgg19 zeros"),
    "max pooling": Variant(encoder="vgg19 max"),
    "scaled pooling": Variant(encoder="vgg19 scaled"),
}


class _ScaledPooling(nn.Module):
    """Average pooling times two, which brings activations back to about what max pooling gives.

    The factor is that of crowsonkb/style-transfer-pytorch.
    """

    def forward(self, map_: Tensor) -> Tensor:
        """Half as high and wide."""
        return 2 * nn.functional.avg_pool2d(map_, 2)


def vgg19_variants(shared: Path, device: str, like: Callable[[], Encoder]) -> dict[str, Callable[[], Encoder]]:
    """VGG-19 with another border or pooling, in the precision of the one it is compared with, by an `Easel`'s names."""

    def make(
        border: Literal["replicate", "zeros"] = "replicate",
        pooling: Literal["average", "max"] = "average",
        *,
        is_scaled: bool = False,
    ) -> Encoder:
        network = VGG19(read_vgg19(shared / VGG19_FILE), border=border, pooling=pooling)
        if is_scaled:
            for index in VGG19_POOLINGS:
                network.network[index] = _ScaledPooling()
        return network.to(device).to(memory_format=torch.channels_last).to(like().precision)

    return {
        "vgg19 zeros": lambda: make(border="zeros"),
        "vgg19 max": lambda: make(pooling="max"),
        "vgg19 scaled": lambda: make(is_scaled=True),
    }


class Ablation:
    """Paints the default's curve and its variants."""

    def __init__(self, easel: Easel, encoder: str, options: Options) -> None:
        self.easel = easel
        self.encoder = encoder
        self.options = options

    def curve(self, pair: Pair, strengths: Sequence[int]) -> list[Measured]:
        """The default at each strength."""
        return [
            self.easel.paint(f"default {strength}", pair, self.encoder, replace(self.options, strength=strength))
            for strength in strengths
        ]

    def paint(self, name: str, variant: Variant, pair: Pair) -> Measured:
        """The variant at the default's strength."""
        options, ingredients = replace(self.options, **variant.options), variant.ingredients
        encoder = variant.encoder or self.encoder
        if variant.same_work:
            content, _ = read(self.easel.shared, *pair)
            # Of all that a longer schedule would do, as much as the default does.
            options = replace(options, quality="fine", work_limit=work(content, options))
        if not isinstance(ingredients, Ingredients):
            scene = Scene(*read(self.easel.shared, *pair), self.easel.encoder(encoder), options)
            ingredients = ingredients(scene)
        return self.easel.paint(name, pair, encoder, options, ingredients)


def work(content: Pixels, options: Options) -> float:
    """Megapixels × iterations of the default recipe."""
    scales = plan_scales(*final_size(content, options.size), SCHEDULES[options.quality])
    return sum(scale.work for scale in scales) / 1e6


def at_equal_content(variant: Measured, curve: Sequence[Measured]) -> tuple[float, bool]:
    """The variant's style over the default's at the variant's content, and whether that lies outside of the curve.

    The logarithm of the style is interpolated between the two nearest points by content, or drawn on beyond the ends.
    """
    points = sorted((one.score.content, math.log(one.score.style)) for one in curve)
    content = variant.score.content
    right = next((number for number in range(1, len(points) - 1) if content <= points[number][0]), len(points) - 1)
    (content_before, style_before), (content_after, style_after) = points[right - 1], points[right]
    slope = (style_after - style_before) / max(content_after - content_before, 1e-6)
    there = style_before + slope * (content - content_before)
    return variant.score.style / math.exp(there), not points[0][0] <= content <= points[-1][0]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one row a variant."""
    wishes = _parser().parse_args(arguments)
    if wishes.threads:
        torch.set_num_threads(wishes.threads)
    known = NETWORK_VARIANTS if wishes.encoder == "vgg19" else RECIPE_VARIANTS
    all_variants = {**RECIPE_VARIANTS, **(NETWORK_VARIANTS if wishes.encoder == "vgg19" else {})}
    unknown = [name for name in wishes.variants or () if name not in all_variants]
    if unknown:
        print(f"There is no variant {unknown[0]!r}; choose among {', '.join(all_variants)}.", file=sys.stderr)
        return 2
    variants = {name: all_variants[name] for name in wishes.variants or known}
    count = wishes.pairs or (VGG19_PAIRS if wishes.encoder == "vgg19" else len(LIST_A))
    pairs, strengths = LIST_A[:count], wishes.strengths
    options = Options(size=wishes.size, quality=wishes.quality)
    if wishes.quick:
        pairs, strengths = pairs[:1], list(STRENGTHS[1::2])
        options = Options(size=64, quality="draft")
    encoders = both_encoders(wishes.shared, wishes.device)
    easel = Easel(wishes.shared, Records(wishes.records, fresh=wishes.fresh), wishes.pictures, encoders)
    encoders |= vgg19_variants(wishes.shared, wishes.device, like=lambda: easel.encoder("vgg19"))
    tabulate(Ablation(easel, wishes.encoder, options), variants, pairs, strengths)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_arguments(parser, "ablation")
    parser.add_argument("--size", type=int, default=256, help="long edge in pixels")
    parser.add_argument("--encoder", choices=("embedded", "vgg19"), default="embedded")
    parser.add_argument("--device", default="cpu", help="to paint on; pictures are always scored on the CPU")
    parser.add_argument("--quality", choices=QUALITIES, default=Options.quality)
    parser.add_argument("--variants", type=lambda text: text.split(","), metavar="gram,sliced", help="only these")
    parser.add_argument("--pairs", type=int, help="so many of list A")
    parser.add_argument(
        "--strengths", type=numbers, default=list(STRENGTHS), metavar="35,50", help="of the default's curve"
    )
    parser.add_argument("--threads", type=int, help="torch's; 1 lets two of these run side by side")
    return parser


def tabulate(
    ablation: Ablation, variants: Mapping[str, Variant], pairs: Sequence[Pair], strengths: Sequence[int]
) -> None:
    """Print the default's curve, then each variant against it."""
    print(f"{'variant':24} {HEADER}  style at equal content")
    curves = {pair: ablation.curve(pair, strengths) for pair in pairs}
    for number, strength in enumerate(strengths):
        print(f"{f'default {strength}':24} {average([curves[pair][number] for pair in pairs]).row()}", flush=True)
    middle = len(strengths) // 2
    if len(strengths) > 2:
        rests = {pair: [*curve[:middle], *curve[middle + 1 :]] for pair, curve in curves.items()}
        selves = [at_equal_content(curves[pair][middle], rests[pair])[0] for pair in pairs]
        print(
            f"The default at {strengths[middle]}, interpolated from its other strengths: "
            f"×{geometric_mean(selves):.3f}. So much may come of interpolation alone, at the worst."
        )
    for name, variant in variants.items():
        found = {pair: ablation.paint(name, variant, pair) for pair in pairs}
        compared = [at_equal_content(found[pair], curves[pair]) for pair in pairs]
        ratios = [ratio for ratio, _ in compared]
        worse, outside = sum(ratio > 1 for ratio in ratios), sum(is_outside for _, is_outside in compared)
        print(
            f"{name:24} {average(list(found.values())).row()}  ×{geometric_mean(ratios):.3f}, "
            f"worse in {worse} of {len(pairs)}{f', ~{outside}' if outside else ''}",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
