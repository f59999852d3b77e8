"""The speed of the last jobs, told without reading every job there ever was."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """From jobs found by state, person and front-end."""
    op.create_index("jobs_by_speed", "jobs", ["quality", "finished_at"])
