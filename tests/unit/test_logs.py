"""Logs: one JSON object a line, with the run that it is about."""

import errno
import json
import logging

import pytest

from mnist_core import logs


@pytest.fixture
def web(tmp_path):
    """The log of a web server in this process, and what stands in it."""
    path = tmp_path / "new" / "web.log"
    logs.to_file("web", path)
    yield lambda: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    logs._install(logging.getLogger("mnist_core"), "")
    logging.getLogger("mnist_core").setLevel(logging.NOTSET)


def test_a_line_tells_when_who_which_run_and_what(web, capsys):
    log = logging.getLogger("mnist_core.test")
    log.info("%d epochs done", 3, extra={"run": "1234abcd"})
    with logs.about("5678abcd"):
        log.warning("Grüße aus\nzwei Zeilen")
    log.debug("too much")
    first, second = web()
    assert first["time"].endswith("+00:00")
    assert (first["level"], first["process"], first["run"]) == ("info", "web", "1234abcd")
    assert first["message"] == "3 epochs done"
    assert (second["level"], second["run"], second["message"]) == ("warning", "5678abcd", "Grüße aus\nzwei Zeilen")
    told = capsys.readouterr().err  # only what is grave goes to the terminal too
    assert json.loads(told) == second


def test_what_went_wrong_stands_there_whole(web):
    try:
        raise ZeroDivisionError("x")
    except ZeroDivisionError:
        logging.getLogger("mnist_core.test").exception("a page failed")
    (line,) = web()
    assert "ZeroDivisionError: x" in line["error"] and line["run"] == ""


class Full:
    """A terminal, or a file in its place, on a disk without room."""

    tried = 0

    def write(self, text):
        self.tried += 1
        raise OSError(errno.ENOSPC, "No space left on device")

    flush = write


def test_a_terminal_that_takes_nothing_stops_nobody(web, monkeypatch):
    full = Full()
    monkeypatch.setattr("sys.stderr", full)
    logging.getLogger("mnist_core.test").warning("the disk is full")
    assert full.tried
    assert [line["message"] for line in web()] == ["the disk is full"]


def test_what_is_asked_of_a_run_stands_in_the_log_of_the_web_server(web, store, run_id):
    store.ask(run_id, "stop")
    store.delete(run_id)
    assert [line["message"] for line in web()] == ["put in the queue", "asked to stop", "deleted"]
    assert {line["run"] for line in web()} == {run_id}


def test_beginning_a_log_again_doubles_nothing(web, tmp_path):
    logs.to_file("web", tmp_path / "new" / "web.log")
    logging.getLogger("mnist_core.test").info("once")
    assert len(web()) == 1


def test_a_log_that_has_grown_large_is_put_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(logs, "MOST_BYTES", 10)
    path = tmp_path / "engine.log"
    for text in (b"the first of them", b"the second of them"):
        with logs.appended(path) as file:
            file.write(text)
    assert path.read_bytes() == b"the second of them"
    assert (tmp_path / "engine.log.1").read_bytes() == b"the first of them"


def test_the_latest_warnings_are_found_among_other_lines(tmp_path):
    path = tmp_path / "engine.log"
    assert logs.recent(path) == []
    entries = [{"level": level, "message": f"{level} {i}"} for i in range(30) for level in ("info", "warning")]
    path.write_text("\n".join(["Segmentation fault", "[]", *map(json.dumps, entries)]))
    found = logs.recent(path, count=3)
    assert [line["message"] for line in found] == ["warning 29", "warning 28", "warning 27"]
