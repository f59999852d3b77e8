"""What Alembic runs: every migration that the database lacks, on the connection that `bot.ledger` opened."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
