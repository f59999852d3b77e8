"""The ledger over TLS: PostgreSQL from the system's packages, since the one in the wheel has none."""

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from fakes import a_job

from bot.jobs import Changed, Event, JobState, LedgerUnusable, Missed, OpenLimits
from bot.ledger import PostgresWire, open_ledger

NEEDED = ("initdb", "pg_ctl", "postgres", "openssl")
MISSING = [program for program in NEEDED if shutil.which(program) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)} of the system's packages"),
    pytest.mark.skipif(os.name != "posix", reason="needs a POSIX system"),
]


@pytest.fixture(scope="module")
def tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that takes passwords over TLS only; its URL, with a certificate that `localhost` can be held against."""
    folder = tmp_path_factory.mktemp("tls")
    user = "nobody" if os.getuid() == 0 else None  # PostgreSQL does not run as root
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    (folder / "password").write_text("secret")

    def run(*command: str | Path) -> None:
        subprocess.run(command, check=True, user=user, cwd=data, capture_output=True)

    if user:
        shutil.chown(data, user)
    run("initdb", "-D", data, "-U", "atelier", "--auth=scram-sha-256", f"--pwfile={folder / 'password'}")
    names = ("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names,
        "-keyout", data / "server.key", "-out", data / "server.crt")  # fmt: skip
    (data / "pg_hba.conf").write_text("hostssl all all all scram-sha-256\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = f"-c ssl=on -c listen_addresses=localhost -c port={port} -c unix_socket_directories="
    run("pg_ctl", "-D", data, "--wait", "--silent", f"--log={data / 'log'}", f"--options={options}", "start")
    yield f"postgresql://atelier:secret@localhost:{port}/postgres?sslmode=verify-full&sslrootcert={data / 'server.crt'}"
    run("pg_ctl", "-D", data, "--mode=immediate", "--wait", "--silent", "stop")


@pytest.fixture
async def wire(tls_server: str) -> AsyncIterator[PostgresWire]:
    opened = PostgresWire(tls_server)
    yield opened
    await opened.close()


async def test_jobs_and_events_travel_over_tls_with_the_certificate_checked(
    tls_server: str, wire: PostgresWire
) -> None:
    """As docs/cluster.md says it is set up."""
    ledger = await open_ledger(tls_server)
    job, pictures = a_job()

    await ledger.accept(job, pictures, OpenLimits(3, 3))

    assert (await ledger.job(job.id)).state is JobState.ACCEPTED
    heard: list[Event] = []

    async def listen() -> None:
        def hear(event: Event) -> None:
            heard.append(event)
            if not isinstance(event, Missed):
                raise StopListening

        await wire.listen(hear)

    listening = asyncio.create_task(listen())
    while not heard:  # noqa: ASYNC110  # until the listener is connected
        await asyncio.sleep(0.01)
    await wire.tell(Changed(job.id, JobState.QUEUED))
    with pytest.raises(StopListening):
        await listening
    assert heard == [Missed(), Changed(job.id, JobState.QUEUED)]
    await ledger.close()


class StopListening(Exception):
    """What the test waited for was heard."""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("sslmode=verify-full", "sslmode=disable"), "check sslmode"),
        (("@localhost", "@127.0.0.1"), "cannot be reached"),
        ((":secret@", ":wrong@"), "refuses the user or password"),
    ],
)
async def test_what_is_not_as_it_should_be_is_refused(tls_server: str, change: tuple[str, str], sentence: str) -> None:
    """No TLS, another name than the certificate's, a wrong password; and none of it shows the password."""
    with pytest.raises(LedgerUnusable, match=sentence) as refusal:
        await open_ledger(tls_server.replace(*change))

    assert change[1].strip(":@") not in str(refusal.value)
