"""The default recipe: from coarse to fine, each scale beginning where the one before ended.

After Gatys, Ecker & Bethge (arXiv:1508.06576), with what later engines and our own measurements found better:
scales by √2 (large strokes are settled where they are cheap), relative losses, Adam whose state is carried from scale
to scale, values clamped to 0..1 at every step, and an average over the last iterates as the picture.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engine.encoders import CONTENT_LAYER, LAYERS, SMALLEST_EDGE, STYLE_LAYERS, Encoder
from engine.images import Pixels
from engine.losses import blend, gram_matrix, relative_distance, total_variation
from engine.options import Options, Quality
from engine.step import Losses, Step, Style, resize, to_pixels, to_tensor

FIRST_SCALE: Final = 96
"""The first scale's long edge lies between this and √2 times it: large enough for conv5_1 to see shapes."""

ADAM_RATE: Final = 0.03
ADAM_BETAS: Final = (0.9, 0.99)
AVERAGE_DECAY: Final = 0.9
"""Of the averaged iterate: about the last ten iterations."""

CONTENT_WEIGHT: Final = 0.5
"""At strength 50, against 1 for each style layer. Chosen by eye and score."""
STRENGTH_PER_TENFOLD: Final = 30.0
"""So many points of strength make the content weigh ten times less."""
SMOOTHNESS_WEIGHT: Final = 0.5


@dataclass(frozen=True)
class Schedule:
    """How many iterations where: `first` on the first scale, `later` on each later one, scales `step` apart."""

    first: int
    later: int
    step: float


SCHEDULES: Final[Mapping[Quality, Schedule]] = {
    "draft": Schedule(first=60, later=25, step=2.0),
    "standard": Schedule(first=100, later=50, step=math.sqrt(2)),
    "fine": Schedule(first=200, later=150, step=math.sqrt(2)),
}


@dataclass(frozen=True)
class Scale:
    """One size of the pyramid."""

    height: int
    width: int
    iterations: int

    @property
    def work(self) -> int:
        """Pixels computed: what the time goes with."""
        return self.height * self.width * self.iterations


def plan_scales(height: int, width: int, schedule: Schedule) -> list[Scale]:
    """Sizes from coarse to the final one, each `schedule.step` times the one before.

    The first is the smallest with a long edge of at least `FIRST_SCALE` and a short one of at least `SMALLEST_EDGE`.
    """
    smallest = max(FIRST_SCALE / max(height, width), SMALLEST_EDGE / min(height, width))
    count = max(0, math.floor(math.log(1 / smallest, schedule.step) + 1e-9)) if smallest < 1 else 0
    factors = [schedule.step**-power for power in range(count, -1, -1)]
    return [
        Scale(round(height * factor), round(width * factor), schedule.later if index else schedule.first)
        for index, factor in enumerate(factors)
    ]


def paint(
    content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options, height: int, width: int
) -> Iterator[Step]:
    """Paint a picture of that size, scale by scale."""
    device = encoder.device
    photo = to_tensor(content, device)
    paintings = [to_tensor(style.image, device) for style in styles]
    if options.strength == 0:
        yield _untouched(photo, height, width)
        return

    scales = plan_scales(height, width, SCHEDULES[options.quality])
    iterations, all_work = sum(scale.iterations for scale in scales), sum(scale.work for scale in scales)
    iteration, work = 0, 0
    picture = _start(photo, scales[0], options)
    adam: torch.optim.Adam | None = None
    for scale in scales:
        targets = _targets(photo, paintings, styles, encoder, scale)
        picture = resize(picture, scale.height, scale.width).clamp(0, 1).contiguous().requires_grad_()
        adam = _carry(adam, picture)
        average = torch.zeros_like(picture, requires_grad=False)
        for round_ in range(1, scale.iterations + 1):
            terms = _descend(picture, adam, encoder, targets, options)
            with torch.no_grad():
                picture.clamp_(0, 1)
                average.lerp_(picture, 1 - AVERAGE_DECAY)
            iteration += 1
            work += scale.height * scale.width
            shown = average / (1 - AVERAGE_DECAY**round_)  # as in Adam: the average began at zero
            yield Step(
                iteration=iteration,
                total=iterations,
                scale=max(scale.height, scale.width),
                work=work / all_work,
                _image=partial(to_pixels, shown, height, width),
                _losses=partial(_read, terms),
            )
        picture = shown


@dataclass(frozen=True)
class _Targets:
    content: Tensor
    style: dict[str, Tensor]


def _targets(
    photo: Tensor, paintings: Sequence[Tensor], styles: Sequence[Style], encoder: Encoder, scale: Scale
) -> _Targets:
    """The content's feature map and the styles' mixed Gram matrices at one scale."""
    long_edge = max(scale.height, scale.width)
    with torch.no_grad():
        at_scale = resize(photo, scale.height, scale.width).clamp(0, 1)
        grams = [
            {
                layer: gram_matrix(features)
                for layer, features in encoder(_fit(painting, long_edge), STYLE_LAYERS).items()
            }
            for painting in paintings
        ]
        weights = [style.weight for style in styles]
        return _Targets(
            content=encoder(at_scale, [CONTENT_LAYER])[CONTENT_LAYER],
            style={layer: blend([gram[layer] for gram in grams], weights) for layer in STYLE_LAYERS},
        )


def _fit(painting: Tensor, long_edge: int) -> Tensor:
    """The painting at the picture's own scale, so that its strokes keep their size relative to the canvas.

    Never enlarged: that would teach blur. Never so narrow that the deepest layer sees nothing.
    """
    height, width = painting.shape[-2:]
    factor = max(min(1.0, long_edge / max(height, width)), SMALLEST_EDGE / min(height, width))
    return resize(painting, round(height * factor), round(width * factor)).clamp(0, 1)


def _start(photo: Tensor, scale: Scale, options: Options) -> Tensor:
    if options.start != "noise":
        return resize(photo, scale.height, scale.width)
    noise = torch.Generator(device="cpu").manual_seed(options.seed)
    return torch.rand((1, 3, scale.height, scale.width), generator=noise).to(photo.device)


def _carry(adam: torch.optim.Adam | None, picture: Tensor) -> torch.optim.Adam:
    """Adam for this picture, with the moments of the scale before resized to it: no scale begins cold."""
    carried = torch.optim.Adam([picture], lr=ADAM_RATE, betas=ADAM_BETAS)
    if adam is not None:
        (state,) = adam.state.values()
        size = picture.shape[-2:]
        first = functional.interpolate(state["exp_avg"], size, mode="bicubic", align_corners=False)
        # Bilinear, because bicubic rings and a second moment must not fall below zero.
        second = functional.interpolate(state["exp_avg_sq"], size, mode="bilinear", align_corners=False)
        carried.state[picture] = {"step": state["step"], "exp_avg": first, "exp_avg_sq": second}
    return carried


def _descend(
    picture: Tensor, adam: torch.optim.Adam, encoder: Encoder, targets: _Targets, options: Options
) -> tuple[Tensor, Tensor, Tensor]:
    """One step of Adam; the weighted content, style and smoothness terms before it, on the device."""
    adam.zero_grad()
    found = encoder(picture, LAYERS)
    content = content_weight(options.strength) * relative_distance(found[CONTENT_LAYER], targets.content)
    style = torch.stack([relative_distance(gram_matrix(found[layer]), targets.style[layer]) for layer in STYLE_LAYERS])
    terms = content, style.sum(), SMOOTHNESS_WEIGHT * total_variation(picture)
    torch.stack(terms).sum().backward()
    adam.step()
    return terms


def _read(terms: tuple[Tensor, Tensor, Tensor]) -> Losses:
    content, style, smoothness = (term.item() for term in terms)
    return Losses(content, style, smoothness)


def content_weight(strength: int) -> float:
    """How much the photo counts against the painting, at a strength of 1..100."""
    return float(CONTENT_WEIGHT * 10 ** ((50 - strength) / STRENGTH_PER_TENFOLD))


def _untouched(photo: Tensor, height: int, width: int) -> Step:
    """Strength 0: the photo itself, at the final size."""
    return Step(
        iteration=1,
        total=1,
        scale=max(height, width),
        work=1.0,
        _image=lambda: to_pixels(photo, height, width),
        _losses=lambda: Losses(content=0.0, style=0.0),
    )
