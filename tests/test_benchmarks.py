"""Every benchmark still runs: a tiny smoke run each, timing nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
SHARED = Path(__file__).parents[2] / "shared"

pytestmark = pytest.mark.slow
needs_vgg19 = pytest.mark.skipif(
    not (SHARED / "weights" / "vgg19.safetensors").is_file(), reason="needs VGG-19 beside the project"
)


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / name), "--quick", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_heartbeat_benchmark_runs() -> None:
    """It also walks through the whole bot but its front-ends."""
    assert "worst" in run("heartbeat.py")


@pytest.mark.skipif(sys.platform != "linux", reason="only there does a process know its peak")
@pytest.mark.timeout(300)
def test_the_cost_benchmark_runs(tmp_path: Path) -> None:
    """Two sizes, each in a process of its own."""
    assert "below 8 GB: yes" in run("cost.py", "--records", str(tmp_path / "runs.jsonl"))


@pytest.mark.timeout(300)
def test_the_overhead_benchmark_runs() -> None:
    """Of both encoders."""
    told = run("overhead.py")

    assert "embedded" in told
    assert "vgg19" in told


@pytest.mark.skipif(not (SHARED / "paintings").is_dir(), reason="needs pictures beside the project")
@pytest.mark.skipif(sys.platform != "linux", reason="only there does a process know its peak")
@pytest.mark.timeout(300)
def test_the_seams_benchmark_runs(tmp_path: Path) -> None:
    """In blocks, though there would be room without."""
    told = run("seams.py", "--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))

    assert "seamless: yes" in told


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_presets_benchmark_runs(tmp_path: Path) -> None:
    """One preset on one sample."""
    assert "untouched" in run("presets.py", "--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_encoder_benchmark_runs(tmp_path: Path) -> None:
    """One pair with both encoders, scored and drawn."""
    where = ("--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))

    assert "against vgg19, 2 pictures" in run("encoders.py", *where, "--curve", str(tmp_path / "curve.png"))
    assert (tmp_path / "curve.png").stat().st_size > 10_000


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_quality_benchmark_runs_and_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was measured, seconds and all, is told again."""
    where = ("--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))

    first = run("quality.py", *where)

    assert "ours 50" in first
    assert run("quality.py", *where) == first


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_comparison_with_published_pictures_runs(tmp_path: Path) -> None:
    """One picture of theirs, one of ours."""
    where = ("--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))

    assert "neural-style" in run("quality.py", *where, "--peers", "--strength", "50")


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_quality_curve_is_drawn(tmp_path: Path) -> None:
    """Two variants at two strengths, and what was painted for it."""
    where = ("--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"), "--pictures", str(tmp_path))

    run("quality.py", *where, "--curve", str(tmp_path / "curve.png"), "--variants", "gram,moments")

    assert (tmp_path / "curve.png").stat().st_size > 10_000
    assert len(list(tmp_path.glob("kodim04*.png"))) == 6


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_race_against_the_article_runs(tmp_path: Path) -> None:
    """One process each."""
    assert "no worse in style" in run("speed.py", "--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))


@needs_vgg19
@pytest.mark.timeout(300)
def test_the_ablation_runs(tmp_path: Path) -> None:
    """Of the recipe, and of the network."""
    where = ("--shared", str(SHARED), "--records", str(tmp_path / "runs.jsonl"))

    assert "worse in" in run("ablation.py", *where, "--variants", "one scale,losses with units")
    assert "worse in" in run("ablation.py", *where, "--encoder", "vgg19", "--variants", "zeros around")
