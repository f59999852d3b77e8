"""What holds for every test."""

import os
from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx
from postgres import ledger_url, postgres

__all__ = ["ledger_url", "postgres"]

# Before torch is loaded, and for the processes that tests start. The pictures are so small that a second thread gains
# nothing, and where another program wants its core, the threads wait for each other ten times as long as they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def nothing_of_ours_blocks_the_loop() -> Iterator[None]:
    """A heartbeat that is late is a bug: a read, a sleep or a lock on the event loop raises `BlockingError`."""
    with blockbuster_ctx("bot") as watch:
        watch.functions["os.path.abspath"].deactivate()  # SQLAlchemy asks for the working directory, once
        yield
