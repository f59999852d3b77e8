"""The training program learns, goes on where it was stopped, and writes what the shipped encoder reads."""

import fcntl
import hashlib
import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pictures import a_painting, a_photo
from PIL import Image
from safetensors.torch import load_file, save_file
from torchvision.models import vgg19

from engine import distill, mistakes
from engine.coarse_to_fine import INGREDIENTS
from engine.encoders import EmbeddedEncoder
from engine.lessons import Crops, Lesson, Pool, Replay
from engine.mistakes import TAUGHT
from engine.projection import Basis
from engine.reshaping import convolutions, initialise
from engine.slopes import SLOPE_LAYERS, slope_error, slope_towards
from engine.statistics import STATISTICS, whole
from engine.step import BLEED, to_tensor


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
    monkeypatch.setattr(distill, "BASIS_EDGE", 48)
    monkeypatch.setattr(distill, "FIRST_PIXELS", 10_000)
    monkeypatch.setattr(distill, "LOG_EVERY", 1)
    monkeypatch.setattr(distill, "WARMUP_STEPS", 1)
    folders = ["--photos", str(tmp_path / "photos"), "--paintings", str(tmp_path / "paintings"), "--hold-out", "held"]
    return ["--teacher", str(tmp_path / "teacher.safetensors"), *folders, "--run", str(tmp_path / "run")]


@pytest.mark.slow
def test_training_is_resumed_learns_and_exports(
    school: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after some steps and started again: steps go on, the error falls, and the encoder loads the export."""
    export = tmp_path / "embedded.safetensors"
    a_step_a_second = itertools.count()
    monkeypatch.setattr(distill, "time", SimpleNamespace(monotonic=lambda: float(next(a_step_a_second))))

    assert distill.main([*school, "--minutes", "0.25"]) == 0
    assert distill.main([*school, "--minutes", "0.75", "--export", str(export)]) == 0

    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 46))
    assert min(line["conv1_1"] for line in lines[1:]) < lines[0]["conv1_1"]
    EmbeddedEncoder().load_state_dict(load_file(export))
    assert json.loads((tmp_path / "run" / "report.json").read_text())["steps"] == len(lines)
    checksum = (tmp_path / "embedded.sha256").read_text().split()[0]
    assert checksum == hashlib.sha256(export.read_bytes()).hexdigest()


def test_a_projection_on_all_components_keeps_every_distance() -> None:
    """Principal components are a rotation: what the pupil learns is VGG-19's own geometry."""
    features = torch.randn(1, 8, 5, 5)
    rotation = torch.linalg.qr(torch.randn(8, 8)).Q
    basis = Basis(rotation, mean=torch.zeros(8), deviation=torch.tensor(2.0))

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


@pytest.mark.parametrize(
    ("weights", "told"), [("nowhere.safetensors", "There is no weights file"), ("deep.safetensors", "deeper pupil")]
)
def test_weights_that_cannot_be_begun_with_are_refused(
    school: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], weights: str, told: str
) -> None:
    """By a sentence, not by an error of shapes."""
    save_file(dict(EmbeddedEncoder(depths=(2, 2, 4, 4)).state_dict()), tmp_path / "deep.safetensors")

    assert distill.main([*school, "--begin-with", str(tmp_path / weights)]) == 2

    assert told in capsys.readouterr().err


def test_a_checkpoint_of_another_pupil_is_refused(
    school: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would have to be trained anew, in a folder of its own."""
    assert distill.main([*school, "--minutes", "0.02"]) == 0

    assert distill.main([*school, "--widths", "8,8,8,8"]) == 2

    assert "other widths or depths" in capsys.readouterr().err


def test_a_checkpoint_of_an_earlier_release_is_refused(
    school: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It was written before there was Muon, and holds other optimisers' states."""
    assert distill.main([*school, "--minutes", "0.02"]) == 0
    checkpoint = tmp_path / "run" / "checkpoint.pt"
    state = torch.load(checkpoint)
    state["adam"] = state.pop("optimizers")[1]
    torch.save(state, checkpoint)

    assert distill.main(school) == 2

    assert "of an earlier release" in capsys.readouterr().err


def test_two_trainings_do_not_share_a_folder(
    school: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each would write over the other's checkpoint."""
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert distill.main(school) == 2

    assert "Another training is at work" in capsys.readouterr().err


def test_the_pupil_has_a_head_for_every_layer_that_it_is_taught() -> None:
    """And no others, which would be noise. Those that hold the photo are among them: a recipe cannot do without."""
    assert set(EmbeddedEncoder().heads) == set(TAUGHT)
    assert set(INGREDIENTS.content_weights) <= set(TAUGHT)


def test_a_replay_keeps_the_newest_and_draws_one_size() -> None:
    """As many pixels as it may of each edge, and batches that can be stacked."""
    replay = Replay(most_pixels=3 * 16 * 16)
    for number in range(5):
        for edge in (16, 8):
            replay.keep(Lesson(torch.full((1, 3, edge, edge), float(number)), {}))

    kept = [float(lesson.picture.mean()) for lesson in replay.lessons[16]]
    drawn = replay.draw(2 * 16 * 16, below=lambda end: end - 1)

    assert kept == [2, 3, 4]
    assert len(replay.lessons[8]) == 5
    assert [lesson.picture.shape[-1] for lesson in drawn] == [16, 16]


def test_the_pool_paints_with_the_pupil() -> None:
    """Every visit moves a picture, and pictures grow from scale to scale."""
    pool = Pool(some_crops(), (32, 48), torch.device("cpu"), size=2)
    encoder = a_pupil().requires_grad_(False)

    visits = [pool.visit(encoder) for _ in range(40)]

    assert {visit.pictures.shape[-1] for visit in visits} == {32, 48}
    assert all(visit.pictures.diff(dim=0).abs().max() > 0.005 for visit in visits)
    assert all(visit.edge + 2 * BLEED == visit.pictures.shape[-1] for visit in visits)
    assert all(easel.descent.picture.isfinite().all() for easel in pool.easels)


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.5), (0.5, 0.0)])
def test_what_painting_changes_is_learned_beside_what_is_seen(gain: float, offset: float) -> None:
    """A pupil that is off by as much before as after errs in features alone, one with flatter slopes in changes too."""
    before, after = torch.rand(2, 6, 9, 9)
    crop, visit = (Lesson(torch.zeros(pictures, 3, 9, 9), {}) for pictures in (1, 2))
    found = torch.stack([before, before + offset, before + gain * (after - before) + offset])

    seen = torch.stack([before, before, after])

    assert mistakes.feature_error(found, seen) > 0
    torch.testing.assert_close(mistakes.change_error(found, seen, [crop, visit]), torch.tensor((1 - gain) ** 2))


def test_a_slope_asks_for_a_picture_nearer_to_the_style() -> None:
    """A small step against what the teacher answers lowers the recipe's distance."""
    teacher, crops = a_pupil(), some_crops()
    measure = STATISTICS["moments"].measure
    wanted = measure(whole(teacher(crops.clean(48), ["conv3_1"])["conv3_1"]), None, 0)
    distance = STATISTICS["moments"].towards(wanted)

    picture = crops.clean(48)
    slope = slope_towards(wanted, teacher, picture, "conv3_1")

    moved = picture - 0.01 * slope.answer.float()
    before, after = (distance(measure(whole(teacher(x, ["conv3_1"])["conv3_1"]), None, 0), 0) for x in (picture, moved))
    assert after < before


def test_slopes_are_wrong_by_as_much_as_they_are_steeper() -> None:
    """The same network answers as itself, one twice as steep is wrong by its own size; and the error has a slope."""
    teacher = a_pupil()
    picture = torch.rand(2, 3, 32, 32)
    wanted = torch.rand(6, 7)
    slopes = [slope_towards(wanted, teacher, one[None], "conv3_1") for one in picture]
    steeper = a_pupil()
    with torch.no_grad():
        convolutions(steeper.heads)["conv3_1"].weight.mul_(2)

    assert slope_error(teacher, picture, slopes) < 1e-4
    error = slope_error(steeper, picture, slopes)

    torch.testing.assert_close(error, torch.tensor(1.0), rtol=0.01, atol=0)
    error.backward()
    first = convolutions(steeper.convolutions)["conv1_1"].weight.grad
    assert first is not None
    assert first.abs().max() > 0


def test_only_a_layer_that_was_asked_for_can_have_a_wrong_slope() -> None:
    """Lessons without a slope, and other layers, count nothing."""
    teacher, picture = a_pupil(), torch.rand(1, 3, 32, 32)
    plain = Lesson(picture, {})
    steep = Lesson(picture, {}, slope_towards(torch.rand(6, 7), teacher, picture, "conv3_1"))

    assert mistakes.slope_errors(teacher, [plain]).isnan().all()
    found = dict(zip(SLOPE_LAYERS, mistakes.slope_errors(teacher, [plain, steep]), strict=True))
    assert {layer for layer, error in found.items() if not error.isnan()} == {"conv3_1"}


def test_two_maps_that_differ_by_their_places_alone_have_one_style() -> None:
    """As in a painting, what counts is which features occur, not where."""
    map_ = torch.rand(4, 8, 8)

    assert mistakes.style_error(map_[None], map_.flip(-1)[None]) < 1e-4
    assert mistakes.style_error(map_[None], 2 * map_[None]) > 0.1


def a_pupil() -> EmbeddedEncoder:
    """A small one, the same every time."""
    torch.manual_seed(0)
    pupil = EmbeddedEncoder((4, 4, 6, 6))
    initialise(pupil)
    return pupil


def some_crops() -> Crops:
    """Of one photo and one painting."""
    photo, painting = (to_tensor(make(80, 96), torch.device("cpu")) for make in (a_photo, a_painting))
    return Crops([photo], [painting], torch.Generator().manual_seed(0))
