"""The processes of the fault bench and whoever starts them again, as systemd or Docker would."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from stage import Stage

TICK_SECONDS: Final = 0.05
BACK_OFF_SECONDS: Final = 0.5
"""Before a process that refused to start is started again."""
ASKED_FOR: Final = (0, -signal.SIGKILL, -signal.SIGTERM)
REFUSED: Final = 2
"""A sentence said why: as at `bot.__main__`."""
KILLED: Final = " killed with -9"
"""What the trace says, after the role."""


class Member:
    """One process and those that come after it under its name."""

    def __init__(self, stage: Stage, name: str, role: str, bot: int = 0) -> None:
        self._stage = stage
        self.name = name
        self.role = role
        self._program = [sys.executable, str(Path(__file__).with_name("mortal.py"))]
        self._program += [str(stage.file("stage")), name, role, str(bot)]
        self._log = stage.file(f"log {name}")
        self._start_at = 0.0
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._program, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def look_after(self) -> int | None:
        """Start it again if it has ended; how it did."""
        code = self.process.poll()
        if code is None:
            return None
        if code == REFUSED and not self._start_at:
            self._start_at = time.monotonic() + BACK_OFF_SECONDS
        if time.monotonic() < self._start_at:
            return None
        self._start_at = 0.0
        self.process = self._start()
        return code

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        return self.is_running and self._stage.is_ready(self.process.pid)


class Company:
    """All members of a play.

    Args:
        stage: theirs.
        members: name, role and number of the bot.
        meanwhile: called at every tick of a wait.
    """

    def __init__(self, stage: Stage, members: Sequence[tuple[str, str, int]], meanwhile: Callable[[], None]) -> None:
        self._stage = stage
        self._meanwhile = meanwhile
        self.members = [Member(stage, *member) for member in members]

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.wait_until(lambda: False, seconds)

    def wait_until(self, is_so: Callable[[], bool], seconds: float) -> bool:
        """Let time pass until it is so, or no longer than that; whether it is."""
        end = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() >= end:
                return False
            time.sleep(TICK_SECONDS)
            self._meanwhile()
            for member in self.members:
                self._look_after(member)
        return True

    def wait_until_ready(self, *members: Member, seconds: float) -> bool:
        """Let time pass until they have started; whether they have."""
        return self.wait_until(lambda: all(member.is_ready for member in members), seconds)

    def _look_after(self, member: Member) -> None:
        pid, code = member.process.pid, member.look_after()
        if code == REFUSED:
            self._stage.tell("refused to start, or gave up", name=member.name, pid=pid)
        elif code is not None and code not in ASKED_FOR:
            self._stage.tell("ended by itself", name=member.name, code=code, pid=pid)

    def kill(self, member: Member) -> None:
        """It writes nothing more."""
        if member.is_running:
            member.process.kill()
            member.process.wait()
            self._stage.tell(f"{member.role}{KILLED}", pid=member.process.pid)

    def stop(self, member: Member) -> None:
        """As an operator's update does; it is waited for."""
        if member.is_running:
            member.process.terminate()
            self.wait_until(lambda: not member.is_running, seconds=15)
            self._stage.tell("process stopped with SIGTERM")

    @contextmanager
    def asleep(self, member: Member) -> Iterator[None]:
        """Its process stands still meanwhile, and knows nothing of it."""
        process = member.process
        process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """Nobody starts them again."""
        for member in self.members:
            member.process.kill()
            member.process.wait()
