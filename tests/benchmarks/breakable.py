"""A PostgreSQL for the fault bench: it can be restarted, its connections cut, and its disk filled."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
from postgres import PostgresServer

DISK_MEGABYTES: Final = 160
"""Of the tablespace: an empty database has 8, and a thousand jobs have less than 60."""


class Database:
    """One database, where possible on a small disk of its own.

    Args:
        folder: where the server and its disk lie; its path must be short.
    """

    def __init__(self, folder: Path) -> None:
        self.server = PostgresServer(folder)
        self._disk = folder / "disk"
        self.why_no_disk = self._mount()
        if self.why_no_disk:
            self.url = self.server.new_database()
            return
        admin = self.server.url("postgres")
        self.server.execute(admin, f"CREATE TABLESPACE small LOCATION '{self._disk}'")
        self.server.execute(admin, "CREATE DATABASE play TABLESPACE small")
        self.url = self.server.url("play")

    def _mount(self) -> str:
        """Why there is no small disk; nothing if there is one."""
        self._disk.mkdir()
        size = f"size={DISK_MEGABYTES}m,mode=0700"
        command = ["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(self._disk)]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            return "there is no mount command"
        except subprocess.CalledProcessError as error:
            return f"a small disk needs the right to mount one: {error.stderr.strip()}"
        keeper = (self._disk.parent / "data").stat()
        os.chown(self._disk, keeper.st_uid, keeper.st_gid)
        return ""

    def cut(self, share: float) -> int:
        """End so many of the connections; how many those were."""
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name LIKE 'atelier%%' AND random() < %s"
        )
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            row = connection.execute(query, (share,)).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def full(self) -> Iterator[None]:
        """Nothing more fits on its disk meanwhile."""
        ballast = self._disk / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(2**16))
        try:
            yield
        finally:
            ballast.unlink()

    def close(self) -> None:
        """End it, and give the disk back."""
        self.server.stop()
        if not self.why_no_disk:
            subprocess.run(["umount", str(self._disk)], check=True)
