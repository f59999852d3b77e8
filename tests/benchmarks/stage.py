"""What the processes of the fault bench share: who plays which part, and the files by which they know of one another.

Every list is a file that lines are only ever added to, each written at once and synced, so that whoever is killed
leaves whole lines behind. `channel` stands for Discord: what stands there was posted, and can be looked through.
"""

import json
import os
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from engine.images import Pixels

FRONT_END: Final = "bench"
EDGE: Final = 48
"""Noise of so many pixels a side is a PNG of 7 kB, for which a full database needs a new page."""
SHARES: Final = {"fails": 0.03, "kills": 0.003, "dies before post": 0.01, "dies after post": 0.03}
"""Of all jobs."""


class Part(StrEnum):
    """What happens to a job, whatever else does."""

    PLAIN = "plain"
    FAILS = "fails"
    """Painting it raises an EngineError."""
    KILLS = "kills"
    """Painting it kills the worker, each time."""
    DIES_BEFORE_POST = "dies before post"
    """Its bot dies between `delivering` and the post."""
    DIES_AFTER_POST = "dies after post"
    """Its bot dies between the post and its record."""


def add(path: Path, **said: Any) -> None:  # Any: what JSON can say
    """One more line, safe on the disk when this returns."""
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, json.dumps(said).encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)


def lines(path: Path) -> list[dict[str, Any]]:  # Any: as in `add`
    """Everything that was added so far."""
    return [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


@dataclass(frozen=True)
class Stage:
    """One play, as all its processes know it; jobs are numbered, and are asked for in that order.

    Args:
        folder: where everything lies.
        url: of the ledger.
        silence_seconds: after which a worker counts as dead; None: there is one process only.
        bots: how many share the people.
        bench: the process that plays.
        quiet: so many jobs come before the faults: all but the last `quiet_killers` to be timed.
    """

    folder: str
    url: str
    silence_seconds: float | None
    bots: int
    people: int
    jobs: int
    seed: int
    bench: int
    quiet: int
    quiet_killers: int

    def save(self) -> Path:
        """Write it down for the processes."""
        path = self.file("stage")
        path.write_text(json.dumps(asdict(self)))
        return path

    @classmethod
    def load(cls, path: Path) -> "Stage":
        """As it was saved."""
        return cls(**json.loads(path.read_text()))

    def file(self, name: str) -> Path:
        """A file of the play."""
        return Path(self.folder) / name

    @property
    def channel(self) -> Path:
        """What was posted: `job`, `slot`, `kind`, and of a picture its `digest`."""
        return self.file("channel")

    @property
    def accepted(self) -> Path:
        """What was accepted: `slot`, `job`; written only after `submit` has returned."""
        return self.file("accepted")

    @property
    def trace(self) -> Path:
        """What happened when: `event`, `at`, `pid`, …"""
        return self.file("trace")

    @property
    def disk_is_full(self) -> Path:
        """While it exists, SQLite's file may not grow."""
        return self.file("disk is full")

    def tell(self, event: str, **said: Any) -> None:  # Any: as in `add`
        """Add to the trace; the clock is the machine's, which all processes share and no fault can set."""
        add(self.trace, **{"event": event, "at": time.monotonic(), "pid": os.getpid(), **said})

    @cached_property
    def parts(self) -> Mapping[int, Part]:
        """Of every job."""
        chance = random.Random(self.seed)
        later = list(range(self.quiet, self.jobs))
        chance.shuffle(later)
        parts = dict.fromkeys(range(self.jobs), Part.PLAIN)
        for name, share in SHARES.items():
            for _ in range(round(share * self.jobs)):
                parts[later.pop()] = Part(name)
        for slot in range(self.quiet - self.quiet_killers, self.quiet):
            parts[slot] = Part.KILLS
        return parts

    def say_ready(self) -> None:
        """This process has started."""
        self.file(f"ready {os.getpid()}").touch()

    def is_ready(self, pid: int) -> bool:
        """Whether that process has started."""
        return self.file(f"ready {pid}").exists()

    def dies_at(self, slot: int, part: Part) -> bool:
        """Whether that job's bot dies now: once, though whoever was not told "accepted" asks again."""
        if self.parts[slot] is not part or self.file(f"died {slot}").exists():
            return False
        self.file(f"died {slot}").touch()
        return True

    def open_door(self, jobs: int) -> None:
        """Let people ask for the first so many."""
        _replace(self.file("door"), str(jobs))

    def door(self) -> int:
        """How many jobs may have been asked for by now."""
        path = self.file("door")
        return int(path.read_text()) if path.exists() else 0

    def set_clock(self, name: str, offset_seconds: float) -> None:
        """Let the clock of that process be wrong, now and after its restart."""
        _replace(self.file(f"clock {name}"), str(offset_seconds))

    def clock(self, name: str) -> float:
        """By how many seconds that process's clock is wrong."""
        path = self.file(f"clock {name}")
        return float(path.read_text()) if path.exists() else 0.0

    def mine(self, bot: int, slots: range) -> Iterator[int]:
        """Which of these jobs the people of that bot ask for."""
        return (slot for slot in slots if slot % self.people % self.bots == bot)


def _replace(path: Path, text: str) -> None:
    """At once, so that no reader finds half of it."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)


def picture_of(slot: int) -> Pixels:
    """Noise that bears the job's number."""
    pixels = np.random.default_rng(slot).integers(0, 256, (EDGE, EDGE, 3), np.uint8)
    pixels[0, 0] = (slot % 256, slot // 256, 0)
    return pixels


def slot_of(pixels: Pixels) -> int:
    """The number that a picture bears."""
    return int(pixels[0, 0, 0]) + 256 * int(pixels[0, 0, 1])


def painted(pixels: Pixels) -> Pixels:
    """What the scripted painter makes of it."""
    return 255 - pixels
