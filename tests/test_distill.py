"""The training program learns, goes on where it was stopped, and writes what the shipped encoder reads."""

import hashlib
import json
from pathlib import Path

import pytest
import torch
from pictures import a_painting, a_photo
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import vgg19

from engine import distill
from engine.encoders import LAYERS, EmbeddedEncoder


@pytest.fixture
def school(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A teacher of random numbers, one photo, one painting; tiny crops. The arguments of a run over them."""
    generator = torch.Generator().manual_seed(0)
    with torch.device("meta"):
        shapes = {name: tensor.shape for name, tensor in vgg19().features[:29].state_dict().items()}
    weights = {
        f"features.{name}": torch.randn(shape, generator=generator) * (2 / max(1, shape[1:].numel())) ** 0.5
        for name, shape in shapes.items()
    }
    save_file(weights, tmp_path / "teacher.safetensors")
    for name, picture in (("photos", a_photo(80, 96)), ("paintings", a_painting(80, 80))):
        (tmp_path / name).mkdir()
        Image.fromarray(picture).save(tmp_path / name / "one.png")
        Image.fromarray(picture[::-1].copy()).save(tmp_path / name / "held.png")
    monkeypatch.setattr(distill, "EDGES", (32, 48))
    monkeypatch.setattr(distill, "BATCH_PIXELS", 2 * 48**2)
    monkeypatch.setattr(distill, "BASIS_CROPS", 4)
    monkeypatch.setattr(distill, "LOG_EVERY", 1)
    monkeypatch.setattr(distill, "WARMUP_STEPS", 1)
    folders = ["--photos", str(tmp_path / "photos"), "--paintings", str(tmp_path / "paintings"), "--hold-out", "held"]
    return ["--teacher", str(tmp_path / "teacher.safetensors"), *folders, "--run", str(tmp_path / "run")]


@pytest.mark.slow
def test_training_is_resumed_learns_and_exports(school: list[str], tmp_path: Path) -> None:
    """Stopped after some steps and started again: steps go on, the error falls, and the encoder loads the export."""
    export = tmp_path / "embedded.safetensors"

    assert distill.main([*school, "--minutes", "0.05"]) == 0
    assert distill.main([*school, "--minutes", "0.15", "--export", str(export)]) == 0

    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, len(lines) + 1))
    assert lines[-1]["clean_conv1_1"] < lines[0]["clean_conv1_1"]
    EmbeddedEncoder().load_state_dict(load_file(export))
    checksum = (tmp_path / "embedded.sha256").read_text().split()[0]
    assert checksum == hashlib.sha256(export.read_bytes()).hexdigest()


def test_a_projection_on_all_components_keeps_every_distance() -> None:
    """Principal components are a rotation: what the pupil learns is VGG-19's own geometry."""
    features = torch.randn(1, 8, 5, 5)
    rotation = torch.linalg.qr(torch.randn(8, 8)).Q
    basis = distill.Basis(rotation, mean=torch.zeros(8), deviation=torch.tensor(2.0))

    projected = basis.project(features)

    torch.testing.assert_close(projected.norm() * 2, features.norm())


def test_the_rate_warms_up_and_dies_down() -> None:
    """Both ends of the schedule."""
    assert distill.learning_rate(0, 0.0) < distill.LEARNING_RATE / 100
    assert distill.learning_rate(10_000, 0.0) == pytest.approx(distill.LEARNING_RATE)
    assert distill.learning_rate(10_000, 1.0) == pytest.approx(distill.LAST_RATE)


def test_nothing_to_learn_from_is_said(school: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """One sentence instead of an endless loop over no pictures."""
    (tmp_path / "empty").mkdir()
    school[school.index("--photos") + 1] = str(tmp_path / "empty")

    assert distill.main(school) == 2

    assert "There is no picture to learn from" in capsys.readouterr().err


def test_the_pupil_has_a_head_for_every_layer_a_recipe_asks_for() -> None:
    """A layer without a teacher would be noise."""
    assert set(EmbeddedEncoder().heads) == set(LAYERS)
