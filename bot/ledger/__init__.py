"""The ledger: every job and its pictures in SQL, from acceptance to delivery; the only door to the database.

SQLite by default, in one file and for one process; PostgreSQL for any number of processes on any number of machines.
The same code and the same tests serve both.
"""

from bot.ledger.database import migrate
from bot.ledger.heartbeat import Heart
from bot.ledger.postgres_wire import PostgresWire
from bot.ledger.sql_ledger import SqlLedger, open_ledger

__all__ = ["Heart", "PostgresWire", "SqlLedger", "migrate", "open_ledger"]
