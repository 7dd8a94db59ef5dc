"""A real PostgreSQL server for tests: Debian's, started on the loopback interface in a temporary folder."""

import os
import secrets
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.helpers import eventually
from tools import postgres

NAME = "lab"
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # the data is gone after the tests in any case
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
}


class Server:
    """An empty database in a folder of its own, which can be stopped and started again.

    Attributes:
        address: as ``MNIST_LAB_DATABASE`` takes it.
    """

    def __init__(self, folder):
        programs, password, port = Path(postgres.require()), secrets.token_hex(8), _free_port()
        (folder / "password").write_text(password)
        self._folder, self._somebody = folder, _not_root(folder)
        make = [programs / "initdb", "-D", folder / "data", "-U", NAME, "--pwfile", folder / "password"]
        make += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
        subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **self._somebody)
        self._command = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
        self._command += [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
        self._process = None
        self.address = f"postgresql://{NAME}:{password}@127.0.0.1:{port}/postgres"

    def start(self):
        # Nothing of the lab's: else it would count as one of the lab's own processes.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MNIST_LAB_")}
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                self._command, stdout=log, stderr=log, cwd=self._folder, env=environment, **self._somebody
            )
        eventually(lambda: self._process.poll() is not None or _answers(self.address), 60)
        assert self._process.poll() is None, (self._folder / "log").read_text()

    def stop(self):
        """At once, whoever is still connected."""
        if self._process:
            self._process.send_signal(signal.SIGINT)
            self._process.wait()


@contextmanager
def server():
    """A running ``Server``."""
    with tempfile.TemporaryDirectory(prefix="lab-postgres-") as folder:
        made = Server(Path(folder))
        try:
            made.start()
            yield made
        finally:
            made.stop()


def clear(address):
    """Takes every table out of the database, whoever made it."""
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")


def _answers(address):
    try:
        psycopg.connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def _not_root(folder):
    """PostgreSQL refuses to run as root: its own user may do so, else nobody."""
    if os.geteuid() != 0:
        return {}
    import pwd

    known = {user.pw_name: user for user in pwd.getpwall()}
    user = known.get("postgres") or known["nobody"]
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
