"""What a person may choose for one painting, in words and plain numbers; importable without torch."""

import math
from dataclasses import dataclass, fields, replace
from typing import Final, Literal, get_args

from engine.errors import OptionsRefused

Quality = Literal["draft", "standard", "fine"]
Recipe = Literal["atelier", "gatys"]
Start = Literal["content", "noise"]
Optimizer = Literal["adam", "lbfgs"]
Statistic = Literal["gram", "moments", "sliced"]
Likeness = Literal["features", "self-similarity"]
KeepColours = Literal["no", "luminance", "covariance"]

QUALITIES: Final[tuple[Quality, ...]] = get_args(Quality)
RECIPES: Final[tuple[Recipe, ...]] = get_args(Recipe)
MIN_SIZE, MAX_SIZE = 64, 4096
MIN_BRUSH, MAX_BRUSH = 0.25, 4.0
DEFAULT_STRENGTH = 50
DEFAULT_SMOOTHNESS = 50
SMALLEST_PLAN_SECONDS: Final = 0.1
KNOWN_TO_GATYS: Final = ("size", "seed", "start", "recipe", "optimizer", "memory_limit_bytes")


@dataclass(frozen=True)
class Options:
    """One painting's settings.

    Raises:
        OptionsRefused: a value lies outside its range, or two do not go together.
    """

    size: int = 512
    """The long edge of the result, in pixels; a smaller content is enlarged to it."""
    strength: int = DEFAULT_STRENGTH
    """How far from the photo, 0..100; 0 gives the photo back."""
    quality: Quality = "standard"
    """Iterations and scales only: draft for seconds, fine for the best picture."""
    brush_size: float = 1.0
    """How broad the strokes are: 1 as in the painting seen at the picture's size, 2 twice as broad."""
    smoothness: int = DEFAULT_SMOOTHNESS
    """How little neighbouring pixels may differ, 0..100; 0 leaves the grain alone."""
    keep_colours: KeepColours = "no"
    """Whose colours: the painting's; the photo's own, with the luminance alone painted; or the painting's strokes in
    a palette mapped to the photo's (Gatys et al. 2017, arXiv:1611.07865, sections 5.1 and 5.2)."""
    texture_only: bool = False
    """The painting's texture, with nothing of the photo but its shape (and its colours, if they are kept)."""
    seed: int = 0
    """Of all that is drawn at random."""
    start: Start | None = None
    """What the first picture is; None leaves it to the recipe: the content, or for a texture and `gatys` noise."""
    statistic: Statistic = "moments"
    """By what a style is compared: see `engine.statistics`."""
    likeness: Likeness = "features"
    """By what the photo is held: its feature map, or which of its places resemble which (`engine.objective`)."""
    work_limit: float | None = None
    """Megapixels times iterations that the painting may cost; the schedule is thinned until it fits."""
    memory_limit_bytes: int | None = None
    """What the whole process may take; None takes what the machine has left."""
    recipe: Recipe = "atelier"
    """`gatys` is the seed article's method, which has none of the controls but `KNOWN_TO_GATYS`."""
    optimizer: Optimizer = "adam"
    """L-BFGS belongs to the `gatys` recipe only."""

    def __post_init__(self) -> None:
        self._check_range("size", self.size, MIN_SIZE, MAX_SIZE, "pixels")
        self._check_range("strength", self.strength, 0, 100)
        self._check_range("smoothness", self.smoothness, 0, 100)
        self._check_range("brush size", self.brush_size, MIN_BRUSH, MAX_BRUSH)
        for name, value, known in (
            ("quality", self.quality, QUALITIES),
            ("recipe", self.recipe, RECIPES),
            ("start", self.start, (None, *get_args(Start))),
            ("optimizer", self.optimizer, get_args(Optimizer)),
            ("statistic", self.statistic, get_args(Statistic)),
            ("likeness", self.likeness, get_args(Likeness)),
            ("way to keep colours", self.keep_colours, get_args(KeepColours)),
        ):
            if value not in known:
                raise OptionsRefused(f"The {name} must be one of {', '.join(filter(None, known))}, not {value!r}.")
        for name, limit in (("work limit", self.work_limit), ("memory limit", self.memory_limit_bytes)):
            if limit is not None and not (math.isfinite(limit) and limit > 0):
                raise OptionsRefused(f"The {name} must be above zero, not {limit}.")
        if self.optimizer == "lbfgs" and self.recipe != "gatys":
            raise OptionsRefused("L-BFGS belongs to the gatys recipe; choose that recipe too, or Adam.")
        if self.texture_only and self.start == "content":
            raise OptionsRefused("A texture starts from noise; leave the start out, or texture only.")
        if self.recipe == "gatys":
            for field in fields(self):
                if field.name not in KNOWN_TO_GATYS and getattr(self, field.name) != field.default:
                    control = field.name.replace("_", " ")
                    raise OptionsRefused(f"The gatys recipe knows no {control}; leave it out, or choose atelier.")

    @staticmethod
    def _check_range(name: str, value: float, low: float, high: float, unit: str = "") -> None:
        # Written so that NaN, which is neither above nor below anything, is refused too.
        if not low <= value <= high:
            raise OptionsRefused(f"The {name} must lie between {low:g} and {high:g}{unit and ' ' + unit}, not {value}.")


def plan(options: Options, budget_seconds: float, seconds_per_megapixel: float) -> Options:
    """The same wishes, with iterations that fit into a time: "the best picture in 20 s".

    Pure: the caller keeps the clock, and may stop at any step with a picture in hand.

    Args:
        options: their quality is the most that will be done.
        budget_seconds: for the painting alone, loading not counted.
        seconds_per_megapixel: of one iteration on this machine (`engine.loading.seconds_per_megapixel`).

    Raises:
        OptionsRefused: there is no time at all.
    """
    if not budget_seconds >= SMALLEST_PLAN_SECONDS:
        raise OptionsRefused(f"A painting needs at least {SMALLEST_PLAN_SECONDS} seconds, not {budget_seconds:g}.")
    return replace(options, work_limit=budget_seconds / seconds_per_megapixel)
