"""The benchmarks of the line still run: a tiny smoke run each, timing nothing."""

import pytest
from test_benchmarks import run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_the_lines_benchmark_runs() -> None:
    """All its tables, on both kinds of ledger."""
    told = run("line.py")

    assert all(f"({table})" in told for table in "abcd")


def test_the_benchmark_of_capacity_runs() -> None:
    """All its tables, on both kinds of ledger."""
    told = run("capacity.py")

    assert "bytes of a finished job" in told
    assert "database is locked" not in told


def test_the_simulation_runs_and_newcomers_pass_the_flood() -> None:
    """The line's promise, at a scale that no ledger could show within seconds."""
    rows = [line.split() for line in run("simulation.py").splitlines() if line.startswith("       ")]

    by_turns, as_they_came = (float(rows[-1][place]) for place in (11, 14))
    assert by_turns < as_they_came / 5
