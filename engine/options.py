"""What a person may choose for one painting, as plain numbers; importable without torch."""

from dataclasses import dataclass
from typing import Literal

from engine.errors import OptionsRefused

Quality = Literal["draft", "standard", "fine"]
Recipe = Literal["atelier", "gatys"]
Start = Literal["content", "noise"]
Optimizer = Literal["adam", "lbfgs"]

QUALITIES: tuple[Quality, ...] = ("draft", "standard", "fine")
RECIPES: tuple[Recipe, ...] = ("atelier", "gatys")
MIN_SIZE, MAX_SIZE = 64, 4096
DEFAULT_STRENGTH = 50


@dataclass(frozen=True)
class Options:
    """One painting's settings.

    Raises:
        OptionsRefused: a value lies outside its range.
    """

    size: int = 512
    """The long edge of the result, in pixels; a smaller content is enlarged to it."""
    strength: int = DEFAULT_STRENGTH
    """How far from the photo, 0..100; 0 gives the photo back."""
    quality: Quality = "standard"
    """Iterations and scales only: draft for seconds, fine for the best picture."""
    seed: int = 0
    recipe: Recipe = "atelier"
    """`gatys` is the seed article's method; it looks at `size`, `seed`, `start`, `optimizer` and nothing else."""
    start: Start | None = None
    """What the first picture is; None leaves it to the recipe: the content, or for `gatys` noise."""
    optimizer: Optimizer = "adam"
    """L-BFGS belongs to the `gatys` recipe only."""

    def __post_init__(self) -> None:
        if not MIN_SIZE <= self.size <= MAX_SIZE:
            raise OptionsRefused(f"The size must lie between {MIN_SIZE} and {MAX_SIZE} pixels, not {self.size}.")
        if not 0 <= self.strength <= 100:
            raise OptionsRefused(f"The strength must be a whole number from 0 to 100, not {self.strength}.")
        for name, value, known in (
            ("quality", self.quality, QUALITIES),
            ("recipe", self.recipe, RECIPES),
            ("start", self.start, (None, "content", "noise")),
            ("optimizer", self.optimizer, ("adam", "lbfgs")),
        ):
            if value not in known:
                raise OptionsRefused(f"The {name} must be one of {', '.join(filter(None, known))}, not {value!r}.")
        if self.optimizer == "lbfgs" and self.recipe != "gatys":
            raise OptionsRefused("L-BFGS belongs to the gatys recipe; choose that recipe too, or Adam.")
