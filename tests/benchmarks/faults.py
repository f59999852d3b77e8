"""Whether a job that was accepted is delivered once, whatever dies: a thousand jobs while everything is broken.

    .venv/bin/python -m tests.benchmarks.faults

For one process over SQLite, and for a cluster over PostgreSQL: fifty people ask for a thousand pictures while processes
are killed, stopped and put to sleep, the database is restarted, connections are cut, clocks jump and the disk fills.
The processes are real ones (`mortal.py`) over the real ledger, queue, wire and heart; the painter is scripted, and a
file stands for Discord. A job counts as accepted when its bot has written so to a list after `submit` returned, and as
lost if its person then hears nothing. Exit code 1 if one is lost or posted twice, if one fails that is not scripted
to, if under 99 % of the others are delivered, if one is told only after a last start of everything, if a process ends
by itself, or if a kind of fault did not happen.
"""

import argparse
import asyncio
import os
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))
from breakable import Database
from company import KILLED, Company, Member
from stage import FRONT_END, Stage, lines
from verdict import Verdict, felt, judge

from bot.ledger import open_ledger

PEOPLE: Final = 50
ALONE: Final = [("alone", "run", 0)]
CLUSTER: Final = [*((f"bot {n}", "bot", n) for n in (0, 1)), *((f"worker {n}", "worker", 0) for n in (0, 1, 2))]
JOBS_PER_ROUND: Final = 100
"""In a round every fault is committed at least once."""
JOB_SECONDS: Final = 0.1
"""Between two jobs, so that the painters are busy for about half of the time in which faults are committed."""
JUMPS_SECONDS: Final = (3600.0, -3600.0, 86400.0, -86400.0, 60 * 86400.0, 0.0)
"""By which a clock is wrong from then on; at the fifth, everything that ended is swept."""
LOCK_SECONDS: Final = 5.5
"""Longer than SQLite's own patience."""
FELT_SECONDS: Final = 30.0
"""For so much longer at most a fault goes on that nobody has noticed yet, since all were starting or idle."""
DISK_SECONDS: Final = 3.0
DATABASE_SECONDS: Final = 2.0
START_SECONDS: Final = 60.0
READY_SHARE: Final = 0.8
"""Of the faults that wait until whom they hit has started."""
SETTLE_SECONDS: Final = 2.0
"""For the last posts, when all jobs are told: one too many would come in this time."""


@dataclass(frozen=True)
class Tempo:
    """How long the bench takes, and how sure one may then be."""

    jobs: int
    silence_seconds: float
    pauses_seconds: tuple[float, float]
    """Between two faults."""
    timed: int
    """Jobs that are asked for one after another before the first fault."""
    killers: int
    """Jobs that kill their workers before it."""
    patience_seconds: float
    """A job of which nothing is heard for so long, when all faults are over, is lost."""


FULL: Final = Tempo(1000, 10.0, (1.0, 5.0), timed=30, killers=2, patience_seconds=120.0)
QUICK: Final = Tempo(100, 2.0, (0.1, 0.6), timed=5, killers=1, patience_seconds=45.0)


class Door:
    """Lets people ask for one job after the other, up to a target."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._open = self.target = 0
        self._opened_at = 0.0

    def tick(self) -> None:
        """Called now and then."""
        now = time.monotonic()
        if self._open < self.target and now - self._opened_at >= JOB_SECONDS:
            self._opened_at = now
            self._open += 1
            self._stage.open_door(self._open)


class Chaos:
    """Commits faults; each returns when it is over, though processes may still be starting again."""

    def __init__(self, stage: Stage, company: Company, database: Database | None) -> None:
        self._stage = stage
        self._company = company
        self._database = database
        self._chance = random.Random(stage.seed)

    def faults(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """By name, how often each is committed in a round."""
        anybody = {"process stopped with SIGTERM": (1, self.stop), "clock set": (1, self.set_a_clock)}
        if self._database is None:
            return {
                f"run{KILLED}": (3, lambda: self.kill("run")),
                **anybody,
                "ledger locked by another program": (1, self.lock_the_file),
                "disk full": (1, self.fill_sqlite),
            }
        disk = {} if self._database.why_no_disk else {"disk full": (1, self.fill_the_tablespace)}
        return {
            f"bot{KILLED}": (2, lambda: self.kill("bot")),
            f"worker{KILLED}": (3, lambda: self.kill("worker")),
            **anybody,
            "worker asleep for too long": (1, self.put_to_sleep),
            "database restarted": (1, self.restart_the_database),
            "connections cut": (1, self.cut_connections),
            **disk,
        }

    def round(self) -> list[Callable[[], None]]:
        """Each as often as it should be, in any order."""
        faults = [commit for times, commit in self.faults().values() for _ in range(times)]
        self._chance.shuffle(faults)
        return faults

    def some_seconds(self, least: float, most: float) -> float:
        """By chance."""
        return self._chance.uniform(least, most)

    def kill(self, role: str) -> None:
        """With -9."""
        self._company.kill(self._anyone(role))

    def stop(self) -> None:
        """As an update does."""
        self._company.stop(self._anyone())

    def set_a_clock(self) -> None:
        """Of one process, now and after its restarts."""
        name = self._anyone().name
        jumps = [seconds for seconds in JUMPS_SECONDS if seconds != self._stage.clock(name)]
        self._stage.set_clock(name, self._chance.choice(jumps))
        self._stage.tell("clock set")

    def put_to_sleep(self) -> None:
        """Until it counts as dead; then it wakes up with a job in hand that is another's, and a heart that is gone."""
        with self._company.asleep(self._anyone("worker")):
            self._company.wait((self._stage.silence_seconds or 0.0) + 3.0)
        self._stage.tell("worker asleep for too long")

    def lock_the_file(self) -> None:
        """As a backup would that goes about it the wrong way."""
        place = self._stage.url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(place, timeout=60, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._go_on("ledger locked by another program", LOCK_SECONDS)

    def fill_sqlite(self) -> None:
        """Its file may not grow for a while."""
        self._stage.disk_is_full.touch()
        self._go_on("disk full", DISK_SECONDS)
        self._stage.disk_is_full.unlink()

    def fill_the_tablespace(self) -> None:
        """Nothing fits on the disk for a while."""
        assert self._database
        with self._database.full():
            self._go_on("disk full", DISK_SECONDS)

    def restart_the_database(self) -> None:
        """As an operator would."""
        assert self._database
        self._database.server.halt()
        self._company.wait(DATABASE_SECONDS)
        self._database.server.resume()
        self._stage.tell("database restarted")

    def cut_connections(self) -> None:
        """Half of them, or all."""
        assert self._database
        if self._database.cut(self._chance.choice((0.5, 1.0))):
            self._stage.tell("connections cut")

    def _go_on(self, kind: str, seconds: float) -> None:
        """Let a fault go on for so long, and until a process has noticed it."""
        before = felt(kind, lines(self._stage.trace))
        self._company.wait(seconds)
        self._company.wait_until(lambda: felt(kind, lines(self._stage.trace)) != before, FELT_SECONDS)
        self._stage.tell(kind)

    def _anyone(self, role: str | None = None) -> Member:
        """Where it has just died, mostly once it has started again."""
        member = self._chance.choice([member for member in self._company.members if role in (None, member.role)])
        if self._chance.random() < READY_SHARE:
            self._company.wait_until_ready(member, seconds=START_SECONDS)
        return member


class Play:
    """One mode from beginning to end."""

    def __init__(self, stage: Stage, tempo: Tempo, database: Database | None) -> None:
        self._stage = stage
        self._tempo = tempo
        self._door = Door(stage)
        self._company = Company(stage, ALONE if database is None else CLUSTER, self._door.tick)
        self._chaos = Chaos(stage, self._company, database)

    def perform(self, mode: str) -> Verdict:
        """Time what is quiet, break everything, wait for the end, start once more, and count."""
        began = time.monotonic()
        try:
            self._wait_until_ready()
            self._ask_one_after_another()
            self._stage.tell("faults begin")
            self._break_everything()
            self._wait_for(self._told)
            stuck = self._stage.jobs - self._told()
            self._start_once_more()
            untold = self._untold()
        finally:
            self._company.end()
        return judge(self._stage, mode, list(self._chaos.faults()), stuck, untold, time.monotonic() - began)

    def _ask_one_after_another(self) -> None:
        """Each from an idle queue; then those that kill their workers, until they are given up."""
        for jobs in [*range(1, self._tempo.timed + 1), self._stage.quiet]:
            self._door.target = jobs
            self._wait_for(self._told, jobs)
            self._company.wait(0.2)

    def _break_everything(self) -> None:
        rounds = max(1, round(self._stage.jobs / JOBS_PER_ROUND))
        faults = [fault for _ in range(rounds) for fault in self._chaos.round()]
        for number, fault in enumerate(faults, 1):
            self._door.target += round((self._stage.jobs - self._door.target) / (len(faults) - number + 1))
            self._company.wait(self._chaos.some_seconds(0.1, 0.6))
            fault()
            self._company.wait(self._chaos.some_seconds(*self._tempo.pauses_seconds))

    def _start_once_more(self) -> None:
        """Whatever the last processes left is told by these, and nothing again."""
        for member in self._company.members:
            member.process.kill()
            member.process.wait()
        self._wait_until_ready()
        self._company.wait_until(lambda: not self._untold(), self._tempo.patience_seconds)
        self._company.wait(SETTLE_SECONDS)

    def _wait_until_ready(self) -> None:
        if not self._company.wait_until_ready(*self._company.members, seconds=START_SECONDS):
            raise RuntimeError("the processes do not start; --keep DIR shows their logs")

    def _wait_for(self, count: Callable[[], int], goal: int | None = None) -> None:
        """Until so many; gives up when for too long there are no more."""
        goal, is_on = self._stage.jobs if goal is None else goal, True
        while is_on and (reached := count()) < goal:
            is_on = self._company.wait_until(partial(_is_above, reached, count), self._tempo.patience_seconds)

    def _told(self) -> int:
        """How many of the accepted jobs have been answered."""
        told = {post["job"] for post in lines(self._stage.channel)}
        return len(told & {line["job"] for line in lines(self._stage.accepted)})

    def _untold(self) -> int:
        async def count() -> int:
            ledger = await open_ledger(self._stage.url)
            try:
                return len(await ledger.untold(FRONT_END))
            finally:
                await ledger.close()

        return asyncio.run(count())


def _is_above(reached: int, count: Callable[[], int]) -> bool:
    return count() > reached


def perform(mode: str, tempo: Tempo, seed: int, folder: Path) -> Verdict:
    """Set the stage for that mode, and play."""
    folder.mkdir(parents=True)
    stage = Stage(
        folder=str(folder),
        url=f"sqlite:///{folder}/ledger.db",
        silence_seconds=None,
        bots=1,
        people=PEOPLE,
        jobs=tempo.jobs,
        seed=seed,
        bench=os.getpid(),
        quiet=tempo.timed + tempo.killers,
        quiet_killers=tempo.killers,
    )
    if mode == "local":
        stage.save()
        return Play(stage, tempo, None).perform(mode)
    with tempfile.TemporaryDirectory() as short, closing(Database(Path(short))) as database:
        if database.why_no_disk:
            print(f"PostgreSQL's disk is not filled: {database.why_no_disk}", flush=True)
        stage = replace(stage, url=database.url, silence_seconds=tempo.silence_seconds, bots=2)
        stage.save()
        return Play(stage, tempo, database).perform(mode)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each mode, what is wrong, and a last line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, help="of each mode; 1000")
    parser.add_argument("--seed", type=int, default=1, help="of what happens to whom, and when")
    parser.add_argument("--only", choices=("local", "cluster"), help="one mode")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="logs, traces and lists, in a new folder")
    parser.add_argument("--quick", action="store_true", help="two minutes: fewer jobs, and every fault at least once")
    wishes = parser.parse_args(arguments)
    tempo = QUICK if wishes.quick else FULL
    tempo = replace(tempo, jobs=wishes.jobs or tempo.jobs)
    if tempo.jobs < 100:
        parser.error("--jobs must be at least 100, so that there is one of every part")
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for mode in [wishes.only] if wishes.only else ["local", "cluster"]:
            verdict = perform(mode, tempo, wishes.seed, (wishes.keep or Path(folder)).absolute() / mode)
            verdicts.append(verdict)
            print("\n".join(verdict.table), end="\n\n", flush=True)
            for complaint in verdict.complaints:
                print(f"  WRONG: {complaint}", flush=True)
    print(f"load of the machine, last 15 minutes: {os.getloadavg()[2]:.1f} on {os.cpu_count()} cores")
    print("\n".join(verdict.last_line for verdict in verdicts))
    return 1 if any(verdict.complaints for verdict in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main())
