"""The ledger on a real SQLite file: what was committed is there, whatever dies."""

import asyncio
import sqlite3
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fakes import a_job, a_picture

from bot.jobs import Address, JobState, LedgerUnusable, Owner, Refused, UnknownJob, digest
from bot.ledger import SqlLedger, open_ledger


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deep/ledger.db"


@pytest.fixture
async def ledger(url: str) -> AsyncIterator[SqlLedger]:
    opened = await open_ledger(url)
    yield opened
    await opened.close()


async def test_an_added_job_is_there_after_the_file_is_opened_again(ledger: SqlLedger, url: str) -> None:
    """Acceptance is a promise that outlives the process."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)

    again = await open_ledger(url)

    assert await again.job(job.id) == job
    assert await again.picture(job.content) == pictures[job.content]
    await again.close()


async def test_a_job_goes_from_queued_to_delivered(ledger: SqlLedger) -> None:
    """The whole way, as drawn in bot.jobs."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)

    begun = await ledger.begin_next()
    assert begun is not None
    assert (begun.state, begun.attempts) == (JobState.PAINTING, 1)
    assert await ledger.finish(job.id, b"the result", a_picture())
    painted = await ledger.job(job.id)
    await ledger.told(job.id)
    delivered = await ledger.job(job.id)

    assert (painted.state, painted.encoder, painted.note) == (JobState.PAINTED, "fake", "Smaller.")
    assert painted.result is not None
    assert await ledger.picture(painted.result) == b"the result"
    assert painted.is_open
    assert delivered.state is JobState.DELIVERED
    assert not delivered.is_open


async def test_the_limit_of_open_jobs_holds_under_two_commands_at_once(ledger: SqlLedger) -> None:
    """Counted in the transaction that inserts: a quick double click slips nothing through."""
    jobs = [a_job() for _ in range(4)]

    outcomes = await asyncio.gather(
        *(ledger.add(job, pictures, open_limit=2) for job, pictures in jobs), return_exceptions=True
    )

    assert sorted(isinstance(outcome, Refused) for outcome in outcomes) == [False, False, True, True]
    assert await ledger.unfinished(Owner(7, 1)) == 2


async def test_a_refused_job_leaves_nothing_behind(ledger: SqlLedger) -> None:
    """Not even its pictures."""
    job, pictures = a_job()

    with pytest.raises(Refused, match="You already have 0 pictures"):
        await ledger.add(job, pictures, open_limit=0)

    with pytest.raises(UnknownJob):
        await ledger.job(job.id)
    with pytest.raises(KeyError):
        await ledger.picture(job.content)


async def test_an_interrupted_job_keeps_its_place(ledger: SqlLedger) -> None:
    """A crash costs nobody their turn."""
    (first, pictures), (second, _) = a_job(created_at=1.0), a_job(created_at=2.0)
    for job in (first, second):
        await ledger.add(job, pictures, open_limit=3)
    await ledger.begin_next()

    assert await ledger.recover() == 1

    assert [job.id for job in await ledger.waiting()] == [first.id, second.id]
    begun = await ledger.begin_next()
    assert begun is not None
    assert (begun.id, begun.attempts) == (first.id, 2)


async def test_everybodys_first_job_comes_before_anybodys_second(ledger: SqlLedger) -> None:
    """One person's three jobs do not delay another's first."""
    jobs = [a_job(user_id=user, created_at=float(at)) for at, user in enumerate([1, 1, 1, 2])]
    for job, pictures in jobs:
        await ledger.add(job, pictures, open_limit=5)

    order = [job.owner.user_id for job in await ledger.waiting()]

    assert order == [1, 2, 1, 1]


async def test_handing_back_is_no_attempt(ledger: SqlLedger) -> None:
    """An operator's restart is not the job's fault."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)
    await ledger.begin_next()

    await ledger.hand_back(job.id)

    handed = await ledger.job(job.id)
    assert (handed.state, handed.attempts) == (JobState.QUEUED, 0)


async def test_a_cancelled_job_cannot_be_finished_any_more(ledger: SqlLedger) -> None:
    """What is cancelled stays so: no result follows."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)
    await ledger.begin_next()

    assert await ledger.cancel(job.id)

    assert not await ledger.finish(job.id, b"too late", a_picture())
    assert not await ledger.fail(job.id, "too late")
    assert not await ledger.cancel(job.id)
    assert (await ledger.job(job.id)).state is JobState.CANCELLED
    with pytest.raises(KeyError):
        await ledger.picture(digest(b"too late"))


async def test_a_failed_job_waits_until_its_person_was_told(ledger: SqlLedger) -> None:
    """Bad news is delivered as reliably as good."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)
    await ledger.begin_next()
    await ledger.fail(job.id, "It did not work.")

    assert [untold.note for untold in await ledger.untold("page")] == ["It did not work."]
    await ledger.told(job.id)

    assert await ledger.untold("page") == []
    assert (await ledger.job(job.id)).state is JobState.FAILED


async def test_another_front_ends_jobs_are_not_mine_to_tell(ledger: SqlLedger) -> None:
    """Discord's messages are not the page's."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)

    assert await ledger.untold("discord") == []


async def test_where_the_answer_goes_can_change(ledger: SqlLedger) -> None:
    """The progress message is known only after the job was accepted."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)

    await ledger.readdress(job.id, Address("page", {"message": 6}))

    assert (await ledger.job(job.id)).address == Address("page", {"message": 6})


async def test_an_unknown_job_is_said_so(ledger: SqlLedger) -> None:
    """A button of last year."""
    for ask in (ledger.job, ledger.cancel, ledger.told, ledger.hand_back):
        with pytest.raises(UnknownJob, match="no job 0123456789ab"):
            await ask("0123456789ab")
    with pytest.raises(UnknownJob):
        await ledger.finish("0123456789ab", b"a result", a_picture())


async def test_the_speed_is_the_median_of_what_was_painted(ledger: SqlLedger) -> None:
    """3 s for a size of 64: 3 / (64² / 10⁶)."""
    job, pictures = a_job()
    assert await ledger.seconds_per_megapixel(job.options) is None
    await ledger.add(job, pictures, open_limit=3)
    await ledger.begin_next()
    await ledger.finish(job.id, b"the result", a_picture())

    assert await ledger.seconds_per_megapixel(job.options) == pytest.approx(3e6 / 64**2)


async def test_the_file_is_written_ahead_and_synced(ledger: SqlLedger) -> None:
    """Otherwise a power cut could take back an acceptance."""
    async with ledger.engine.connect() as connection:
        journal = (await connection.exec_driver_sql("PRAGMA journal_mode")).scalar_one()
        synchronous = (await connection.exec_driver_sql("PRAGMA synchronous")).scalar_one()

    assert (journal, synchronous) == ("wal", 2)


async def test_an_error_of_the_database_keeps_the_interactions_token_secret(ledger: SqlLedger) -> None:
    """Its traceback is logged, and whoever holds the token can speak for the bot."""
    job, pictures = a_job(address=Address("discord", {"token": "a secret"}))
    await ledger.add(job, pictures, open_limit=3)

    with pytest.raises(Exception, match="UNIQUE") as raised:
        await ledger.add(job, pictures, open_limit=3)

    assert "a secret" not in "".join(traceback.format_exception(raised.value))


async def test_a_full_disk_is_told_in_a_sentence_and_changes_nothing(ledger: SqlLedger) -> None:
    """The person knows that it is not their picture's fault, and the operator what to do."""
    job, pictures = a_job()
    async with ledger.engine.connect() as connection:
        await connection.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite then answers as on a full disk

    with pytest.raises(LedgerUnusable, match=r"disk .* is full"):
        await ledger.add(job, {digest(data): data for data in [*pictures.values(), bytes(2**20)]}, open_limit=3)

    assert await ledger.waiting() == []


async def test_a_ledger_of_an_older_version_is_brought_up_to_date(ledger: SqlLedger, url: str, tmp_path: Path) -> None:
    """An update of the bot keeps every job."""
    job, pictures = a_job()
    await ledger.add(job, pictures, open_limit=3)
    await ledger.close()
    with sqlite3.connect(tmp_path / "deep" / "ledger.db") as connection:
        connection.execute("DROP INDEX jobs_by_speed")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()

    updated = await open_ledger(url)

    assert await updated.job(job.id) == job
    await updated.close()


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    """One sentence at start, not a stack trace."""
    (tmp_path / "ledger.db").write_bytes(b"I am a text file." * 100)

    with pytest.raises(LedgerUnusable, match="damaged"):
        await open_ledger(f"sqlite:///{tmp_path}/ledger.db")


async def test_a_ledger_of_a_newer_version_is_refused(ledger: SqlLedger, url: str, tmp_path: Path) -> None:
    """Writing into tables that one does not know would lose jobs."""
    await ledger.close()
    with sqlite3.connect(tmp_path / "deep" / "ledger.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()

    with pytest.raises(LedgerUnusable, match="newer version"):
        await open_ledger(url)


async def test_another_kind_of_database_is_refused() -> None:
    """A promise that is not kept yet is said."""
    with pytest.raises(LedgerUnusable, match="SQLite only"):
        await open_ledger("postgresql://bot:secret@db/atelier")


async def test_a_cancelled_caller_leaves_no_lock_behind(ledger: SqlLedger) -> None:
    """A graceful stop, or a browser that went away, comes in the middle of any transaction."""
    for turns in range(40):
        job, pictures = a_job()
        adding = asyncio.create_task(ledger.add(job, pictures, open_limit=99))
        for _ in range(turns):
            await asyncio.sleep(0)
        adding.cancel()
        await asyncio.gather(adding, return_exceptions=True)

        await asyncio.wait_for(ledger.unfinished(job.owner), timeout=3)
