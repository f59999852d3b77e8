"""The short fault bench: whatever dies, what was accepted is delivered, and once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.skipif(sys.platform != "linux", reason="only there do all processes share a monotonic clock")
@pytest.mark.timeout(600)
def test_nothing_is_lost_or_posted_twice_whatever_dies() -> None:
    """The promise that a person relies on who has been told "accepted"."""
    program = Path(__file__).parent / "benchmarks" / "faults.py"

    played = subprocess.run(
        [sys.executable, str(program), "--quick"], capture_output=True, text=True, check=False, env=dict(os.environ)
    )

    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.splitlines()[-2:] == [
        "local: 100 accepted, 0 lost, 0 twice",
        "cluster: 100 accepted, 0 lost, 0 twice",
    ]
