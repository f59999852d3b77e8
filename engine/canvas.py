"""What is painted and after what: photo, paintings, regions and colours, made ready for any scale."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from engine import colours
from engine.encoders import STYLE_LAYERS, Encoder, Look
from engine.graphs import captured
from engine.images import Pixels
from engine.memory import Rung
from engine.objective import FeatureTerm, Objective, SelfSimilarityTerm, StyleTerm, Term
from engine.options import Options
from engine.regions import cover, plan_regions
from engine.statistics import STATISTICS, mix
from engine.step import BLEED, Style, fit, resize, to_tensor, trim, widen
from engine.targets import MeasureCache, Painting, feature_maps
from engine.tiles import plan_blocks


class Canvas:
    """One painting to be: everything about it but how it is descended to.

    Args:
        content: the photo.
        styles: the paintings, and where they go.
        device: to paint on.
        options: what the person chose.
        size: (height, width) of the result, in pixels.
        cache: of what paintings measure.

    Raises:
        OptionsRefused: masks that leave a style no room.
    """

    def __init__(
        self,
        content: Pixels,
        styles: Sequence[Style],
        device: torch.device,
        options: Options,
        size: tuple[int, int],
        cache: MeasureCache,
    ) -> None:
        self.options = options
        self.size = size
        self.photo = to_tensor(content, device)
        self.weights = [style.weight for style in styles]
        self.regions = plan_regions(styles, device)
        self.paintings = [Painting(self._recoloured(to_tensor(style.image, device)), cache) for style in styles]

    def start(self, height: int, width: int) -> Tensor:
        """The first picture, at that size, with its bleed."""
        options = self.options
        if not (options.start == "noise" or options.texture_only):
            return widen(fit(self._seen_photo(), height, width))
        noise = torch.Generator().manual_seed(options.seed)
        return torch.rand((1, 3, height + 2 * BLEED, width + 2 * BLEED), generator=noise).to(self.photo.device)

    def objective(
        self,
        height: int,
        width: int,
        encoder: Encoder,
        rung: Rung,
        content_weights: Mapping[str, float],
        layer_weights: Mapping[str, float],
        smoothness_weight: float,
    ) -> Objective:
        """What a scale of that size asks of a picture with its bleed."""
        terms: list[Term] = []
        equipped = rung.equip(encoder)
        statistic = STATISTICS[self.options.statistic]
        layers = tuple(layer for layer in STYLE_LAYERS if layer_weights.get(layer) and layer in encoder.layers)
        long_edge = round(max(height, width) * self.options.brush_size)
        measures = [
            painting.measure(long_edge, encoder, rung, layers, self.options.statistic) for painting in self.paintings
        ]
        for region in self.regions:
            for layer in layers:
                wanted = mix(
                    [measures[number][layer] for number in region.styles],
                    [self.weights[number] for number in region.styles],
                    self.options.statistic,
                )
                weight = layer_weights[layer] * region.share
                guide = region.guide(layer, height, width)
                terms.append(
                    StyleTerm(layer, weight, statistic, statistic.towards(wanted, equipped.head(layer)), guide)
                )
        hold = FeatureTerm if self.options.likeness == "features" else SelfSimilarityTerm
        photo = widen(fit(self._seen_photo(), height, width))
        photos = feature_maps(photo, equipped, rung, content_weights)
        terms.extend(
            hold(layer, weight, photos[layer], equipped.head(layer)) for layer, weight in content_weights.items()
        )
        look: Look = equipped.trunk
        painted = photo.shape[-2], photo.shape[-1]
        if encoder.device.type == "cuda" and not rung.checkpoints and rung.block_edge is None:
            look = captured(look, encoder.device, tuple(sorted({term.layer for term in terms})), *painted)
        return Objective(look, terms, smoothness_weight, plan_blocks(*painted, rung.block_edge, encoder.reach))

    def finish(self, painted: Tensor) -> Tensor:
        """What the person gets to see: at the final size, in the colours and the region that were asked for."""
        height, width = self.size
        shown = fit(trim(painted), height, width)
        if self.options.keep_colours == "luminance":
            shown = colours.with_luminance(self._photo_at_size(), colours.luminance(shown))
        if all(region.mask is not None for region in self.regions):
            share = resize(cover(self.regions), height, width).clamp(0, 1)
            shown = self._photo_at_size().lerp(shown, share)
        return shown.clamp(0, 1)

    def untouched(self) -> Tensor:
        """The photo itself, at the final size."""
        return self._photo_at_size()

    def _photo_at_size(self) -> Tensor:
        return fit(self.photo, *self.size)

    def _seen_photo(self) -> Tensor:
        """The photo as the encoder sees it."""
        if self.options.keep_colours == "luminance":
            return colours.luminance(self.photo).expand_as(self.photo)
        return self.photo

    def _recoloured(self, painting: Tensor) -> Tensor:
        """The painting in the colours that were asked for."""
        if self.options.keep_colours == "luminance":
            grey = colours.match_luminance(colours.luminance(painting), colours.luminance(self.photo))
            return grey.clamp(0, 1).expand_as(painting)
        if self.options.keep_colours == "covariance":
            return colours.match_colours(painting, self.photo)
        return painting
