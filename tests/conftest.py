"""What holds for every test."""

from collections.abc import Iterator

import pytest
from blockbuster import blockbuster_ctx


@pytest.fixture(autouse=True)
def nothing_of_ours_blocks_the_loop() -> Iterator[None]:
    """A heartbeat that is late is a bug: a read, a sleep or a lock on the event loop raises `BlockingError`."""
    with blockbuster_ctx("bot") as watch:
        watch.functions["os.path.abspath"].deactivate()  # SQLAlchemy asks for the working directory, once
        yield
