"""Three ways to tell how far one set of feature vectors is from another's style, on one interface.

    gram      second moments; the seed article's (Gatys, Ecker & Bethge, arXiv:1508.06576)
    moments   mean and covariance: the squared 2-Wasserstein distance of two Gaussians
    sliced    the whole distribution, along random directions (Heitz et al., arXiv:2006.07229)

Every one of them first *measures* a piece of a feature map. What it measures adds up over the pieces of a map, so that
a picture too large for memory can be measured block by block and still be compared as a whole. And it is linear in the
share that a style has of the canvas, so that styles can be mixed.

Distances have no unit: each is a share of the target's own magnitude, so that a weight means the same at every layer,
size and with every encoder.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import torch
from torch import Tensor, nn

from engine import options
from engine.losses import TINY, relative_distance
from engine.roots import thin_root, trace_of_root

_ROWS: Final = 2**13
"""Places whose features are turned to float32, or weighted, at a time: all at once would double the memory of a layer,
and so few stay in the processor's cache."""

DIRECTIONS: Final = 32
CLOUD: Final = 2**14
"""Places that the sliced distance draws per layer and iteration."""
ROOT_FLOOR: Final = 1e-6
"""Share of the mean variance that is added before a root: where there is no variance, its slope has no bound."""


@dataclass(frozen=True)
class Piece:
    """A rectangle of one layer's feature map."""

    features: Tensor
    """Shape (1, channels, height, width), of the rectangle alone, in the encoder's precision."""
    top: int
    left: int
    whole: tuple[int, int]
    """Height and width of the whole map."""

    def cut(self, map_: Tensor) -> Tensor:
        """The same rectangle of another whole map, shape (…, whole height, whole width)."""
        height, width = self.features.shape[-2:]
        return map_[..., self.top : self.top + height, self.left : self.left + width]

    def gather(self, drawn: Tensor) -> Tensor:
        """The features at places of the whole map, numbered row by row; zeros where a place is not in this piece.

        Returns:
            Shape (channels, places), float32.
        """
        height, width = self.features.shape[-2:]
        rows, columns = drawn // self.whole[1] - self.top, drawn % self.whole[1] - self.left
        is_here = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        places = rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1)
        return (_rows(self.features).index_select(0, places).float() * is_here[:, None]).T


def whole(map_: Tensor) -> Piece:
    """A map in one piece."""
    return Piece(map_, 0, 0, (map_.shape[-2], map_.shape[-1]))


Distance = Callable[[Tensor, int], Tensor]
"""From what was measured, and the seed it was measured with, to a scalar: 0 is equal, 1 about as far as nothing."""


class Statistic(Protocol):
    """One way to compare styles."""

    def measure(self, piece: Piece, guide: Tensor | None, seed: int) -> Tensor:
        """What this piece adds to the measure of its map.

        Args:
            piece: of the map.
            guide: how much each place of the whole map counts, shape (height, width), summing to 1; None: all alike.
            seed: of what is drawn at random; the same for all pieces of a map.
        """

    def towards(self, wanted: Tensor, head: nn.Conv2d | None = None) -> Distance:
        """The distance to a measure, or to a mixture of several.

        Args:
            wanted: the measure.
            head: what all features are to be seen through. The measure is led through it, not the map.
        """


class Gram:
    """Which features occur together, not where: G = F Fᵀ, and the relative squared distance of two of them."""

    def measure(self, piece: Piece, guide: Tensor | None, seed: int) -> Tensor:
        """Shape (channels, channels + 1): second moments, then the mean, float32."""
        share = 1 / (piece.whole[0] * piece.whole[1])
        weights = None if guide is None else piece.cut(guide).flatten()
        measured: Tensor = _Moments.apply(piece.features, weights, share)
        return measured

    def towards(self, wanted: Tensor, head: nn.Conv2d | None = None) -> Distance:
        """Of the second moments alone."""
        gram = _moments_through(head, wanted)[:, :-1]
        return lambda found, _: relative_distance(_moments_through(head, found)[:, :-1], gram)


class Moments(Gram):
    """The squared 2-Wasserstein distance of Gaussians with these means and covariances, over the target's energy."""

    def towards(self, wanted: Tensor, head: nn.Conv2d | None = None) -> Distance:
        """|μ - μ'|² + tr(S + S' - 2 (R' S R'ᵀ)^½) over |μ'|² + tr S', with R'ᵀ R' = S'."""
        mean, covariance = _mean_and_covariance(_moments_through(head, wanted))
        root = thin_root(covariance)
        spread = covariance.trace()
        energy = mean.square().sum() + spread + TINY
        floor = ROOT_FLOOR * spread.square() / len(mean) + TINY**2  # squared, as the spread is
        # W S Wᵀ itself, the covariance behind the head, is never needed.
        weight, bias = _affine(head) if head else (torch.eye(len(mean), device=mean.device), torch.zeros_like(mean))
        rooted, squared = root @ weight, weight.T @ weight

        def distance(found: Tensor, _: int) -> Tensor:
            found_mean, found_covariance = _mean_and_covariance(found)
            cross = trace_of_root(rooted @ found_covariance @ rooted.T, floor)
            apart = (weight @ found_mean + bias - mean).square().sum() + (squared * found_covariance).sum()
            relative: Tensor = (apart + spread - 2 * cross) / energy
            return relative

        return distance


class Sliced:
    """The squared 2-Wasserstein distance of the features' shadows on random lines, which are drawn anew every time."""

    def measure(self, piece: Piece, guide: Tensor | None, seed: int) -> Tensor:
        """Shape (channels, `CLOUD`): the features at places that were drawn; zeros for those of other pieces."""
        height, width = piece.whole
        device = piece.features.device
        luck = torch.Generator().manual_seed(seed)
        if guide is None:
            drawn = torch.randint(height * width, (CLOUD,), generator=luck).to(device)
        else:
            # By inverting the sum: torch.multinomial takes no more than 2²⁴ places.
            steps = guide.flatten().cpu().double().cumsum(0)  # on the CPU: Apple's GPUs know no float64
            drawn = torch.searchsorted(steps, torch.rand(CLOUD, generator=luck).double() * steps[-1])
            drawn = drawn.clamp(max=height * width - 1).to(device)
        return piece.gather(drawn)

    def towards(self, wanted: Tensor, head: nn.Conv2d | None = None) -> Distance:
        """Over the target's energy along the same lines."""
        wanted = through(head, wanted)

        def distance(found: Tensor, seed: int) -> Tensor:
            luck = torch.Generator().manual_seed(seed)
            lines = torch.randn((DIRECTIONS, len(wanted)), generator=luck).to(wanted.device)
            lines = lines / lines.norm(dim=1, keepdim=True)
            shadow = (lines @ wanted).sort(dim=1).values
            return relative_distance((lines @ through(head, found)).sort(dim=1).values, shadow)

        return distance


STATISTICS: Final[dict[options.Statistic, Statistic]] = {"gram": Gram(), "moments": Moments(), "sliced": Sliced()}


def mix(measured: list[Tensor], weights: list[float], statistic: options.Statistic) -> Tensor:
    """The measure of a canvas that shows each style on its share of the area; weights need not sum to one."""
    shares = [weight / sum(weights) for weight in weights]
    if statistic != "sliced":
        return torch.einsum("s,sij->ij", torch.tensor(shares, device=measured[0].device), torch.stack(measured))
    # Of clouds: of each style as many points as its share, the first ones, since they are drawn at random anyway.
    ends = [round(sum(shares[: count + 1]) * CLOUD) for count in range(len(shares))]
    starts = [0, *ends[:-1]]
    return torch.cat([cloud[:, : end - start] for cloud, start, end in zip(measured, starts, ends, strict=True)], dim=1)


def through(head: nn.Conv2d | None, features: Tensor) -> Tensor:
    """What a head makes of features, shape (channels, places) to (components, places), float32; as they are if None."""
    if head is None:
        return features
    weight, bias = _affine(head)
    return weight @ features + bias[:, None]


def _moments_through(head: nn.Conv2d | None, measured: Tensor) -> Tensor:
    """The second moments, and the mean, of what a head makes of features that have these."""
    if head is None:
        return measured
    weight, bias = _affine(head)
    mean = weight @ measured[:, -1]
    crossed = torch.outer(mean, bias)
    gram = weight @ measured[:, :-1] @ weight.T + crossed + crossed.T + torch.outer(bias, bias)
    return torch.cat([gram, (mean + bias)[:, None]], dim=1)


def _affine(head: nn.Conv2d) -> tuple[Tensor, Tensor]:
    """Weight, shape (components, channels), and bias, in float32."""
    return head.weight[:, :, 0, 0].float(), cast("Tensor", head.bias).float()


def _mean_and_covariance(measured: Tensor) -> tuple[Tensor, Tensor]:
    mean = measured[:, -1]
    return mean, measured[:, :-1] - torch.outer(mean, mean)


class _Moments(torch.autograd.Function):
    """Second moments and mean over the places of a feature map, float32 whatever the map's precision.

    By hand, because autograd would keep a float32 copy of every layer for the way back: this needs none.
    """

    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weights: Tensor | None, share: float
    ) -> Tensor:  # Any: torch types it nowhere
        rows = _rows(features)
        channels = rows.shape[1]
        measured = rows.new_zeros((channels, channels + 1), dtype=torch.float32)
        is_ready = weights is None and rows.dtype == torch.float32
        for part_of in [slice(None)] if is_ready else _slices(len(rows)):
            part = rows[part_of].float()
            weighted = part if weights is None else part * weights[part_of, None]
            measured[:, :-1].addmm_(weighted.T, part)
            measured[:, -1] += weighted.sum(dim=0)
        ctx.save_for_backward(features, weights)
        ctx.share = 1.0 if weights is not None else share  # weights sum to one already
        return measured.mul_(ctx.share)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:  # Any: as above
        (gradient,) = gradients
        features, weights = ctx.saved_tensors
        rows = _rows(features)
        # In the map's precision, as its gradient is; of what is summed up, nothing is rounded.
        pull = ((gradient[:, :-1] + gradient[:, :-1].T) * ctx.share).to(rows.dtype)
        push = (gradient[:, -1] * ctx.share).to(rows.dtype)
        back = torch.addmm(push, rows, pull)
        if weights is not None:
            back *= weights[:, None]
        return back.view(*features.shape[-2:], -1).permute(2, 0, 1)[None], None, None


def _slices(rows: int) -> Iterator[slice]:
    return (slice(begin, begin + _ROWS) for begin in range(0, rows, _ROWS))


def _rows(features: Tensor) -> Tensor:
    """Shape (places, channels); a view, where the map is channels_last."""
    return features[0].permute(1, 2, 0).flatten(end_dim=1)
