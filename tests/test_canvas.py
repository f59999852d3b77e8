"""What a scale asks of a picture is put together from the recipe, the options and what the encoder knows."""

import torch
from odd_encoders import OddEncoder
from pictures import a_painting, a_photo

from engine.canvas import Canvas
from engine.coarse_to_fine import INGREDIENTS
from engine.encoders import EmbeddedEncoder
from engine.memory import Rung
from engine.options import Options
from engine.step import Style
from engine.targets import MeasureCache


def test_a_layer_counts_by_the_recipe_if_the_encoder_knows_it() -> None:
    """A recipe is written for all layers, and does without one that an encoder has not been taught."""
    encoder = OddEncoder(EmbeddedEncoder.shipped(), lambda maps: maps)
    encoder.layers = ("conv2_1", "conv4_1")
    canvas = Canvas(a_photo(), [Style(a_painting())], torch.device("cpu"), Options(), (48, 64), MeasureCache())

    objective = canvas.objective(
        48,
        64,
        encoder,
        Rung(torch.float32),
        content_weights={},
        layer_weights=INGREDIENTS.layer_weights,
        smoothness_weight=0.0,
    )

    found = {term.layer: term.weight for term in objective.terms}
    assert found == {layer: INGREDIENTS.layer_weights[layer] for layer in encoder.layers}
