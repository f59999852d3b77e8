"""Whether a descent goes well, told from its losses without making the accelerator wait at every iteration."""

from typing import Final

import torch
from torch import Tensor

LOOK_EVERY: Final = 10
"""Iterations between two looks: each makes the computer wait for the accelerator."""
DIVERGED: Final = 10.0
"""Times the loss with which it began: no descent climbs so high."""
SETTLED: Final = 0.002
"""Share by which the mean loss must fall from one look to the next; three looks below it are a plateau."""
LOOKS_OF_PLATEAU: Final = 3


class Watch:
    """Sums up losses on the device; `look` reads the sum.

    Args:
        floor: a loss below `DIVERGED` times this is never called diverged: losses without a unit begin near 1, but near
            0 where the photo is its own style.
    """

    def __init__(self, floor: float) -> None:
        self.floor = floor
        self.since = 0
        """Iterations since the last look."""
        self.flat_looks = 0
        self.last_mean = float("inf")
        self._sum: Tensor | None = None
        self._ceiling: Tensor | None = None
        self._is_ill: Tensor | None = None

    def observe(self, total: Tensor) -> None:
        """Take note of one iteration's loss, a scalar on any device."""
        total = total.detach()
        if self._sum is None or self._ceiling is None or self._is_ill is None:
            self._sum = torch.zeros_like(total)
            self._ceiling = DIVERGED * total.clamp(min=self.floor)
            self._is_ill = torch.zeros_like(total, dtype=torch.bool)
        self._is_ill = self._is_ill | ~(total <= self._ceiling) | ~torch.isfinite(total)
        self._sum = self._sum + total
        self.since += 1

    @property
    def is_due(self) -> bool:
        """Whether it is time to look."""
        return self.since >= LOOK_EVERY

    def is_ill(self) -> bool:
        """Whether any loss since the last look was no number, or far above the first one. Waits for the device."""
        return self._is_ill is not None and bool(self._is_ill)

    def look(self) -> bool:
        """Whether all was well since the last look; begins anew."""
        if self._sum is None or self._is_ill is None:
            return True
        is_ill, mean = self.is_ill(), float(self._sum) / max(1, self.since)
        self._sum = torch.zeros_like(self._sum)
        self._is_ill = torch.zeros_like(self._is_ill)
        self.since = 0
        if is_ill:
            return False
        self.flat_looks = self.flat_looks + 1 if mean > (1 - SETTLED) * self.last_mean else 0
        self.last_mean = mean
        return True

    @property
    def has_settled(self) -> bool:
        """Whether the loss has hardly fallen over the last looks."""
        return self.flat_looks >= LOOKS_OF_PLATEAU

    def state(self) -> Tensor:
        """All of it, shape (7,), float64."""
        parts = (self._sum, self._ceiling, self._is_ill)
        numbers = [float("nan") if part is None else float(part) for part in parts]
        return torch.tensor([self.floor, self.since, self.flat_looks, self.last_mean, *numbers], dtype=torch.float64)

    @classmethod
    def restored(cls, state: Tensor, device: torch.device) -> "Watch":
        """The watch that gave this state."""
        floor, since, flat_looks, last_mean, sum_, ceiling, is_ill = state.tolist()
        watch = cls(floor)
        watch.since, watch.flat_looks, watch.last_mean = int(since), int(flat_looks), last_mean
        if ceiling == ceiling:  # not NaN: something was observed
            watch._sum = torch.tensor(sum_, dtype=torch.float32, device=device)
            watch._ceiling = torch.tensor(ceiling, dtype=torch.float32, device=device)
            watch._is_ill = torch.tensor(bool(is_ill), device=device)
        return watch
