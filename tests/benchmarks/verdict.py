"""What came out of a play of the fault bench: who heard what, how often each fault happened, and what took how long."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from company import KILLED
from stage import Part, Stage, lines, painted, picture_of

from bot.jobs import digest
from engine.images import encode_png

DELIVERED_SHARE: Final = 0.99
RERUN_SECONDS: Final = 15.0
START_SECONDS: Final = 0.05
BY_A_JOB: Final = "killed by a job"
SCRIPTED_DEATHS: Final = (BY_A_JOB, "killed before the post", "killed after the post")

Event = dict[str, Any]  # Any: what JSON can say

FELT: Final[Mapping[str, Callable[[Event], bool]]] = {
    "disk full": lambda event: event["event"] == "trouble" and ("full" in event["why"] or "53100" in event["why"]),
    "ledger locked by another program": lambda event: event["event"] == "trouble" and "locked" in event["why"],
    "clock set": lambda event: event["event"] == "clock jumped",
    "database restarted": lambda event: event["event"] == "trouble" and bool(event["is_cut"]),
    "connections cut": lambda event: event["event"] == "trouble" and bool(event["is_cut"]),
}
"""By fault, whether that is a process's sign that it has noticed; the other faults leave nobody to notice."""


@dataclass(frozen=True)
class Verdict:
    """One mode's result."""

    last_line: str
    table: Sequence[str]
    complaints: Sequence[str] = field(default_factory=list)


def judge(stage: Stage, mode: str, kinds: Sequence[str], stuck: int, untold: int, seconds: float) -> Verdict:
    """Count.

    Args:
        kinds: of faults that must have happened.
        stuck: how many jobs were told only after all processes were started once more, if at all.
        untold: how many jobs are open in the ledger after all.
        seconds: that it took.
    """
    trace, accepted = lines(stage.trace), {line["job"]: line["slot"] for line in lines(stage.accepted)}
    counts, complaints = _count(stage, accepted)
    table = [f"{mode}: {len(accepted)} jobs of {stage.people} people in {seconds:.0f} s, seed {stage.seed}", ""]
    happened = Counter(event["event"] for event in trace)
    table += [f"  {'fault':36} {'times':>6} {'felt':>6}"]
    for kind in [*kinds, *SCRIPTED_DEATHS]:
        noticed = felt(kind, trace)
        table.append(f"  {kind:36} {happened[kind]:6} {'' if noticed is None else noticed:>6}")
        if not happened[kind] or noticed == 0:
            complaints.append(f"this fault did not happen, or nobody felt it: {kind}")
    table += ["", *(f"  {name:44} {count:6}" for name, count in counts.items())]
    for name in ("found in the channel", "refused to start, or gave up", "ended by itself", "stopped following"):
        table.append(f"  {name:44} {happened[name]:6}")
    table += ["", *_figures(stage, trace)]
    for fatal in ("ended by itself", "stopped following"):
        complaints += [f"{fatal}: {event}" for event in trace if event["event"] == fatal]
    if stuck:
        complaints.append(f"{stuck} jobs were not told until everything was started once more, if at all")
    if untold:
        complaints.append(f"{untold} jobs are still open in the ledger")
    if len(accepted) != stage.jobs:
        complaints.append(f"{len(accepted)} of {stage.jobs} jobs were accepted")
    last = f"{mode}: {len(accepted)} accepted, {counts['lost']} lost, {counts['twice']} twice"
    return Verdict(last, table, complaints)


def _count(stage: Stage, accepted: dict[str, int]) -> tuple[dict[str, int], list[str]]:
    posts = lines(stage.channel)
    pictures = Counter(post["job"] for post in posts if post["kind"] == "picture")
    sentences = {post["job"] for post in posts if post["kind"] == "sentence"}
    to_fail = {job for job, slot in accepted.items() if stage.parts[slot] in (Part.FAILS, Part.KILLS)}
    lost = accepted.keys() - pictures.keys() - sentences
    twice = [job for job, times in pictures.items() if times > 1]
    plain = accepted.keys() - to_fail
    delivered = plain & pictures.keys()
    wrong = {post["job"] for post in posts if post["kind"] == "picture" and post["digest"] != _due(post["slot"])}
    counts = {
        "delivered": len(delivered),
        "failed as scripted": len(to_fail & sentences),
        "lost": len(lost),
        "twice": len(twice),
        "painted, but unknown to whoever asked": len((pictures.keys() | sentences) - accepted.keys()),
    }
    complaints = [f"lost: job {job}, number {accepted[job]}" for job in sorted(lost)]
    complaints += [f"posted {pictures[job]} times: job {job}" for job in sorted(twice)]
    complaints += [f"another's picture was posted for job {job}" for job in sorted(wrong)]
    complaints += [f"failed though not scripted to: job {job}" for job in sorted(plain & sentences)]
    complaints += [f"delivered though scripted to fail: job {job}" for job in sorted(to_fail & pictures.keys())]
    if len(delivered) < DELIVERED_SHARE * len(plain):
        complaints.append(f"only {len(delivered)} of {len(plain)} jobs were delivered")
    return counts, complaints


def _due(slot: int) -> str:
    return digest(encode_png(painted(picture_of(slot))))


def felt(kind: str, trace: Sequence[Event]) -> int | None:
    """How often a process noticed that fault; None for faults that leave nobody to notice."""
    if kind not in FELT:
        return None
    return [FELT[kind](event) for event in trace].count(True)


def _figures(stage: Stage, trace: Sequence[Event]) -> list[str]:
    faults_at = next((event["at"] for event in trace if event["event"] == "faults begin"), float("inf"))
    reruns = _reruns(trace)
    quiet = [seconds for at, seconds in reruns if at < faults_at]
    amid = [seconds for at, seconds in reruns if at >= faults_at]
    asked = {event["slot"]: event["at"] for event in trace if event["event"] == "asked"}
    begun: dict[int, float] = {}
    for event in trace:
        if event["event"] == "begun":
            begun.setdefault(event["slot"], event["at"])
    timed = range(stage.quiet - stage.quiet_killers)
    starts = [begun[slot] - asked[slot] for slot in timed if slot in begun and slot in asked]
    silence = "restart" if stage.silence_seconds is None else f"{stage.silence_seconds:.0f} s of silence"
    figures = [
        _spread(f"worker death to re-run, {silence}", quiet, RERUN_SECONDS),
        _spread("the same amid faults, behind who waits", amid),
        _spread("submit to start, idle queue", starts, START_SECONDS),
    ]
    return [f"  {figure}" for figure in figures]


def _reruns(trace: Sequence[Event]) -> list[tuple[float, float]]:
    """When each worker died that had a job in hand which was begun again, and after how many seconds it was."""
    begun = [event for event in trace if event["event"] == "begun"]
    reruns = []
    for death in trace:
        if death["event"] != BY_A_JOB and not death["event"].endswith(KILLED):
            continue
        in_hand = [event["slot"] for event in begun if event["pid"] == death["pid"]][-1:]
        again = [event["at"] for event in begun if event["slot"] in in_hand and event["at"] > death["at"]][:1]
        reruns += [(death["at"], at - death["at"]) for at in again]
    return reruns


def _spread(name: str, seconds: Sequence[float], goal_seconds: float | None = None) -> str:
    if not seconds:
        return f"{name:44}      –"
    middle, worst = median(seconds), max(seconds)
    told = f"median {middle:.3f} s, longest {worst:.3f} s, of {len(seconds)}"
    if goal_seconds is None:
        return f"{name:44} {told}"
    is_met = (worst if goal_seconds >= 1 else middle) < goal_seconds
    return f"{name:44} {told}; goal {goal_seconds:g} s: {'met' if is_met else 'missed'}"
