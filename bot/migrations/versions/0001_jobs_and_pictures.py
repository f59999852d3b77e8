"""Jobs, and the pictures that they read and made."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """From an empty database."""
    op.create_table(
        "pictures",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(12), primary_key=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("guild_id", sa.BigInteger),
        sa.Column("front_end", sa.String(20), nullable=False),
        sa.Column("address", sa.JSON, nullable=False),
        sa.Column("content", sa.String(64), sa.ForeignKey("pictures.digest"), nullable=False),
        sa.Column("style", sa.String(64), sa.ForeignKey("pictures.digest"), nullable=False),
        sa.Column("style_name", sa.Text, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("quality", sa.String(12), nullable=False),
        sa.Column("upload_limit_bytes", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("told_at", sa.Double),
        sa.Column("result", sa.String(64), sa.ForeignKey("pictures.digest")),
        sa.Column("note", sa.Text),
        sa.Column("encoder", sa.String(20)),
        sa.Column("paint_seconds", sa.Double),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "created_at"])
    op.create_index("jobs_by_person", "jobs", ["user_id", "state"])
    op.create_index("jobs_untold", "jobs", ["front_end", "told_at"])
