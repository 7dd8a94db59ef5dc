"""``doctor``: what is wrong with a set-up is found, told and mended by what it says."""

import json
import socket
from dataclasses import replace

import pytest

from mnist_core import checkup, gpus, serve, sign_in
from mnist_core.config import RunConfig
from mnist_core.store.lease import Lease
from tests.helpers import assert_friendly

pytestmark = pytest.mark.usefixtures("no_engine")


@pytest.fixture
def doctor(call):
    """Exit code, and the checks by name."""

    def doctor():
        code, out, err = call("doctor", "--json")
        document = json.loads(out)
        assert (err, document["ok"]) == ("", code == 0)
        return code, {check["name"]: check for check in document["checks"]}

    return doctor


@pytest.fixture
def free(monkeypatch):
    """A port that is free, the only one that is tried."""
    with socket.create_server((serve.LOCAL, 0)) as server:
        port = server.getsockname()[1]
    monkeypatch.setattr(serve, "PORTS", (port,))
    return port


def test_a_fresh_set_up_is_well_and_stays_fresh(doctor, free, home):
    code, checks = doctor()
    assert code == 0, checks
    assert all(check["ok"] for check in checks.values())
    assert "will be made" in checks["Database"]["found"]
    assert "70,000" in checks["Images"]["found"]
    assert str(free) in checks["Port"]["found"]
    assert not home.exists()


def test_one_in_use_is_told_with_its_runs(both_databases, doctor, free, home, store, call):
    store.create(RunConfig())
    lease = Lease(store.database)
    lease.take()
    lease.renew("ready", "tcp://here", [{"name": "train-0", "kind": "train", "ready": True}])
    code, checks = doctor()
    assert code == 0
    where = home / "runs.sqlite" if both_databases == "sqlite" else "The database at 127.0.0.1"
    assert checks["Database"]["found"].startswith(f"{where}: 1 runs, ") and "lab:" not in json.dumps(checks)
    assert "1 of 1 workers" in checks["Engine"]["found"]
    code, out, _ = call("doctor")
    assert (code, out.splitlines()[-1]) == (0, "All is well.")
    assert not [line for line in out.splitlines() if line.startswith("WRONG")]


def only(checks, name):
    assert [check["name"] for check in checks.values() if not check["ok"]] == [name]
    assert_friendly(f"{checks[name]['found']} {checks[name]['mend']}".strip())
    return checks[name]


def test_a_damaged_database_is_wrong_and_left_as_it_is(doctor, free, home, call):
    home.mkdir()
    (home / "runs.sqlite").write_text("A letter. " * 100)
    code, checks = doctor()
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["Database", "Engine"]
    assert_friendly(checks["Database"]["found"], "not a database")
    assert (home / "runs.sqlite").read_text() == "A letter. " * 100
    code, out, _ = call("doctor")
    assert code == 1 and "WRONG  Database" in out and out.splitlines()[-1] == "2 to mend: Database, Engine."


def test_a_server_that_does_not_let_us_in_is_wrong(doctor, free, postgres, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_DATABASE", postgres.replace("lab:", "lab:not"))
    code, checks = doctor()
    assert code == 1
    assert [name for name, check in checks.items() if not check["ok"]] == ["Database", "Engine"]
    assert_friendly(checks["Database"]["found"], "127.0.0.1", "password", "MNIST_LAB_DATABASE")


def test_an_engine_that_cannot_work_is_wrong(doctor, free, store):
    lease = Lease(store.database)
    lease.take()
    lease.renew("broken", problem="There is no room for workers.")
    code, checks = doctor()
    assert code == 1
    assert "no room for workers" in only(checks, "Engine")["found"]


def test_images_that_are_not_mnist_are_wrong(doctor, free, monkeypatch, tmp_path):
    (tmp_path / "mnist.npz").write_bytes(b"nothing")
    monkeypatch.setenv("MNIST_LAB_DATA", str(tmp_path / "mnist.npz"))
    code, checks = doctor()
    assert code == 1
    assert "mnist.npz" in only(checks, "Images")["found"]


def test_ports_that_are_all_taken_are_wrong(doctor, free):
    with socket.create_server((serve.LOCAL, free)):
        code, checks = doctor()
    assert code == 1
    assert "--port" in only(checks, "Port")["mend"]


def test_a_scheduler_that_does_not_answer_is_wrong(doctor, free, monkeypatch):
    with socket.create_server((serve.LOCAL, 0)) as server:
        monkeypatch.setenv("MNIST_LAB_SCHEDULER", f"tcp://127.0.0.1:{server.getsockname()[1]}")
        assert doctor()[0] == 0
    code, checks = doctor()
    assert code == 1
    assert "MNIST_LAB_SCHEDULER" in only(checks, "Scheduler")["mend"]


def test_packages_that_are_missing_or_too_old_are_named(doctor, free, monkeypatch, tmp_path):
    (tmp_path / "requirements.txt").write_text("numpy>=99\nno-such-package-here>=1  # x\npillow>=1\n# y\n")
    monkeypatch.setattr(checkup, "REQUIREMENTS", tmp_path / "requirements.txt")
    code, checks = doctor()
    assert code == 1
    found = only(checks, "Packages")["found"]
    assert "numpy is" in found and "no-such-package-here is missing" in found and "pillow" not in found


def test_a_sign_in_that_cannot_work_is_wrong(doctor, free, monkeypatch, tmp_path):
    monkeypatch.setattr(sign_in, "FILES", (tmp_path / "secrets.toml",))
    (tmp_path / "secrets.toml").write_text("[auth]\n")
    code, checks = doctor()
    assert code == 1
    assert "cookie_secret" in only(checks, "Sign-in")["found"]


def test_a_gpu_that_tensorflow_cannot_use_is_wrong(doctor, free, monkeypatch):
    """Tests hide the GPUs from TensorFlow itself."""
    monkeypatch.setattr(gpus, "visible_gpus", lambda: ["0"])
    code, checks = doctor()
    assert code == 1
    assert "tensorflow[and-cuda]" in only(checks, "GPU")["mend"]


@pytest.mark.parametrize(
    ("answer", "ok", "found"),
    [
        ("print(1)", True, "1 of 2"),
        ("print(0)", False, "cannot use it"),
        ("import no_such_module", False, "cannot be imported"),
        ("import signal; signal.pause()", True, "has not said"),
    ],
)
def test_tensorflow_itself_says_whether_it_uses_a_gpu(settings, monkeypatch, answer, ok, found):
    monkeypatch.setattr(gpus, "visible_gpus", lambda: ["0", "1"])
    monkeypatch.setattr(checkup, "COUNT_GPUS", answer)
    monkeypatch.setattr(checkup, "GPU_SECONDS", 1 if "pause" in answer else 60)
    check = checkup.gpu(settings)
    assert check.ok == ok and found in check.found


def test_the_gpu_of_a_machine_that_trains_nothing_does_not_matter(settings, monkeypatch):
    monkeypatch.setattr(gpus, "visible_gpus", lambda: pytest.fail("it was looked at"))
    assert checkup.gpu(replace(settings, scheduler="tcp://elsewhere:8786")).ok


def test_a_disk_that_is_nearly_full_is_wrong(doctor, free, monkeypatch):
    monkeypatch.setattr(checkup, "LEAST_DISK", 10**18)
    code, checks = doctor()
    assert code == 1
    assert "deleted runs" in only(checks, "Disk")["mend"], "their room is not given back to the disk"


def test_a_folder_that_is_a_file_is_wrong(doctor, free, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "file"))
    code, checks = doctor()
    assert code == 1
    assert not checks["Data folder"]["ok"]


def test_a_setting_that_cannot_be_read_is_all_that_is_told(doctor, monkeypatch):
    monkeypatch.setenv("MNIST_LAB_TRAIN_WORKERS", "many")
    code, checks = doctor()
    assert code == 1
    assert "MNIST_LAB_TRAIN_WORKERS" in only(checks, "Settings")["found"]
