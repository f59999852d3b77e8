"""Every benchmark still runs: a tiny smoke run each, timing nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent / "benchmarks"
SHARED = Path(__file__).parents[2] / "shared"

pytestmark = pytest.mark.slow


def run(name: str, *arguments: str) -> str:
    command = [sys.executable, str(FOLDER / name), "--quick", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_heartbeat_benchmark_runs() -> None:
    """It also walks through the whole bot but its front-ends."""
    assert "worst" in run("heartbeat.py")


@pytest.mark.skipif(not (SHARED / "weights" / "vgg19.safetensors").is_file(), reason="needs VGG-19 beside the project")
@pytest.mark.timeout(300)
def test_the_encoder_benchmark_runs() -> None:
    """One pair with both encoders, scored."""
    assert "embedded against vgg19" in run("encoders.py", "--shared", str(SHARED))
