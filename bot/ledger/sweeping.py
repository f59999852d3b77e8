"""What is forgotten in its time, page by page: whoever wants to submit or begin meanwhile waits for one page only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.jobs import JobState, Retention
from bot.ledger.tables import jobs, pictures, previews

PAGE: Final = 500
"""Rows."""
DAY_SECONDS: Final = 86400


@dataclass(frozen=True)
class Sweep:
    """One change to many rows, in the order of a key."""

    key: sa.ColumnElement[Any]  # Any: text or a number
    which: sa.ColumnElement[bool]
    """What the pages are made of."""
    change: sa.Update | sa.Delete
    """Of those that it meets in a page."""

    async def page(self, connection: AsyncConnection, after: Any) -> Any:  # Any: a key
        """Make the change to the next page behind that key, or to the first; its last key, None if there is no page."""
        behind = self.which if after is None else sa.and_(self.which, self.key > after)
        page = sa.select(self.key.label("key")).where(behind).order_by(self.key).limit(PAGE).subquery()
        last = (await connection.execute(sa.select(sa.func.max(page.c.key)))).scalar_one()
        if last is not None:
            await connection.execute(self.change.where(behind, self.key <= last))
        return last


def sweeps(retention: Retention, now: float) -> Sequence[Sweep]:
    """All of them, in their order: pictures go when no job names them any more."""
    has_inputs = sa.or_(jobs.c.content.is_not(None), jobs.c.style.is_not(None))
    painting = sa.select(jobs.c.id).where(jobs.c.state == JobState.PAINTING)
    told = jobs.c.told_at
    return (
        Sweep(
            told,
            told < now - retention.inputs_days * DAY_SECONDS,
            sa.update(jobs).where(has_inputs).values(content=None, style=None),
        ),
        Sweep(
            told,
            told < now - retention.results_days * DAY_SECONDS,
            sa.update(jobs).where(jobs.c.result.is_not(None)).values(result=None),
        ),
        Sweep(previews.c.job, previews.c.job.not_in(painting), sa.delete(previews)),
        Sweep(told, told < now - retention.jobs_days * DAY_SECONDS, sa.delete(jobs)),
        Sweep(pictures.c.digest, sa.true(), sa.delete(pictures).where(_is_unnamed())),
    )


async def forget_pictures(connection: AsyncConnection, named: Sequence[str]) -> None:
    """Those of these pictures that no job names."""
    for start in range(0, len(named), PAGE):
        some = pictures.c.digest.in_(named[start : start + PAGE])
        await connection.execute(sa.delete(pictures).where(some, _is_unnamed()))


def _is_unnamed() -> sa.ColumnElement[bool]:
    """Whether no job names a picture.

    Asked of each picture by the index of each of the three names: as one list of all names it took PostgreSQL a minute
    for 16,000 jobs. A 1, and not the row: after an ANALYZE SQLite would read the jobs instead of the index.
    """
    return sa.and_(
        *(
            ~sa.exists(sa.literal_column("1")).where(name == pictures.c.digest).correlate(pictures)
            for name in (jobs.c.content, jobs.c.style, jobs.c.result)
        )
    )
