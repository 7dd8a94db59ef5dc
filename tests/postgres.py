"""A real PostgreSQL server for tests: Debian's, started on the loopback interface in a temporary folder."""

import os
import secrets
import shutil
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


@contextmanager
def server():
    """The address of an empty database, as ``MNIST_LAB_DATABASE`` takes it."""
    programs = Path(postgres.require())
    folder = Path(tempfile.mkdtemp(prefix="lab-postgres-"))
    password, port = secrets.token_hex(8), _free_port()
    (folder / "password").write_text(password)
    somebody = _not_root(folder)
    make = [programs / "initdb", "-D", folder / "data", "-U", NAME, "--pwfile", folder / "password"]
    make += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **somebody)
    command = [programs / "postgres", "-D", folder / "data", "-p", str(port)]
    command += [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **somebody)
    address = f"postgresql://{NAME}:{password}@127.0.0.1:{port}/postgres"
    try:
        eventually(lambda: process.poll() is not None or _answers(address), 60)
        assert process.poll() is None, (folder / "log").read_text()
        yield address
    finally:
        process.send_signal(2)  # at once, whoever is still connected
        process.wait()
        shutil.rmtree(folder)


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
