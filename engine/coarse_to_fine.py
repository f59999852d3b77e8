"""The default recipe: from coarse to fine, each scale beginning where the one before ended.

After Gatys, Ecker & Bethge (arXiv:1508.06576), with what later engines and our own measurements found better:
scales by √2 (large strokes are settled where they are cheap), losses without units, Adam that begins anew at each
scale, values clamped to 0..1 at every step, and an average over the last iterates as the picture.
`tests/benchmarks/ablation.py` tells what each of them gains.
"""

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import torch
from torch import Tensor

from engine import heap, memory
from engine.canvas import Canvas
from engine.descent import Descent, Pace
from engine.encoders import SMALLEST_EDGE, STYLE_LAYERS, Encoder
from engine.errors import OptionsRefused, OutOfMemory
from engine.images import Pixels
from engine.options import Options, Quality
from engine.step import BLEED, Losses, Step, Style, Tensors
from engine.targets import MeasureCache

STRENGTH_PER_TENFOLD: Final = 30.0
"""So many points of strength make the content weigh ten times less."""
SMOOTHNESS_PER_TENFOLD: Final = 50 / 3
LEAST_ITERATIONS: Final = 4
"""At a scale, however little may be done."""
LESS_THAN_FAILED: Final = 0.7
"""Of what a scale was predicted to take when the memory was full nevertheless."""
NO_ROOM: Final = "There is not enough memory to paint this picture; choose a smaller size."


@dataclass(frozen=True)
class Schedule:
    """How many iterations where: `first` on the first scale, `later` on each later one, scales `step` apart."""

    first: int
    later: int
    step: float


SCHEDULES: Final[Mapping[Quality, Schedule]] = {
    "draft": Schedule(first=36, later=17, step=1.9),  # not 2: rows that are doubled again and again become a grid
    "standard": Schedule(first=100, later=50, step=math.sqrt(2)),
    "fine": Schedule(first=200, later=150, step=math.sqrt(2)),
}


@dataclass(frozen=True)
class Ingredients:
    """What the recipe is made of, beside what a person chooses."""

    pace: Pace = field(default_factory=Pace)
    content_weights: Mapping[str, float] = field(default_factory=lambda: {"conv3_1": 0.12, "conv4_2": 0.12})
    """By layer, at strength 50. The article has conv4_2 alone, which keeps what is seen; conv3_1 keeps its outlines, so
    that more style fits between them."""
    layer_weights: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(STYLE_LAYERS, (1.0, 2.0, 1.5, 0.5, 0.25), strict=True))
    )
    """Strokes and their edges more than shapes, which are the photo's to give."""
    smoothness_weight: float = 0.025
    """Of the total variation at smoothness 50. Ten times as much takes grain away, and gains nothing."""
    first_scale: int = 96
    """The first scale's long edge lies between this and a step times it: large enough for conv5_1 to see shapes."""


INGREDIENTS: Final = Ingredients()


@dataclass(frozen=True)
class Scale:
    """One size of the pyramid."""

    height: int
    width: int
    iterations: int

    @property
    def painted(self) -> tuple[int, int]:
        """Height and width with the bleed."""
        return self.height + 2 * BLEED, self.width + 2 * BLEED

    @property
    def area(self) -> int:
        """In pixels, with the bleed."""
        return math.prod(self.painted)

    @property
    def work(self) -> int:
        """Pixels computed: what the time goes with."""
        return self.area * self.iterations

    @property
    def long_edge(self) -> int:
        """In pixels."""
        return max(self.height, self.width)


def plan_scales(height: int, width: int, schedule: Schedule, first_scale: int = INGREDIENTS.first_scale) -> list[Scale]:
    """Sizes from coarse to the final one, each `schedule.step` times the one before.

    The first is the smallest with a long edge of at least `first_scale` and a short one of at least `SMALLEST_EDGE`.
    """
    smallest = max(first_scale / max(height, width), SMALLEST_EDGE / min(height, width))
    count = max(0, math.floor(math.log(1 / smallest, schedule.step) + 1e-9)) if smallest < 1 else 0
    factors = [schedule.step**-power for power in range(count, -1, -1)]
    return [
        Scale(round(height * factor), round(width * factor), schedule.later if index else schedule.first)
        for index, factor in enumerate(factors)
    ]


def thin(scales: Sequence[Scale], most_work: float) -> list[Scale]:
    """The same scales with fewer iterations, so that the work fits; where even few are too many, without the last ones.

    Args:
        scales: from coarse to fine; the first one always stays.
        most_work: in pixels × iterations.
    """
    share = most_work / sum(scale.work for scale in scales)
    if share >= 1:
        return list(scales)
    thinned = [replace(one, iterations=max(LEAST_ITERATIONS, int(one.iterations * share))) for one in scales]
    while len(thinned) > 1 and sum(scale.work for scale in thinned) > most_work:
        thinned.pop()
    # What the dropped scales would have cost goes to those that are left.
    share = most_work / sum(scale.work for scale in thinned)
    if share > 1:
        most = {scale.long_edge: scale.iterations for scale in scales}
        thinned = [replace(one, iterations=min(most[one.long_edge], int(one.iterations * share))) for one in thinned]
    return thinned


def paint(
    content: Pixels,
    styles: Sequence[Style],
    encoder: Encoder,
    options: Options,
    size: tuple[int, int],
    *,
    cache: MeasureCache | None = None,
    resume: Tensors | None = None,
    ingredients: Ingredients = INGREDIENTS,
) -> Iterator[Step]:
    """Paint a picture of that size, scale by scale.

    Args:
        content: the photo.
        styles: the paintings.
        encoder: who looks at them.
        options: what the person chose.
        size: (height, width) of the result, in pixels.
        cache: of what paintings measure; none if None.
        resume: what a `Step.state()` of the same painting gave.
        ingredients: of the recipe.

    Raises:
        OptionsRefused: masks that leave a style no room.
        OutOfMemory: not even the first scale fits.
    """
    canvas = Canvas(content, styles, encoder.device, options, size, cache or MeasureCache())
    if options.strength == 0:
        yield _untouched(canvas)
        return
    fingerprint = _fingerprint(content, styles, encoder, options)
    yield from _Run(canvas, encoder, ingredients, fingerprint, resume).paint()


def _fingerprint(content: Pixels, styles: Sequence[Style], encoder: Encoder, options: Options) -> bytes:
    """Tells whether a state belongs to this painting; 32 bytes."""
    wishes = replace(options, memory_limit_bytes=None, work_limit=None)  # the plan itself is in the state
    digest = hashlib.sha256(f"{encoder.fingerprint} {wishes}".encode())
    for array in (content, *(part for style in styles for part in (style.image, style.mask) if part is not None)):
        digest.update(f"{array.shape}".encode() + array.tobytes())
    digest.update(f"{[style.weight for style in styles]}".encode())
    return digest.digest()


class _Run:
    """Where a painting stands: the scale, the iteration, and how much is left."""

    def __init__(
        self,
        canvas: Canvas,
        encoder: Encoder,
        ingredients: Ingredients,
        fingerprint: bytes,
        resume: Tensors | None,
    ) -> None:
        self.canvas = canvas
        self.encoder = encoder
        self.ingredients = ingredients
        self.options = canvas.options
        self.fingerprint = fingerprint
        self.note: str | None = None
        self.held_before = memory.held_bytes(encoder.device)
        self.scales = self._plan()
        self.number = 0
        """Of the scale."""
        self.round = 0
        """Iterations done at this scale."""
        self.iteration, self.total = 0, sum(scale.iterations for scale in self.scales)
        self.work, self.all_work = 0, sum(scale.work for scale in self.scales)
        self.descent = Descent(canvas.start(self.scales[0].height, self.scales[0].width), ingredients.pace)
        if resume is not None:
            self._restore(resume)

    def paint(self) -> Iterator[Step]:
        """Every step that is left; of a finished painting, its last one."""
        if self.iteration == self.total:
            yield self._step(lambda: Losses(content=0.0, style=0.0))
            return
        while self.number < len(self.scales):
            scale = self.scales[self.number]
            if self.round == 0 and self.number:
                self.descent.move_to(scale.height, scale.width)
            free_bytes = self._free_bytes()
            while rung := memory.choose(self.encoder, *scale.painted, free_bytes):
                try:
                    yield from self._paint_scale(scale, rung)
                    break
                except (RuntimeError, MemoryError) as error:
                    if not memory.is_full(error):
                        raise
                # From where it stands, with less: the prediction was too low.
                free_bytes = LESS_THAN_FAILED * memory.predict(self.encoder, rung, *scale.painted)
            else:
                yield self._cut_short()
            self.number, self.round = self.number + 1, 0

    def _paint_scale(self, scale: Scale, rung: memory.Rung) -> Iterator[Step]:
        heap.tighten(at_once=rung.checkpoints)
        objective = self.canvas.objective(
            scale.height,
            scale.width,
            self.encoder,
            rung,
            content_weights=self._content_weights(),
            layer_weights=self.ingredients.layer_weights,
            smoothness_weight=self.ingredients.smoothness_weight * smoothness_share(self.options.smoothness),
        )
        while self.round < scale.iterations:
            terms = self.descent.step(objective, seed=(self.options.seed << 32) + self.iteration)
            self.iteration, self.round, self.work = self.iteration + 1, self.round + 1, self.work + scale.area
            if self.descent.has_settled:
                self._skip(scale, scale.iterations - self.round)
            if self.descent.is_lost:
                self._end_here()
            yield self._step(terms.read)

    def _content_weights(self) -> dict[str, float]:
        if self.options.texture_only:
            return {}
        return content_weights(self.options.strength, self.encoder, self.ingredients)

    def _skip(self, scale: Scale, iterations: int) -> None:
        """Do without the last iterations of this scale."""
        self.total -= iterations
        self.all_work -= iterations * scale.area
        self.round += iterations

    def _end_here(self) -> None:
        """Do without all that is left."""
        self.total, self.all_work = self.iteration, self.work
        self.round = self.scales[self.number].iterations
        self.scales = self.scales[: self.number + 1]

    def _cut_short(self) -> Step:
        """The scale does not fit into memory after all: the picture of the one before is the last."""
        if self.number == 0:
            raise OutOfMemory(NO_ROOM)
        self._end_here()
        self._note("memory", self.scales[self.number - 1])
        return self._step(lambda: Losses(content=0.0, style=0.0))

    def _plan(self) -> list[Scale]:
        """The scales that there is time and memory for, so that the progress is true from the first step on."""
        planned = plan_scales(*self.canvas.size, SCHEDULES[self.options.quality], self.ingredients.first_scale)
        timely = planned
        if self.options.work_limit is not None:
            timely = thin(planned, 1e6 * self.options.work_limit)
        free_bytes = self._free_bytes()
        fitting = [scale for scale in timely if memory.choose(self.encoder, *scale.painted, free_bytes) is not None]
        if not fitting:
            raise OutOfMemory(NO_ROOM)
        if len(fitting) < len(planned):
            self._note("memory" if len(fitting) < len(timely) else "time", fitting[-1])
        return fitting

    def _note(self, scarce: str, painted: Scale) -> None:
        self.note = (
            f"There was not enough {scarce} for {max(self.canvas.size)} pixels, so this picture was painted at "
            f"{painted.long_edge} and enlarged."
        )

    def _free_bytes(self) -> float:
        return memory.free_bytes(self.encoder.device, self.options.memory_limit_bytes, self.held_before)

    def _step(self, losses: Callable[[], Losses]) -> Step:
        return Step(
            iteration=self.iteration,
            total=self.total,
            scale=self.scales[self.number].long_edge,
            work=self.work / self.all_work,
            _show=lambda: self.canvas.finish(self.descent.shown()),
            _losses=losses,
            _state=self._state,
            note=self.note,
        )

    def _state(self) -> Tensors:
        at = [self.number, self.round, self.iteration, self.total, self.work, self.all_work]
        return {
            "painting": _bytes_tensor(self.fingerprint),
            "note": _bytes_tensor((self.note or "").encode()),
            "scales": torch.tensor([[scale.height, scale.width, scale.iterations] for scale in self.scales]),
            "at": torch.tensor(at, dtype=torch.int64),
            **self.descent.state(),
        }

    def _restore(self, state: Tensors) -> None:
        if bytes(state["painting"].tolist()) != self.fingerprint:
            raise OptionsRefused("What was kept belongs to another painting; give the same pictures and options again.")
        self.number, self.round, self.iteration, self.total, self.work, self.all_work = state["at"].tolist()
        self.scales = [Scale(*numbers) for numbers in state["scales"].tolist()]
        self.note = bytes(state["note"].tolist()).decode() or None
        self.descent.restore(state)


def _bytes_tensor(data: bytes) -> Tensor:
    return torch.tensor(list(data), dtype=torch.uint8)


def content_weights(strength: int, encoder: Encoder, ingredients: Ingredients = INGREDIENTS) -> dict[str, float]:
    """By layer, at that strength and with that encoder."""
    share = content_share(strength) * encoder.content_gain
    return {layer: weight * share for layer, weight in ingredients.content_weights.items()}


def content_share(strength: int) -> float:
    """How much the photo counts against the painting, at a strength of 1..100; 1 at 50."""
    return float(10 ** ((50 - strength) / STRENGTH_PER_TENFOLD))


def smoothness_share(smoothness: int) -> float:
    """How much differences of neighbouring pixels count, at a smoothness of 0..100; 1 at 50, none at 0."""
    return float(10 ** ((smoothness - 50) / SMOOTHNESS_PER_TENFOLD)) if smoothness else 0.0


def _untouched(canvas: Canvas) -> Step:
    """Strength 0: the photo itself, at the final size."""
    return Step(
        iteration=1,
        total=1,
        scale=max(canvas.size),
        work=1.0,
        _show=canvas.untouched,
        _losses=lambda: Losses(content=0.0, style=0.0),
    )
