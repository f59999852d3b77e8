"""Turns, leases, deadlines and priorities of jobs; where the line stands; workers and previews.

Jobs that are open take part as they are: a turn of zero is before every new one, and among those the oldest is first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """From a ledger of one process."""
    for column in (
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("turn", sa.Double, nullable=False, server_default="0"),
        sa.Column("deadline", sa.Double),
        sa.Column("lease", sa.Integer, nullable=False, server_default="0"),
        sa.Column("worker", sa.String(80)),
        sa.Column("deaths", sa.Integer, nullable=False, server_default="0"),
    ):
        op.add_column("jobs", column)
    with op.batch_alter_table("jobs") as table:  # a job is kept as a record when its pictures have been swept
        table.alter_column("content", existing_type=sa.String(64), nullable=True)
        table.alter_column("style", existing_type=sa.String(64), nullable=True)
    op.execute("UPDATE jobs SET lease = attempts, worker = 'an older version'")
    op.drop_column("jobs", "attempts")
    for index in ("jobs_by_state", "jobs_by_person", "jobs_untold"):
        op.drop_index(index, "jobs")
    op.create_index("jobs_in_line", "jobs", ["state", "priority", "turn"])
    op.create_index("jobs_of_person", "jobs", ["user_id", "state"])
    op.create_index("jobs_of_server", "jobs", ["guild_id", "state"])
    op.create_index("jobs_untold", "jobs", ["front_end", "told_at"])
    op.create_index("jobs_told", "jobs", ["told_at"])
    for picture in ("content", "style", "result"):
        op.create_index(f"jobs_by_{picture}", "jobs", [picture])
    line = op.create_table("line", sa.Column("turn", sa.Double, nullable=False))
    op.bulk_insert(line, [{"turn": 0.0}])
    op.create_table(
        "workers",
        sa.Column("id", sa.String(80), primary_key=True),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "previews",
        sa.Column("job", sa.String(12), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )
