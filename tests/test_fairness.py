"""What the arithmetic of the line promises, on lines drawn at random."""

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import pytest

from bot.fairness import seconds_left, turn, work
from engine.options import QUALITIES, Options

SIZES: Final = (256, 512, 768, 1024)
SMALL, LARGE = Options(size=256, quality="draft"), Options(size=1024, quality="fine")

seeds = pytest.mark.parametrize("seed", range(10))


@dataclass(order=True)
class Waiting:
    """A job in line, in the ledger's order: by turn, then by when it came."""

    turn: float
    number: int
    person: int = field(compare=False)
    options: Options = field(compare=False)


class Line:
    """The ledger's line with one painter, without the ledger."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waiting: list[Waiting] = []
        self.painted: list[Waiting] = []
        self._in_line: defaultdict[int, list[float]] = defaultdict(list)
        self._count = 0

    def enter(self, person: int, options: Options) -> Waiting:
        own = self._in_line[person]
        place = turn(self.now, max(own, default=None), len(own), options)
        own.append(place)
        self._count += 1
        job = Waiting(place, self._count, person, options)
        heapq.heappush(self.waiting, job)
        return job

    def paint_next(self) -> Waiting:
        job = heapq.heappop(self.waiting)
        self.now = max(self.now, job.turn)
        self._in_line[job.person].remove(job.turn)
        self.painted.append(job)
        return job

    def paint_until(self, last: Waiting) -> list[Waiting]:
        """Everything that is painted before that job."""
        before = []
        while (job := self.paint_next()) is not last:
            before.append(job)
        return before


def any_options(choice: random.Random) -> Options:
    return Options(size=choice.choice(SIZES), quality=choice.choice(QUALITIES))


def a_busy_line(choice: random.Random, people: int = 6) -> Line:
    """Some have many jobs in line, some few; the line has moved already."""
    line = Line()
    for _ in range(60):
        if line.waiting and choice.random() < 0.4:
            line.paint_next()
        else:
            line.enter(min(choice.randrange(people), choice.randrange(people)), any_options(choice))
    return line


def test_work_grows_with_the_pixels_and_the_quality() -> None:
    """What a person sees as longer counts as more."""
    edges = [work(Options(size=size)) for size in SIZES]
    qualities = [work(Options(quality=quality)) for quality in ("draft", "standard", "fine")]

    assert edges == [size**2 / 1e6 for size in SIZES]
    assert qualities == sorted(qualities)


@seeds
def test_a_persons_jobs_are_painted_in_the_order_in_which_they_came(seed: int) -> None:
    """Who asks twice expects the first picture first."""
    line = a_busy_line(random.Random(seed))

    while line.waiting:
        line.paint_next()

    for person in range(6):
        numbers = [job.number for job in line.painted if job.person == person]
        assert numbers == sorted(numbers)


@seeds
def test_a_newcomer_waits_for_at_most_as_much_of_anothers_work_as_their_own_job_is_and_one_job_more(seed: int) -> None:
    """However many jobs somebody else has in line."""
    choice = random.Random(seed)
    line = a_busy_line(choice)

    newcomer = line.enter(99, any_options(choice))
    before = line.paint_until(newcomer)

    for person in range(6):
        theirs = [work(job.options) for job in before if job.person == person]
        assert sum(theirs) <= work(newcomer.options) + max(theirs, default=0.0) + 1e-9


def test_two_hundred_jobs_of_one_person_delay_another_by_one() -> None:
    """The flood that made people give up on other bots."""
    line = Line()
    for _ in range(200):
        line.enter(1, Options())
    for _ in range(50):
        line.paint_next()

    newcomer = line.enter(2, Options())

    assert len(line.paint_until(newcomer)) <= 1


@seeds
def test_nobody_starves_among_people_who_always_have_small_jobs_in_line(seed: int) -> None:
    """A large picture is painted though twenty others ask for the next small one as soon as they have theirs."""
    line = a_busy_line(random.Random(seed))
    patient = line.enter(99, LARGE)
    others = range(100, 120)
    for person in others:
        line.enter(person, SMALL)

    while (job := line.paint_next()) is not patient:
        if job.person in others:
            line.enter(job.person, SMALL)

    for person in others:
        assert sum(work(job.options) for job in line.painted if job.person == person) <= work(LARGE) + work(SMALL)


@seeds
def test_nobody_starves_where_ever_new_people_bring_less_than_can_be_painted(seed: int) -> None:
    """A large picture is passed by as many small ones as ten people could have had instead, at nine painted in ten."""
    choice = random.Random(seed)
    line = Line()
    patient = line.enter(1, LARGE)
    people = iter(range(100, 100_000))
    line.enter(next(people), SMALL)

    while line.paint_next() is not patient:
        if choice.random() < 0.9:
            line.enter(next(people), SMALL)

    assert len(line.painted) <= 10 * work(LARGE) / work(SMALL)


def test_what_comes_later_is_not_always_last() -> None:
    """A small picture goes before a large one that came with it: its person waits for seconds, not minutes."""
    line = Line()
    large, small = line.enter(1, LARGE), line.enter(2, SMALL)

    assert [line.paint_next(), line.paint_next()] == [small, large]


@seeds
def test_people_who_always_have_jobs_in_line_get_equal_shares(seed: int) -> None:
    """Whether those are many small ones or a few large ones; within one job of each."""
    choice = random.Random(seed)
    sizes = {person: choice.choice((SMALL, Options(), LARGE)) for person in range(4)}
    line = Line()
    for person, options in sizes.items():
        line.enter(person, options)

    had: defaultdict[int, float] = defaultdict(float)
    for _ in range(400):
        job = line.paint_next()
        had[job.person] += work(job.options)
        line.enter(job.person, sizes[job.person])

    assert max(had.values()) - min(had[person] for person in sizes) <= 2 * work(LARGE)


def test_between_equal_jobs_the_newcomers_goes_first() -> None:
    """A person's second job stands behind another's first of the same size, though it came before."""
    line = Line()
    line.enter(1, Options())
    line.paint_next()
    second, first = line.enter(1, Options()), line.enter(2, Options())
    third = line.enter(1, Options())
    other = line.enter(2, Options())

    assert [line.paint_next() for _ in range(4)] == [second, first, third, other]


@seeds
def test_having_waited_before_gives_no_credit(seed: int) -> None:
    """Who comes back after a day begins where the line stands, neither before nor behind a newcomer."""
    choice = random.Random(seed)
    line = a_busy_line(choice)
    while line.waiting:
        line.paint_next()

    known, new = line.enter(0, Options()), line.enter(99, Options())

    assert known.turn == new.turn


def test_one_painter_paints_one_after_another() -> None:
    """The rest of the job in hand, then each order."""
    assert seconds_left([5.0], [1.0, 2.0], painters=1) == [6.0, 8.0]


def test_a_painter_without_a_job_in_hand_begins_at_once() -> None:
    """Two painters, one of them busy."""
    assert seconds_left([5.0], [1.0, 2.0, 9.0], painters=2) == [1.0, 3.0, 12.0]


def test_without_any_painter_the_time_left_is_as_if_one_came_now() -> None:
    """All workers are being updated: the best that can be told."""
    assert seconds_left([], [2.0, 3.0], painters=0) == [2.0, 5.0]


def test_more_jobs_in_hand_than_known_painters_are_all_counted() -> None:
    """A worker whose heart is not seen any more still holds its job."""
    assert seconds_left([1.0, 4.0], [2.0, 2.0], painters=1) == [3.0, 5.0]


def test_behind_a_job_of_unknown_length_nothing_is_told() -> None:
    """No guess is better than a wrong one."""
    assert seconds_left([], [1.0, None, 1.0], painters=1) == [1.0, None, None]


@seeds
def test_the_time_left_is_what_painters_need_who_take_the_next_job_when_they_are_free(seed: int) -> None:
    """Checked against painters who live through it second by second."""
    choice = random.Random(seed)
    painters = choice.randrange(1, 6)
    in_hand = [float(choice.randrange(1, 20)) for _ in range(choice.randrange(painters + 1))]
    orders = [float(choice.randrange(1, 20)) for _ in range(25)]

    told = seconds_left(in_hand, orders, painters)

    busy = in_hand + [0.0] * (painters - len(in_hand))
    lived: list[float] = []
    for second in range(1000):
        for painter in range(painters):
            if busy[painter] <= second and len(lived) < len(orders):
                busy[painter] = second + orders[len(lived)]
                lived.append(busy[painter])
    assert told == lived


@seeds
def test_another_painter_makes_nobody_wait_longer(seed: int) -> None:
    """An operator who adds a machine sees every estimate fall, or stay."""
    choice = random.Random(seed)
    in_hand = [choice.uniform(0, 9) for _ in range(2)]
    orders = [choice.uniform(0.1, 9) for _ in range(20)]

    fewer = [seconds or 0.0 for seconds in seconds_left(in_hand, orders, 2)]
    more = [seconds or 0.0 for seconds in seconds_left(in_hand, orders, 3)]

    assert all(late >= soon for late, soon in zip(fewer, more, strict=True))
