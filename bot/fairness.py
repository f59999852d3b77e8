"""Who is painted next, and when: the arithmetic of the line. No clock, no ledger, no framework.

Self-clocked fair queueing (Golestani, "A self-clocked fair queueing scheme for broadband applications", INFOCOM 1994),
with people for its flows: every job gets a *turn* when it enters the line, and the lowest turn is painted next. A turn
is the work that its person will have had by then, counted from where the line stands. So people share the painters
equally however many jobs each has, a job waits for no more of another person's work than it is itself and one job of
theirs, and short jobs go before long ones that came with them. Nothing starves as long as the same people come, or less
is asked for than can be painted; a long job waits long while ever new people ask for more than that.
"""

import heapq
from collections.abc import Mapping, Sequence
from typing import Final

from engine.options import Options, Quality

WORK_OF_QUALITY: Final[Mapping[Quality, float]] = {"draft": 0.3, "standard": 1.0, "fine": 2.1}
"""Seconds against those of standard: the embedded encoder, 256 px, on a CPU."""

CROWDING: Final = 0.01
"""A person's further job counts so much more for each that they have in line already, so that between equal turns the
newcomer's goes first."""


def work(options: Options) -> float:
    """How much painting that is, in megapixels of standard quality."""
    return options.size**2 / 1e6 * WORK_OF_QUALITY[options.quality]


def turn(now: float, own_last: float | None, own_waiting: int, options: Options) -> float:
    """The turn of a job that enters the line.

    Args:
        now: where the line stands: the highest turn that was begun.
        own_last: the highest turn among the unfinished jobs of its person; None if there is none.
        own_waiting: how many those are.
        options: the job's.
    """
    begins = now if own_last is None else max(now, own_last)
    return begins + work(options) * (1 + CROWDING * own_waiting)


def seconds_left(in_hand: Sequence[float], orders: Sequence[float | None], painters: int) -> list[float | None]:
    """When each order will be painted, by as many painters, each of which takes the next as soon as it is free.

    Args:
        in_hand: seconds that each job being painted still takes.
        orders: seconds that each waiting job takes, in their order; None where nobody knows.
        painters: how many there are; those without a job in hand are free now.

    Returns:
        For each order the seconds from now; None for one of unknown length and all behind it.
    """
    free = [*in_hand, *[0.0] * (painters - len(in_hand))] or [0.0]
    heapq.heapify(free)
    left: list[float | None] = []
    for seconds in orders:
        if seconds is None:
            break
        done = heapq.heappop(free) + seconds
        heapq.heappush(free, done)
        left.append(done)
    return left + [None] * (len(orders) - len(left))
