"""A picture on its way down: Adam and an average of its iterates, with a way back when a step goes wrong."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from engine.objective import Objective, Terms
from engine.step import BLEED, Tensors, fit, trim, widen
from engine.watch import Watch

LOSS_FLOOR: Final = 1.0
"""The losses have no unit: 1 is as far as nothing."""
MOST_ROLLBACKS: Final = 5


@dataclass(frozen=True)
class Pace:
    """How the descent steps."""

    rate: float = 0.04
    """Adam's, in units of a picture in 0..1."""
    betas: tuple[float, float] = (0.9, 0.99)
    average_decay: float = 0.9
    """Of the averaged iterate: 0.9 is about the last ten iterations, 0 the last one alone."""
    carries: bool = False
    """Whether Adam's moments go along to the next scale; it gains nothing."""


class Descent:
    """The picture, Adam's moments and the average, and a copy of them from when all was well.

    Args:
        picture: to start from, with its bleed, shape (1, 3, height, width), RGB in 0..1.
        pace: how to step.
    """

    def __init__(self, picture: Tensor, pace: Pace) -> None:
        self.pace = pace
        self.rate = pace.rate
        self.rollbacks = 0
        self._begin(picture, None)

    def move_to(self, height: int, width: int) -> None:
        """Go on at another size of what is within the bleed, from the averaged picture."""
        moments = None
        if self.pace.carries:
            size = height + 2 * BLEED, width + 2 * BLEED
            # A mean over the pixels slopes less at each of more of them.
            less = self.picture.shape[-2] * self.picture.shape[-1] / (size[0] * size[1])
            moments = {
                "step": self._moments["step"],
                "exp_avg": less
                * functional.interpolate(self._moments["exp_avg"], size, mode="bicubic", align_corners=False),
                # Bilinear, because bicubic rings and a second moment must not fall below zero.
                "exp_avg_sq": less**2 * functional.interpolate(self._moments["exp_avg_sq"], size, mode="bilinear"),
            }
        self._begin(widen(fit(trim(self.shown()), height, width)), moments)

    def step(self, objective: Objective, seed: int) -> Terms:
        """One step of Adam, clamped to 0..1; the terms before it.

        When the loss is found to be no number, or to climb, the picture goes back to where all was well, at half the
        rate.
        """
        terms = objective.descend(self.picture, seed)
        self._adam.step()
        self._average_over += 1
        with torch.no_grad():
            self.picture.clamp_(0, 1)
            self._average.lerp_(self.picture, 1 - self.pace.average_decay)
            self._watch.observe(terms.total)
        if self._watch.is_due:
            self._look()
        return terms

    @property
    def has_settled(self) -> bool:
        """Whether more iterations at this size would hardly change the picture."""
        return self._watch.has_settled

    @property
    def is_lost(self) -> bool:
        """Whether it went wrong so often that there is no use in going on; `shown` is the last good picture."""
        return self.rollbacks > MOST_ROLLBACKS

    def shown(self) -> Tensor:
        """The averaged picture of this moment, or the last good one if this one is broken. Waits for the device."""
        state = self._good if self._watch.is_ill() or not torch.isfinite(self._average).all() else self._state()
        over = int(state["average_over"])
        # As in Adam, the average began at zero.
        return state["average"] / (1 - self.pace.average_decay**over) if over else state["picture"]

    def state(self) -> Tensors:
        """All that `restore` needs."""
        now, good = self._state(), self._good
        return {
            **{f"now.{name}": tensor.clone() for name, tensor in now.items()},
            **{f"good.{name}": tensor.clone() for name, tensor in good.items()},
            "watch": self._watch.state(),
            "rate": torch.tensor([self.rate, self.rollbacks], dtype=torch.float64),
        }

    def restore(self, state: Tensors) -> None:
        """Go on from a state as if nothing had happened."""
        device = self.picture.device
        now = {name[4:]: tensor.to(device) for name, tensor in state.items() if name.startswith("now.")}
        self._good = {name[5:]: tensor.to(device) for name, tensor in state.items() if name.startswith("good.")}
        self.rate, self.rollbacks = state["rate"][0].item(), int(state["rate"][1])
        self._put_back(now)
        self._watch = Watch.restored(state["watch"], device)

    def _begin(self, picture: Tensor, moments: dict[str, Tensor] | None) -> None:
        nothing = torch.zeros_like(picture)
        moments = moments or {"step": torch.zeros(()), "exp_avg": nothing, "exp_avg_sq": nothing.clone()}
        over = torch.zeros((), dtype=torch.int64)
        self._put_back({"picture": picture, "average": torch.zeros_like(picture), "average_over": over, **moments})
        self._good = self._copy()
        self._watch = Watch(LOSS_FLOOR)

    def _look(self) -> None:
        if self._watch.look():
            self._good = self._copy()
            return
        self.rollbacks += 1
        self.rate /= 2
        self._put_back(self._good)

    def _state(self) -> dict[str, Tensor]:
        over = torch.tensor(self._average_over)
        return {"picture": self.picture.detach(), "average": self._average, "average_over": over, **self._moments}

    def _copy(self) -> dict[str, Tensor]:
        return {name: tensor.clone() for name, tensor in self._state().items()}

    def _put_back(self, state: dict[str, Tensor]) -> None:
        # contiguous: what is interpolated may not be, and a leaf and its moments should be alike.
        self.picture = state["picture"].clone().contiguous().requires_grad_()
        self._average = state["average"].clone()
        self._average_over = int(state["average_over"])
        self._adam = torch.optim.Adam([self.picture], lr=self.rate, betas=self.pace.betas)
        self._moments = {name: state[name].clone().contiguous() for name in ("step", "exp_avg", "exp_avg_sq")}
        self._adam.state[self.picture] = self._moments
