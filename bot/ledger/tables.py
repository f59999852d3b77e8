"""The ledger's tables as SQLAlchemy names them, and a job's row; `bot/migrations` makes them."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from bot.jobs import Address, Job, JobState, Outdated, Owner
from engine.options import Options

_metadata = sa.MetaData()

pictures = sa.Table(
    "pictures",
    _metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("data", sa.LargeBinary),
    sa.Column("created_at", sa.Double),
)
jobs = sa.Table(
    "jobs",
    _metadata,
    sa.Column("id", sa.String(12), primary_key=True),
    sa.Column("state", sa.String(12)),
    sa.Column("created_at", sa.Double),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("guild_id", sa.BigInteger),
    sa.Column("front_end", sa.String(20)),
    sa.Column("address", sa.JSON),
    sa.Column("content", sa.String(64)),
    sa.Column("style", sa.String(64)),
    sa.Column("style_name", sa.Text),
    sa.Column("options", sa.JSON),
    sa.Column("quality", sa.String(12)),
    sa.Column("upload_limit_bytes", sa.BigInteger),
    sa.Column("priority", sa.Integer),
    sa.Column("turn", sa.Double),
    sa.Column("deadline", sa.Double),
    sa.Column("lease", sa.Integer),
    sa.Column("worker", sa.String(80)),
    sa.Column("deaths", sa.Integer),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    sa.Column("told_at", sa.Double),
    sa.Column("result", sa.String(64)),
    sa.Column("note", sa.Text),
    sa.Column("encoder", sa.String(20)),
    sa.Column("paint_seconds", sa.Double),
)
line = sa.Table("line", _metadata, sa.Column("turn", sa.Double))
workers = sa.Table(
    "workers", _metadata, sa.Column("id", sa.String(80), primary_key=True), sa.Column("beats", sa.BigInteger)
)
previews = sa.Table(
    "previews", _metadata, sa.Column("job", sa.String(12), primary_key=True), sa.Column("data", sa.LargeBinary)
)


def to_row(job: Job) -> dict[str, Any]:
    """What is stored of a job that was just accepted."""
    return {
        "id": job.id,
        "state": job.state,
        "created_at": job.created_at,
        "user_id": job.owner.user_id,
        "guild_id": job.owner.guild_id,
        "front_end": job.address.front_end,
        "address": dict(job.address.detail),
        "content": job.content,
        "style": job.style,
        "style_name": job.style_name,
        "options": asdict(job.options),
        "quality": job.options.quality,
        "upload_limit_bytes": job.upload_limit_bytes,
        "priority": job.priority,
        "deadline": job.deadline,
    }


def to_job(row: sa.Row[Any]) -> Job:
    """A stored job; raises `Outdated` if a newer version wrote it."""
    try:
        options = Options(**row.options)
    except TypeError as error:
        raise Outdated from error
    return Job(
        owner=Owner(row.user_id, row.guild_id),
        address=Address(row.front_end, row.address),
        content=row.content or "",
        style=row.style or "",
        style_name=row.style_name,
        options=options,
        upload_limit_bytes=row.upload_limit_bytes,
        id=row.id,
        state=JobState(row.state),
        priority=row.priority,
        deadline=row.deadline,
        lease=row.lease,
        worker=row.worker,
        deaths=row.deaths,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        told_at=row.told_at,
        result=row.result,
        note=row.note,
        encoder=row.encoder,
        paint_seconds=row.paint_seconds,
    )
