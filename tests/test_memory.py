"""How much memory a painting takes is told before, and where there is too little, it is painted with less."""

import dataclasses
import sys
from collections import deque
from pathlib import Path

import numpy as np
import pytest
import torch
from odd_encoders import OddEncoder
from pictures import a_painting, a_photo

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
from one_scale import EncoderName, untrained, weigh

from engine import Options, Step, Style, memory, stylize
from engine.encoders import EmbeddedEncoder, Encoder, Maps
from engine.errors import Cancelled, OutOfMemory
from engine.loading import prepare
from engine.memory import Rung

TINY = Options(size=128, quality="draft", strength=80)


@pytest.fixture(scope="module")
def encoder() -> EmbeddedEncoder:
    """Untrained, in float32."""
    torch.manual_seed(0)
    return EmbeddedEncoder().eval().requires_grad_(False)


def paint(encoder: Encoder, options: Options = TINY) -> list[Step]:
    return list(stylize(a_photo(96, 128), [Style(a_painting())], encoder, options))


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="only there does a process know its peak")
@pytest.mark.parametrize(
    ("name", "height", "width", "rung"),
    [
        ("embedded", 512, 768, "bfloat16"),
        ("embedded", 768, 1024, "float32"),
        ("embedded", 768, 1024, "float32 blocks 512"),
        ("embedded", 768, 1024, "bfloat16 blocks 512"),
        ("embedded", 768, 1024, "bfloat16 checkpoints"),
        ("vgg19", 384, 384, "float32"),
        ("vgg19", 512, 768, "bfloat16"),
        ("vgg19", 512, 512, "float32 checkpoints"),
    ],
)
def test_the_prediction_is_right(name: EncoderName, height: int, width: int, rung: str) -> None:
    """Within a quarter of what a process of its own was seen to take."""
    if rung.startswith("bfloat16") and prepare(untrained("embedded"), torch.device("cpu")).precision == torch.float32:
        pytest.skip("this machine only emulates bfloat16, and takes minutes")
    cost = weigh(name, height, width, rung=rung, iterations=3)

    assert 0.75 < cost.predicted_bytes / cost.peak_bytes < 1.33


def test_every_rung_of_the_ladder_takes_less_than_the_ones_that_are_chosen_before_it() -> None:
    """From plenty downwards, the choice goes down the ladder, never up, until nothing fits."""
    large = untrained("embedded")
    large.spare_precision = torch.bfloat16
    rungs = list(memory.ladder(large))
    needs = [memory.predict(large, rung, 4096, 4096) for rung in rungs]

    chosen = [memory.choose(large, 4096, 4096, free) for free in np.linspace(1.01 * max(needs), 0, 200)]

    found = [rungs.index(rung) for rung in chosen if rung]
    assert found == sorted(found)
    assert {0, 1, len(rungs) - 1} <= set(found)
    assert chosen[-1] is None


def test_a_limit_puts_the_picture_into_blocks_and_changes_nothing_else(
    encoder: EmbeddedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks are exact: what is painted under a limit is what is painted without one, but for rounding.

    Over a few steps, and nearly everywhere: where a slope is near zero, Adam goes by its sign, and makes more of it.
    """
    few = dataclasses.replace(TINY, work_limit=0.1)
    whole = paint(encoder, few)[-1].colours()

    monkeypatch.setattr(memory, "choose", lambda *_: Rung(torch.float32, block_edge=128))
    pieced = paint(encoder, few)[-1].colours()

    assert (np.abs(whole - pieced) > 0.02).mean() < 0.01
    assert np.abs(whole - pieced).mean() < 0.001


@pytest.mark.parametrize("block_edge", [None, 128])
def test_a_painting_that_is_cancelled_stops_before_the_next_look(
    encoder: EmbeddedEncoder, monkeypatch: pytest.MonkeyPatch, block_edge: int | None
) -> None:
    """In blocks, an iteration may take a minute: whoever cancels should not wait for it."""
    looks = 0

    def count(maps: Maps) -> Maps:
        nonlocal looks
        looks += 1
        return maps

    monkeypatch.setattr(memory, "choose", lambda *_: Rung(torch.float32, block_edge=block_edge))
    steps = stylize(
        a_photo(192, 256), [Style(a_painting())], OddEncoder(encoder, count), TINY, is_cancelled=lambda: looks == 5
    )

    with pytest.raises(Cancelled, match="stopped"):
        deque(steps, maxlen=0)
    assert looks == 5


def test_a_memory_that_is_full_after_all_is_met_with_a_lower_rung(
    encoder: EmbeddedEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From where the painting stands: no iteration is done twice, and none is left out."""
    calls, chosen, choose = 0, list[Rung](), memory.choose

    def fail_once(maps: Maps) -> Maps:
        nonlocal calls
        calls += 1
        if calls == 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return maps

    def overheard(*asked: object) -> Rung | None:
        rung = choose(*asked)  # type: ignore[arg-type]  # handed on as it came
        if rung:
            chosen.append(rung)
        return rung

    plan = len(paint(encoder))
    monkeypatch.setattr(memory, "choose", overheard)
    steps = paint(OddEncoder(encoder, fail_once))

    assert calls > 20
    assert [step.iteration for step in steps] == list(range(1, len(steps) + 1))
    assert len(steps) == plan
    rungs = list(memory.ladder(encoder))
    assert rungs.index(chosen[-1]) > 0
    assert steps[-1].note is None


def test_a_scale_that_never_fits_ends_with_the_picture_of_the_one_before(encoder: EmbeddedEncoder) -> None:
    """At the size that was asked for, with a sentence that says so."""

    class Narrow(OddEncoder):
        def __call__(self, picture: torch.Tensor, layers: object) -> Maps:
            if max(picture.shape[-2:]) > 300:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return self.encoder(picture, layers)  # type: ignore[arg-type]  # handed on as it came

        def thrifty(self, precision: torch.dtype, *, checkpoints: bool) -> "Narrow":
            return Narrow(self.encoder.thrifty(precision, checkpoints=checkpoints), self.oddity)

    steps = paint(Narrow(encoder, lambda maps: maps), dataclasses.replace(TINY, size=420))

    assert steps[-1].image().shape == (315, 420, 3)
    assert steps[-1].work == 1.0
    assert "not enough memory for 420 pixels" in (steps[-1].note or "")


def test_no_room_at_all_is_one_sentence(encoder: EmbeddedEncoder) -> None:
    """Before anything is painted."""
    with pytest.raises(OutOfMemory, match="choose a smaller size"):
        paint(encoder, dataclasses.replace(TINY, memory_limit_bytes=1))


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """What Linux shows of a control group of version 2 with 1000 bytes, 600 in use, 250 of them stale files."""
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("600\n")
    (tmp_path / "memory.stat").write_text("anon 300\ninactive_file 250\n")
    return tmp_path


def test_what_is_left_of_a_container_counts_its_stale_files(container: Path) -> None:
    """They make room when they must."""
    assert memory.left_of_container(container) == 650


def test_a_container_without_a_limit_limits_nothing(container: Path) -> None:
    """Linux writes a word there."""
    (container / "memory.max").write_text("max\n")
    assert memory.left_of_container(container) == float("inf")


def test_an_older_container_is_read_too(tmp_path: Path) -> None:
    """Control groups of version 1 have the same under other names."""
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("1000\n")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("600\n")
    (tmp_path / "memory" / "memory.stat").write_text("inactive_file 10\ntotal_inactive_file 250\n")
    assert memory.left_of_container(tmp_path) == 650
