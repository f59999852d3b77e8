"""What a scale asks of a picture is put together from the recipe, the options and the encoder's own gains."""

import torch
from odd_encoders import OddEncoder
from pictures import a_painting, a_photo

from engine.canvas import Canvas
from engine.coarse_to_fine import INGREDIENTS
from engine.encoders import STYLE_LAYERS, EmbeddedEncoder
from engine.memory import Rung
from engine.options import Options
from engine.step import Style
from engine.targets import MeasureCache


def test_a_layer_counts_by_the_recipe_and_by_how_sure_the_encoder_is_of_it() -> None:
    """The gain of a layer halves its weight and leaves the others as they are."""
    encoder = OddEncoder(EmbeddedEncoder.shipped(), lambda maps: maps)
    encoder.style_gains = {"conv4_1": 0.5}
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

    found = {term.layer: term.weight / INGREDIENTS.layer_weights[term.layer] for term in objective.terms}
    assert found == {layer: 0.5 if layer == "conv4_1" else 1.0 for layer in STYLE_LAYERS}
