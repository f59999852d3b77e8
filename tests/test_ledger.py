"""The ledger on real databases, SQLite and PostgreSQL: what was committed is there, whatever dies."""

import asyncio
import json
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from fakes import a_job, a_picture
from postgres import GRANTS, PostgresServer
from sqlalchemy.exc import IntegrityError

from bot.jobs import (
    Address,
    Job,
    JobState,
    LedgerUnusable,
    Move,
    OpenLimits,
    Outdated,
    Owner,
    Refused,
    Retention,
    UnknownJob,
    digest,
)
from bot.ledger import Heart, SqlLedger, migrate, open_ledger, sweeping
from bot.ledger.database import asyncio_engine, place_of, told_in_a_sentence
from bot.ledger.tables import jobs
from engine.options import Options

LIMITS = OpenLimits(per_person=3, per_server=9)
NOW = 1_800_000_000.0


class Clock:
    """Unix time, which a test may push forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def ledger(ledger_url: str, clock: Clock) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(ledger_url, clock)
    yield opened
    await opened.close()


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(f"sqlite:///{tmp_path}/deep/ledger.db")
    yield opened
    await opened.close()


async def queue(ledger: SqlLedger, limits: OpenLimits = LIMITS, **more: object) -> Job:
    """A job that waits in line."""
    job, pictures = a_job(**more)  # type: ignore[arg-type]  # whatever the test wants different
    await ledger.accept(job, pictures, limits)
    assert await ledger.enqueue(job.id)
    return await ledger.job(job.id)


async def begin(ledger: SqlLedger, worker: str = "worker") -> Job:
    """The next job, begun."""
    job = await ledger.begin_next(worker)
    assert job is not None
    return job


async def paint(ledger: SqlLedger, **more: object) -> Job:
    """A job that was painted."""
    job = await queue(ledger, **more)  # type: ignore[arg-type]  # as above
    assert await ledger.finish(await begin(ledger), b"the result of " + job.id.encode(), a_picture())
    return await ledger.job(job.id)


async def deliver(ledger: SqlLedger, **more: object) -> Job:
    """A job that its person has."""
    job = await paint(ledger, **more)
    assert await ledger.begin_delivery(job.id)
    assert await ledger.delivered(job.id)
    return await ledger.job(job.id)


async def test_an_accepted_job_is_there_after_the_ledger_is_opened_again(ledger: SqlLedger, ledger_url: str) -> None:
    """Acceptance is a promise that outlives the process."""
    job, pictures = a_job()
    await ledger.accept(job, pictures, LIMITS)

    again = await open_ledger(ledger_url)

    assert await again.job(job.id) == job
    assert await again.picture(job.content) == pictures[job.content]
    await again.close()


async def test_a_job_goes_from_accepted_to_delivered(ledger: SqlLedger) -> None:
    """The whole way, as drawn in bot.jobs."""
    job, pictures = a_job()
    await ledger.accept(job, pictures, LIMITS)
    states = [(await ledger.job(job.id)).state]
    for step in (
        lambda: ledger.enqueue(job.id),
        lambda: ledger.begin_next("worker"),
        lambda: ledger.finish(replace(job, lease=1), b"the result", a_picture()),
        lambda: ledger.begin_delivery(job.id),
        lambda: ledger.delivered(job.id),
    ):
        assert await step()
        states.append((await ledger.job(job.id)).state)

    delivered = await ledger.job(job.id)
    assert states == ["accepted", "queued", "painting", "painted", "delivering", "delivered"]
    assert (delivered.encoder, delivered.note, delivered.lease, delivered.worker) == ("fake", "Smaller.", 1, "worker")
    assert await ledger.picture(delivered.result or "") == b"the result"
    assert not delivered.is_open


MOVES: Mapping[Move, Callable[[SqlLedger, Job], Awaitable[object]]] = {
    Move.ENQUEUE: lambda ledger, job: ledger.enqueue(job.id),
    Move.BEGIN: lambda ledger, job: ledger.begin_next("worker"),
    Move.RETURN: lambda ledger, job: ledger.hand_back(job),
    Move.FINISH: lambda ledger, job: ledger.finish(job, b"a result", a_picture()),
    Move.FAIL: lambda ledger, job: ledger.fail(job, "It failed."),
    Move.CANCEL: lambda ledger, job: ledger.cancel(job.id),
    Move.EXPIRE: lambda ledger, job: ledger.expire_overdue(),
    Move.BEGIN_DELIVERY: lambda ledger, job: ledger.begin_delivery(job.id),
    Move.DELIVER: lambda ledger, job: ledger.delivered(job.id),
    Move.GIVE_UP: lambda ledger, job: ledger.give_up(job.id, "It cannot be handed out."),
    Move.LOSE_SIGHT: lambda ledger, job: ledger.lose_sight(job.id),
}


@pytest.mark.parametrize("move", Move)
async def test_a_job_moves_from_where_the_drawing_says_and_from_nowhere_else(
    ledger: SqlLedger, clock: Clock, move: Move
) -> None:
    """An illegal step changes nothing, whoever tries it."""
    for state in JobState:
        job = await queue(ledger, OpenLimits(99, 99), deadline=NOW + 5)
        values = {"state": state, "lease": 1}
        async with ledger.engine.begin() as connection:
            await connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(values))
        clock.now = NOW if move is Move.BEGIN else NOW + 9

        moved = await MOVES[move](ledger, replace(job, lease=1))

        assert bool(moved) == (state in move.sources), state
        assert (await ledger.job(job.id)).state is (move.target if state in move.sources else state)
        async with ledger.engine.begin() as connection:
            await connection.execute(sa.delete(jobs))


async def test_what_was_accepted_by_a_process_that_died_comes_into_the_line(ledger: SqlLedger) -> None:
    """Between "accepted" and "queued" nothing can be lost."""
    job, pictures = a_job()
    await ledger.accept(job, pictures, LIMITS)

    assert await ledger.adopt() == [job.id]

    assert [waiting.id for waiting in await ledger.waiting()] == [job.id]
    assert await ledger.adopt() == []


async def test_the_limits_hold_under_two_commands_at_once(ledger: SqlLedger) -> None:
    """Counted in the transaction that inserts: a quick double click slips nothing through."""
    for same, limits in (({"user_id": 7}, OpenLimits(2, 99)), ({"guild_id": 8}, OpenLimits(99, 2))):
        requests = [a_job(**{"user_id": user, "guild_id": user, **same}) for user in range(20, 24)]

        outcomes = await asyncio.gather(
            *(ledger.accept(job, pictures, limits) for job, pictures in requests), return_exceptions=True
        )

        assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False, False, True, True]
    assert await ledger.unfinished(Owner(7, 1)) == 2


async def test_a_refused_job_leaves_nothing_behind(ledger: SqlLedger) -> None:
    """Not even its pictures."""
    job, pictures = a_job()

    with pytest.raises(Refused, match="You already have 0 pictures"):
        await ledger.accept(job, pictures, OpenLimits(0, 9))
    with pytest.raises(Refused, match="This server already has 0 pictures"):
        await ledger.accept(job, pictures, OpenLimits(9, 0))

    with pytest.raises(UnknownJob):
        await ledger.job(job.id)
    with pytest.raises(KeyError):
        await ledger.picture(job.content)


async def test_one_persons_many_jobs_do_not_delay_anothers_first(ledger: SqlLedger) -> None:
    """Even when the first of the many is being painted already, and at every step after it."""
    for _ in range(5):
        await queue(ledger, OpenLimits(9, 99), user_id=1)
    await begin(ledger)
    await queue(ledger, user_id=2)
    await queue(ledger, user_id=2)

    order = [(await begin(ledger)).owner.user_id for _ in range(6)]

    assert order == [2, 1, 2, 1, 1, 1]


async def test_a_short_job_goes_before_long_ones_that_came_with_it(ledger: SqlLedger) -> None:
    """Nobody waits minutes for a thumbnail; and yet the long one is painted in its time."""
    long_ = await queue(ledger, user_id=1, options=Options(size=1024))
    short = [await queue(ledger, user_id=user, options=Options(size=512)) for user in range(2, 8)]

    assert [job.id for job in await ledger.waiting()][:1] == [short[0].id]

    for user in range(20, 40):  # newcomers with short jobs, for ever
        await begin(ledger)
        await queue(ledger, OpenLimits(9, 99), user_id=user, options=Options(size=512))
    assert (await ledger.job(long_.id)).state is JobState.PAINTING


async def test_operators_go_first_and_move_nobody_back(ledger: SqlLedger) -> None:
    """Priority is above fairness; among the others, who comes after an operator's many jobs is no worse off."""
    waiting = [await queue(ledger, user_id=1) for _ in range(3)]
    first = [await queue(ledger, OpenLimits(9, 99), user_id=2, priority=1) for _ in range(4)]

    assert [(await begin(ledger)).id for _ in first] == [job.id for job in first]

    newcomer = await queue(ledger, user_id=3)
    assert [job.id for job in await ledger.waiting()][:2] == [waiting[0].id, newcomer.id]


async def test_an_overdue_job_is_not_begun_and_its_person_is_told(ledger: SqlLedger, clock: Clock) -> None:
    """Painting what can no longer be delivered is time taken from others."""
    job = await queue(ledger, deadline=NOW + 60)
    clock.now += 61

    assert await ledger.begin_next("worker") is None
    assert await ledger.expire_overdue() == [job.id]

    (untold,) = await ledger.untold("page")
    assert untold.state is JobState.EXPIRED
    assert "too long" in (untold.note or "")


async def test_handing_back_keeps_the_place_and_is_no_death(ledger: SqlLedger) -> None:
    """An operator's restart is not the job's fault."""
    first, second = await queue(ledger, user_id=1), await queue(ledger, user_id=2)

    assert await ledger.hand_back(await begin(ledger))

    assert [job.id for job in await ledger.waiting()] == [first.id, second.id]
    assert (await ledger.job(first.id)).deaths == 0


async def test_a_job_whose_worker_died_goes_behind_those_who_wait_and_fails_the_third_time(ledger: SqlLedger) -> None:
    """A poisonous picture delays nobody, and ends."""
    poison = await queue(ledger, user_id=1)
    for deaths in (1, 2):
        innocent = await queue(ledger, user_id=1 + deaths)
        assert (await begin(ledger, "frail")).id == poison.id
        assert await ledger.bury("frail", None) == [poison.id]
        assert [job.id for job in await ledger.waiting()] == [innocent.id, poison.id]
        assert (await ledger.job(poison.id)).deaths == deaths
        assert await ledger.finish(await begin(ledger), b"a result", a_picture())

    assert (await begin(ledger, "frail")).id == poison.id
    assert await ledger.bury("frail", None) == [poison.id]

    (failed,) = [job for job in await ledger.untold("page") if job.id == poison.id]
    assert failed.state is JobState.FAILED
    assert "several times" in (failed.note or "")


async def test_a_worker_whose_heart_beats_cannot_be_buried(ledger: SqlLedger, ledger_url: str) -> None:
    """Whoever saw an old count has seen nothing."""
    job = await queue(ledger)
    await begin(ledger, "alive")
    assert await ledger.beats() == {"alive": None}
    heart = Heart(ledger_url, "alive", seconds=0.01)
    heart.start()
    try:
        while (await ledger.beats())["alive"] in (None, 1):  # noqa: ASYNC110  # a thread of its own
            await asyncio.sleep(0.01)

        assert await ledger.bury("alive", None) == []
        assert await ledger.bury("alive", 1) == []
        assert (await ledger.job(job.id)).state is JobState.PAINTING
    finally:
        await asyncio.to_thread(heart.stop)
    assert await ledger.beats() == {"alive": None}


async def test_a_worker_that_wakes_up_too_late_cannot_write(ledger: SqlLedger) -> None:
    """Its job was given away: only the newest lease counts, even for a worker of the same name."""
    await queue(ledger)
    asleep = await begin(ledger, "asleep")
    await ledger.bury("asleep", None)
    now = await begin(ledger, "asleep")

    assert not await ledger.finish(asleep, b"too late", a_picture())
    assert not await ledger.fail(asleep, "too late")
    assert not await ledger.hand_back(asleep)
    assert await ledger.finish(now, b"in time", a_picture())

    with pytest.raises(KeyError):
        await ledger.picture(digest(b"too late"))


async def test_a_cancelled_job_cannot_be_finished_any_more(ledger: SqlLedger) -> None:
    """What is cancelled stays so: no result follows."""
    await queue(ledger)
    job = await begin(ledger)

    assert await ledger.cancel(job.id)

    assert not await ledger.finish(job, b"too late", a_picture())
    assert not await ledger.fail(job, "too late")
    assert not await ledger.cancel(job.id)
    assert (await ledger.job(job.id)).state is JobState.CANCELLED


async def test_whoever_finds_a_delivery_begun_is_told_to_look(ledger: SqlLedger) -> None:
    """After a crash between posting and its record, the picture must not be posted blindly."""
    job = await paint(ledger)

    assert await ledger.begin_delivery(job.id)
    assert not await ledger.begin_delivery(job.id)

    assert await ledger.delivered(job.id)
    assert not await ledger.delivered(job.id)


async def test_a_failed_job_waits_until_its_person_was_told(ledger: SqlLedger) -> None:
    """Bad news is delivered as reliably as good."""
    await queue(ledger)
    job = await begin(ledger)
    await ledger.fail(job, "It did not work.")

    assert [untold.note for untold in await ledger.untold("page")] == ["It did not work."]
    await ledger.told(job.id)

    assert await ledger.untold("page") == []
    assert (await ledger.job(job.id)).state is JobState.FAILED


async def test_a_painted_job_is_not_told_away(ledger: SqlLedger) -> None:
    """Only its picture closes it."""
    job = await paint(ledger)

    await ledger.told(job.id)

    assert [untold.id for untold in await ledger.untold("page")] == [job.id]


async def test_another_front_ends_jobs_are_not_mine_to_tell(ledger: SqlLedger) -> None:
    """Discord's messages are not the page's."""
    await queue(ledger)

    assert await ledger.untold("discord") == []


async def test_an_unknown_job_is_said_so(ledger: SqlLedger) -> None:
    """A button of last year."""
    for ask in (ledger.job, ledger.cancel, ledger.told, ledger.enqueue, ledger.begin_delivery):
        with pytest.raises(UnknownJob, match="no job 0123456789ab"):
            await ask("0123456789ab")
    with pytest.raises(UnknownJob):
        await ledger.fail(a_job(id="0123456789ab")[0], "It failed.")


async def test_a_preview_is_kept_while_the_job_is_painted(ledger: SqlLedger) -> None:
    """For the front-ends of other processes; the newest only."""
    await queue(ledger)
    job = await begin(ledger)
    for preview in (b"coarse", b"finer"):
        await ledger.keep_preview(job, preview)
    assert await ledger.preview(job.id) == b"finer"

    await ledger.finish(job, b"the result", a_picture())

    assert await ledger.preview(job.id) is None


async def test_what_nobody_waits_for_is_swept_in_its_time(ledger: SqlLedger, clock: Clock) -> None:
    """Inputs, results and the record each have their own; what is open stays whole."""
    retention = Retention(inputs_days=1, results_days=3, jobs_days=5)
    done = await deliver(ledger, content=digest(b"mine"))
    open_ = await queue(ledger)
    left = []
    for day in (0.5, 2.0, 4.0, 6.0):
        clock.now = NOW + 86400 * day
        await ledger.sweep(retention)
        kept = []
        for name, picture in (("input", digest(b"mine")), ("result", done.result or "")):
            try:
                kept.append(name if await ledger.picture(picture) else "")
            except KeyError:
                continue
        left.append(kept)

    assert left == [["input", "result"], ["result"], [], []]
    with pytest.raises(UnknownJob):
        await ledger.job(done.id)
    assert await ledger.picture(open_.content)


async def test_a_sweep_of_many_pages_lets_others_go_first(
    ledger: SqlLedger, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ledger of a hundred thousand jobs takes seconds to sweep, and a person who submits should not wait for that."""
    monkeypatch.setattr(sweeping, "PAGE", 2)
    old = [await deliver(ledger, content=digest(f"number {number}".encode())) for number in range(7)]
    clock.now = NOW + 86400 * 2
    sweep = asyncio.create_task(ledger.sweep(Retention(inputs_days=1, results_days=1, jobs_days=1)))

    submitted = await queue(ledger, content=digest(b"new"))

    assert not sweep.done()
    await sweep
    assert await ledger.find([job.id for job in old]) == []
    assert await ledger.picture(submitted.content)
    for job in old:
        for swept in (job.content, job.result or ""):
            with pytest.raises(KeyError):
                await ledger.picture(swept)


async def test_the_preview_of_a_job_that_was_cancelled_is_swept(ledger: SqlLedger) -> None:
    """It shows somebody's picture, and nobody asks for it any more."""
    await queue(ledger)
    await queue(ledger)
    cancelled, painting = await begin(ledger), await begin(ledger)
    for job in (cancelled, painting):
        await ledger.keep_preview(job, b"a preview")
    await ledger.cancel(cancelled.id)

    await ledger.sweep(Retention(inputs_days=1, results_days=1, jobs_days=1))

    assert await ledger.preview(cancelled.id) is None
    assert await ledger.preview(painting.id) == b"a preview"


async def test_a_person_can_be_forgotten(ledger: SqlLedger) -> None:
    """Their ended jobs and pictures go; open ones, and what others share, stay."""
    theirs, others = await deliver(ledger, user_id=1), await deliver(ledger, user_id=2)
    waiting = await queue(ledger, user_id=1)

    assert await ledger.forget(1) == 1

    with pytest.raises(UnknownJob):
        await ledger.job(theirs.id)
    with pytest.raises(KeyError):
        await ledger.picture(theirs.result or "")
    assert await ledger.picture(others.result or "")
    assert await ledger.picture(waiting.content)


async def test_a_process_that_a_newer_version_has_overtaken_begins_nothing(ledger: SqlLedger) -> None:
    """By rule: the tables' revision decides, in the transaction that begins a job."""
    await queue(ledger)
    async with ledger.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(Outdated, match="update this one"):
        await ledger.begin_next("worker")

    assert len(await ledger.waiting()) == 1


async def test_the_speed_is_the_median_of_what_was_painted(ledger: SqlLedger) -> None:
    """3 s for a size of 64: 3 / (64² / 10⁶)."""
    job, _ = a_job()
    assert await ledger.seconds_per_megapixel(job.options) is None
    await paint(ledger)

    assert await ledger.seconds_per_megapixel(job.options) == pytest.approx(3e6 / 64**2)


async def test_the_file_is_written_ahead_and_synced(file: SqlLedger) -> None:
    """Otherwise a power cut could take back an acceptance."""
    async with file.engine.connect() as connection:
        journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
        synchronous = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()

    assert (journal, synchronous) == ("wal", 2)


async def test_an_error_of_the_database_keeps_the_interactions_token_secret(ledger: SqlLedger) -> None:
    """Its traceback is logged, and whoever holds the token can speak for the bot."""
    job, pictures = a_job(address=Address("discord", {"token": "a secret"}))
    await ledger.accept(job, pictures, LIMITS)

    with pytest.raises(IntegrityError) as raised:
        await ledger.accept(job, pictures, LIMITS)

    assert "a secret" not in "".join(traceback.format_exception(raised.value))


async def test_a_full_disk_is_told_in_a_sentence_and_changes_nothing(file: SqlLedger) -> None:
    """The person knows that it is not their picture's fault, and the operator what to do."""
    job, pictures = a_job()
    async with file.engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk

    with pytest.raises(LedgerUnusable, match=r"disk .* is full"):
        await file.accept(job, {digest(data): data for data in [*pictures.values(), bytes(2**20)]}, LIMITS)

    assert await file.unfinished(job.owner) == 0


async def test_the_ledger_works_again_after_its_server_was_restarted(postgres: PostgresServer) -> None:
    """Broken connections are noticed, said as a sentence, and made again."""
    ledger = await open_ledger(postgres.new_database())
    job = await queue(ledger)

    await asyncio.to_thread(postgres.halt)
    with pytest.raises(LedgerUnusable, match="cannot be reached"):
        await ledger.waiting()
    await asyncio.to_thread(postgres.resume)

    assert [waiting.id for waiting in await ledger.waiting()] == [job.id]
    await ledger.close()


async def test_a_role_without_the_right_to_change_tables_can_do_all_the_work(postgres: PostgresServer) -> None:
    """As docs/cluster.md grants them; the owner's `atelier migrate` makes the tables."""
    url = postgres.new_database()
    painter = url.replace("postgres@", "atelier@")
    postgres.execute(url, "CREATE ROLE atelier LOGIN")
    with pytest.raises(LedgerUnusable, match="atelier migrate"):
        await open_ledger(painter)
    await asyncio.to_thread(migrate, url)
    for grant in GRANTS.split(";"):
        postgres.execute(url, grant)

    ledger = await open_ledger(painter)

    await deliver(ledger)
    assert await ledger.forget(7) == 1
    await ledger.close()


async def test_a_wrong_address_or_name_is_one_sentence_without_the_password(postgres: PostgresServer) -> None:
    """What an operator reads at the first start."""
    there = postgres.new_database()
    for url, sentence in (
        (there.replace("atelier_", "nowhere_"), "no database of the name"),
        (there.replace("postgres@", "nobody:secret@"), "refuses the user or password"),
        ("postgresql://bot:secret@127.0.0.1:1/atelier", "cannot be reached"),
        ("mysql://bot:secret@db/atelier", "must begin with"),
    ):
        with pytest.raises(LedgerUnusable, match=sentence) as raised:
            await open_ledger(url)
        assert "secret" not in str(raised.value)


@pytest.mark.parametrize("greeting", ["starting up", "shutting down", "in recovery mode"])
def test_a_database_that_starts_or_stops_is_away_and_not_misnamed(greeting: str) -> None:
    """An operator who restarts it would look for a mistake in database.url."""
    refusal = psycopg.OperationalError(f"connection failed: FATAL:  the database system is {greeting}")

    with pytest.raises(LedgerUnusable, match="cannot be reached"), told_in_a_sentence():
        raise sa.exc.OperationalError("", {}, refusal)


def test_a_connection_that_is_not_free_for_long_is_trouble_that_passes() -> None:
    """Where a backup locks the file for a minute, whoever waits in line for it must not end the bot or fail a job."""
    with pytest.raises(LedgerUnusable, match="too many at once"), told_in_a_sentence():
        raise sa.exc.TimeoutError("QueuePool limit of size 1 overflow 0 reached")


async def test_a_ledger_of_the_first_version_is_brought_up_to_date(ledger_url: str) -> None:
    """An update of the bot keeps every job, and paints those first that were in line."""
    await asyncio.to_thread(migrate, ledger_url, "0001")
    job, _ = a_job()
    row = {
        "id": job.id, "state": "painting", "created_at": 5.0, "user_id": 7, "guild_id": 1, "front_end": "page",
        "address": "{}", "content": "c", "style": "s", "style_name": "yours", "quality": "standard", "attempts": 1,
        "options": json.dumps(asdict(job.options)),
    }  # fmt: skip
    engine = asyncio_engine(place_of(ledger_url))
    async with engine.begin() as connection:
        for picture in "cs":
            await connection.execute(sa.text(f"INSERT INTO pictures VALUES ('{picture}', '', 0)"))
        names = ", ".join(row), ", ".join(f":{name}" for name in row)
        await connection.execute(sa.text(f"INSERT INTO jobs ({names[0]}) VALUES ({names[1]})"), row)
    await engine.dispose()

    updated = await open_ledger(ledger_url)

    (worker,) = await updated.beats()
    assert await updated.bury(worker, None) == [job.id]
    assert [waiting.id for waiting in await updated.waiting()] == [job.id]
    await updated.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """One sentence at start, not a stack trace."""
    (tmp_path / "ledger.db").write_bytes(b"I am a text file." * 100)

    with pytest.raises(LedgerUnusable, match="damaged"):
        await open_ledger(f"sqlite:///{tmp_path}/ledger.db")


async def test_a_ledger_of_a_newer_version_is_refused(ledger: SqlLedger, ledger_url: str) -> None:
    """Writing into tables that one does not know would lose jobs."""
    async with ledger.engine.begin() as connection:
        await connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(LedgerUnusable, match="newer version"):
        await open_ledger(ledger_url)


async def test_a_cancelled_caller_leaves_no_lock_behind(ledger: SqlLedger) -> None:
    """A graceful stop, or a browser that went away, comes in the middle of any transaction."""
    for turns in range(40):
        job, pictures = a_job()
        adding = asyncio.create_task(ledger.accept(job, pictures, OpenLimits(99, 99)))
        for _ in range(turns):
            await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)

        await asyncio.wait_for(ledger.unfinished(job.owner), timeout=20)
