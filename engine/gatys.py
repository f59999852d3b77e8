"""The seed article's recipe, exactly: one scale, Gram matrices, 400 iterations of Adam or L-BFGS.

Gatys, Ecker & Bethge, arXiv:1508.06576, in the form of the article from which Atelier began. Kept as the yardstick of
the default recipe. Where it departs from the article, the line says so.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from engine.encoders import CONTENT_LAYER, DEVIATION, LAYERS, MEAN, VGG19, normalise
from engine.images import Pixels
from engine.options import Options
from engine.step import Losses, Step, Style, fit, resize, to_tensor
from engine.watch import Watch

ITERATIONS: Final = 400
CONTENT_WEIGHT: Final = 1e4
STYLE_WEIGHT: Final = 1e2
STYLE_LAYER_WEIGHTS: Final = {"conv1_1": 0.75, "conv2_1": 0.5, "conv3_1": 0.2, "conv4_1": 0.2, "conv5_1": 0.2}
ADAM_RATE: Final = 0.01
REPORT_EVERY: Final = 50
"""The article prints the total loss and its shares every 50 iterations; the command line does so too."""


def paint(
    content: Pixels, styles: Sequence[Style], encoder: VGG19, options: Options, height: int, width: int
) -> Iterator[Step]:
    """Optimise a picture of that size from noise or from the content, in ImageNet's normalised units.

    Where we leave the article: when the loss is found to be no number, or to climb, the picture goes back to where all
    was well, and on from there with Adam at half the rate.
    """
    # The article keeps what torchvision's layers 0, 5, 10, … put out, but their in-place ReLUs overwrite it before it
    # is used, so that its layers are in effect taken after the ReLU, as ours are.
    encoder = encoder.as_in_the_article()
    device = encoder.device
    # The article squeezes every picture into 400×600; we keep the content's shape. As there, the style takes it too.
    photo = normalise(resize(to_tensor(content, device), height, width).clamp(0, 1))
    with torch.no_grad():
        content_target = encoder.activations(photo, [CONTENT_LAYER])[CONTENT_LAYER]
        style_targets = _style_targets(styles, encoder, height, width)

    if options.start != "content":
        noise = torch.Generator(device="cpu").manual_seed(options.seed)
        picture = torch.randn(photo.shape, generator=noise).to(device)
    else:
        picture = photo.clone()
    picture = picture.contiguous().requires_grad_()  # L-BFGS takes flat views of it
    rate = ADAM_RATE
    optimizer: torch.optim.Optimizer = torch.optim.Adam([picture], lr=rate)
    if options.optimizer == "lbfgs":
        optimizer = torch.optim.LBFGS([picture], max_iter=1)
    watch = Watch(floor=0.0)
    good = picture.detach().clone()

    terms: dict[str, Tensor] = {}

    def closure() -> float:
        optimizer.zero_grad()
        found = encoder.activations(picture, LAYERS)
        terms["content"] = CONTENT_WEIGHT * torch.mean((found[CONTENT_LAYER] - content_target) ** 2)
        terms["style"] = STYLE_WEIGHT * style_loss(found, style_targets)
        total = terms["content"] + terms["style"]
        total.backward()
        return total  # type: ignore[return-value]  # torch takes a scalar tensor, for which nobody has to wait

    def shown() -> Tensor:
        return fit(_denormalise(good if watch.is_ill() else picture), height, width)

    for iteration in range(1, ITERATIONS + 1):
        optimizer.step(closure)
        watch.observe(terms["content"] + terms["style"])
        if watch.is_due:
            if watch.look():
                good.copy_(picture.detach())
            else:
                picture.data.copy_(good)
                rate /= 2
                optimizer = torch.optim.Adam([picture], lr=rate)
        yield Step(
            iteration=iteration,
            total=ITERATIONS,
            scale=max(height, width),
            work=iteration / ITERATIONS,
            _show=shown,
            _losses=lambda: Losses(content=terms["content"].item(), style=terms["style"].item()),
        )


def raw_gram_matrix(features: Tensor) -> Tensor:
    """The article's Gram matrix: not divided by anything; `features` of shape (1, channels, height, width)."""
    flat = features[0].flatten(start_dim=1)
    return flat @ flat.T


def style_loss(found: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
    """The article's: mean squared difference of the Gram matrices, by layer, over the layer's channels × pixels."""
    layers = [
        weight * torch.mean((raw_gram_matrix(found[layer]) - targets[layer]) ** 2) / found[layer][0].numel()
        for layer, weight in STYLE_LAYER_WEIGHTS.items()
    ]
    return torch.stack(layers).sum()


def _style_targets(styles: Sequence[Style], encoder: VGG19, height: int, width: int) -> dict[str, Tensor]:
    # The article knows one style; several are mixed by their Gram matrices.
    weights = sum(style.weight for style in styles)
    targets: dict[str, Tensor] = {}
    for style in styles:
        painting = normalise(resize(to_tensor(style.image, encoder.device), height, width).clamp(0, 1))
        for layer, features in encoder.activations(painting, STYLE_LAYER_WEIGHTS).items():
            share = raw_gram_matrix(features) * (style.weight / weights)
            targets[layer] = targets[layer] + share if layer in targets else share
    return targets


def _denormalise(picture: Tensor) -> Tensor:
    channels = zip(picture.unbind(dim=1), MEAN, DEVIATION, strict=True)
    return torch.stack([channel * deviation + mean for channel, mean, deviation in channels], dim=1)
