"""The engine paints: both recipes, step by step, on small pictures."""

import gc
import weakref
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from odd_encoders import OddEncoder
from pictures import a_painting, a_photo

import engine.coarse_to_fine
from engine import Options, Step, Style, stylize
from engine.coarse_to_fine import SCHEDULES, Scale, Schedule, content_share, plan_scales
from engine.encoders import SMALLEST_EDGE, EmbeddedEncoder, Encoder, Maps
from engine.errors import OptionsRefused, OutOfMemory
from engine.images import Pixels

TINY = Options(size=64, quality="draft")


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    """Untrained: enough for everything but beauty."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


def paint(encoder: Encoder, options: Options, content: Pixels | None = None) -> list[Step]:
    content = a_photo() if content is None else content
    return list(stylize(content, [Style(a_painting())], encoder, options))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A schedule of few iterations, for tests of how steps are counted rather than of what is painted."""
    monkeypatch.setattr(engine.coarse_to_fine, "SCHEDULES", dict.fromkeys(SCHEDULES, Schedule(4, 3, 2.0)))


def test_the_picture_takes_the_paintings_colours(encoder: Encoder) -> None:
    """The whole point: a bluish photo comes out nearer to the red painting."""
    before = np.abs(a_photo().mean(axis=(0, 1)) - a_painting().mean(axis=(0, 1))).sum()

    result = paint(encoder, TINY)[-1].image()

    after = np.abs(result.mean(axis=(0, 1)) - a_painting().mean(axis=(0, 1))).sum()
    assert after < before / 2


def test_the_loss_falls(encoder: Encoder) -> None:
    """Gradient descent descends."""
    steps = stylize(a_photo(), [Style(a_painting())], encoder, TINY)

    totals = [step.losses().total for step in steps]

    assert totals[-1] < totals[0] / 2


@pytest.mark.usefixtures("short")
def test_steps_count_every_iteration_of_every_scale(encoder: Encoder) -> None:
    """A bar can be drawn from the first step on, and is full at the last."""
    steps = paint(encoder, Options(size=256))

    assert [step.iteration for step in steps] == list(range(1, 8))
    assert {step.total for step in steps} == {7}
    assert [step.scale for step in steps] == [128] * 4 + [256] * 3
    assert all(earlier.work < later.work for earlier, later in pairwise(steps))
    assert steps[-1].work == 1.0


@pytest.mark.usefixtures("short")
def test_every_step_shows_the_picture_at_its_final_size(encoder: Encoder) -> None:
    """A preview of the first, small scale needs no second thought by whoever shows it."""
    shapes = {step.image().shape for step in stylize(a_photo(), [Style(a_painting())], encoder, Options(size=200))}

    assert shapes == {(150, 200, 3)}


def test_strength_zero_gives_the_photo_back(encoder: Encoder) -> None:
    """The slider's end is what it says."""
    (step,) = paint(encoder, Options(size=64, strength=0))

    assert np.array_equal(step.image(), a_photo())


def test_more_strength_holds_the_photo_less() -> None:
    """Thirty points make a tenfold difference, so the slider feels even."""
    assert content_share(20) == pytest.approx(10)
    assert content_share(50) / content_share(80) == pytest.approx(10)


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("start", ["content", "noise"])
def test_the_same_seed_paints_the_same_picture_bit_for_bit(encoder: Encoder, start: str) -> None:
    """A person who liked a picture can have it again."""
    options = Options(size=64, seed=5, start="noise" if start == "noise" else "content")

    first, second = (paint(encoder, options)[-1].image() for _ in range(2))

    assert np.array_equal(first, second)


@pytest.mark.usefixtures("short")
def test_another_seed_paints_another_picture_from_noise(encoder: Encoder) -> None:
    """Re-rolling is worth something."""
    first, second = (paint(encoder, Options(size=64, seed=seed, start="noise"))[-1].image() for seed in (1, 2))

    assert not np.array_equal(first, second)


def test_the_default_recipe_looks_the_same_through_a_louder_encoder(encoder: Encoder) -> None:
    """Losses are relative: an encoder that answers as strongly as Oxford's does, 58 times, paints the same."""
    # 64, because a power of two rounds nothing, and the smallest difference grows with every iteration.
    louder = OddEncoder(encoder, lambda maps: {layer: 64 * map_ for layer, map_ in maps.items()})

    quiet, loud = paint(encoder, TINY)[-1].image(), paint(louder, TINY)[-1].image()

    assert np.abs(quiet.astype(int) - loud).mean() < 2


@pytest.mark.usefixtures("short")
def test_two_styles_share_the_picture_by_their_weights(encoder: Encoder) -> None:
    """All weight on the second style is the second style alone."""
    blue = np.full_like(a_painting(), (20, 40, 220))

    mixed = list(stylize(a_photo(), [Style(a_painting(), 1e-6), Style(blue, 1.0)], encoder, TINY))[-1].image()

    alone = list(stylize(a_photo(), [Style(blue)], encoder, TINY))[-1].image()
    assert np.abs(mixed.astype(int) - alone).mean() < 2


@pytest.mark.usefixtures("short")
def test_stopping_early_frees_the_picture(encoder: Encoder) -> None:
    """A cancelled job leaves no memory behind on the GPU."""
    steps = stylize(a_photo(), [Style(a_painting())], encoder, TINY)
    frame = next(steps)
    kept = weakref.ref(frame)

    steps.close()  # type: ignore[attr-defined]  # an Iterator to callers, a generator in truth
    del frame, steps
    gc.collect()

    assert kept() is None


@pytest.mark.usefixtures("short")
def test_a_step_leaves_gradients_on_for_the_caller(encoder: Encoder) -> None:
    """A yield inside no_grad would switch the caller's own training off."""
    for _ in stylize(a_photo(), [Style(a_painting())], encoder, TINY):
        assert torch.is_grad_enabled()


def test_scales_grow_to_the_final_size() -> None:
    """Each √2 of the one before, none so small that the deepest layer would see nothing."""
    scales = plan_scales(384, 512, SCHEDULES["standard"])

    assert [scale.width for scale in scales] == [128, 181, 256, 362, 512]
    assert scales[-1] == Scale(384, 512, SCHEDULES["standard"].later)
    assert scales[0].iterations == SCHEDULES["standard"].first


def test_a_narrow_picture_begins_at_a_larger_scale() -> None:
    """A banner of 8:1 has few pixels across; pooling must leave some of them."""
    scales = plan_scales(64, 512, SCHEDULES["standard"])

    assert min(min(scale.height, scale.width) for scale in scales) >= SMALLEST_EDGE


def test_a_picture_too_narrow_for_its_size_is_refused(encoder: Encoder) -> None:
    """The sentence says what would help, before anything is painted."""
    with pytest.raises(OptionsRefused, match="only 8 pixels across"):
        stylize(a_photo(20, 160), [Style(a_painting())], encoder, TINY)


def test_the_articles_recipe_refuses_another_encoder(encoder: Encoder) -> None:
    """Its weights mean nothing on other features; a picture of it would be a false claim."""
    with pytest.raises(OptionsRefused, match="VGG-19"):
        stylize(a_photo(), [Style(a_painting())], encoder, Options(size=64, recipe="gatys"))


@pytest.mark.parametrize(
    ("styles", "sentence"),
    [
        ([], "at least one style"),
        ([Style(a_painting(), weight=0.0)], "weight of style 1 must be above zero"),
        ([Style(a_painting()), Style(a_painting(), weight=float("nan"))], "weight of style 2"),
        ([Style(a_painting(), mask=np.full((9, 9), 255, np.uint8))], "9×9 pixels, but the photo is 64×48"),
    ],
)
def test_styles_that_cannot_be_painted_are_refused(encoder: Encoder, styles: list[Style], sentence: str) -> None:
    """Before anything is painted, and with what would help."""
    with pytest.raises(OptionsRefused, match=sentence):
        stylize(a_photo(), styles, encoder, TINY)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
        MemoryError(),
    ],
)
def test_every_kind_of_full_memory_becomes_one_error(encoder: Encoder, error: Exception) -> None:
    """The bot paints smaller instead of showing a stack trace."""

    def fail(_: Maps) -> Maps:
        raise error

    with pytest.raises(OutOfMemory, match="choose a smaller"):
        paint(OddEncoder(encoder, fail), TINY)


def test_other_runtime_errors_are_not_hidden(encoder: Encoder) -> None:
    """A bug must not be told as full memory."""

    def fail(_: Maps) -> Maps:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        paint(OddEncoder(encoder, fail), TINY)


@pytest.mark.slow
def test_extreme_pictures_stay_finite(encoder: Encoder) -> None:
    """Black, white and noise are pictures too."""
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    for content in (np.zeros_like(noise), np.full_like(noise, 255), noise):
        for painting in (np.zeros_like(noise), noise):
            steps: Iterator[Step] = stylize(content, [Style(painting)], encoder, TINY)
            last = list(steps)[-1]
            assert np.isfinite(last.losses().total)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": 63}, "between 64 and 4096"),
        ({"strength": 101}, "between 0 and 100"),
        ({"quality": "best"}, "draft, standard, fine"),
        ({"brush_size": float("nan")}, "between 0.25 and 4"),
        ({"smoothness": -1}, "between 0 and 100"),
        ({"keep_colours": "some"}, "no, luminance, covariance"),
        ({"work_limit": 0.0}, "above zero"),
        ({"texture_only": True, "start": "content"}, "starts from noise"),
        ({"recipe": "magic"}, "atelier, gatys"),
        ({"optimizer": "lbfgs"}, "gatys recipe"),
    ],
)
def test_options_out_of_range_are_refused_by_name(change: dict[str, object], sentence: str) -> None:
    """One sentence with the range in it."""
    with pytest.raises(OptionsRefused, match=sentence):
        Options(**change)  # type: ignore[arg-type]  # on purpose
