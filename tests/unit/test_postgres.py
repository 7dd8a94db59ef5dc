"""Finding a PostgreSQL server: the reader's own first, then the PATH, then Debian's newest; without one, a sentence."""

import pytest

from tools import postgres, programs


@pytest.fixture
def nothing(tmp_path, monkeypatch):
    """A machine without PostgreSQL."""
    monkeypatch.delenv(postgres.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(postgres, "DEBIAN", tmp_path / "debian")
    return tmp_path


def install(folder):
    folder.mkdir(parents=True)
    for name in postgres.PROGRAMS:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_debians_newest_is_taken_and_the_path_comes_first(nothing):
    assert postgres.find() is None
    install(nothing / "debian" / "9.6" / "bin")
    newest = install(nothing / "debian" / "15" / "bin")
    assert postgres.find() == newest
    first = install(nothing / "bin")
    assert postgres.find() == first


def test_a_server_without_initdb_is_none(nothing):
    folder = install(nothing / "bin")
    (nothing / "bin" / "initdb").unlink()
    assert postgres.find() is None and folder


def test_the_readers_own_choice_is_not_replaced(nothing, monkeypatch):
    install(nothing / "bin")
    monkeypatch.setenv(postgres.VARIABLE, str(nothing / "mine"))
    monkeypatch.setattr(programs, "install_with_apt", lambda *_: pytest.fail("something was installed"))
    with pytest.raises(postgres.PostgresMissing):
        postgres.ensure()
    mine = install(nothing / "mine")
    assert postgres.ensure() == mine


def test_a_missing_server_is_installed_once_and_else_said_in_a_sentence(nothing, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(programs, "install_with_apt", lambda package, why: asked.append(package))
    assert postgres.main() == 1
    assert asked == ["postgresql"]
    assert capsys.readouterr().err == f"{postgres.MISSING}\n"
    monkeypatch.setattr(programs, "install_with_apt", lambda *_: install(nothing / "debian" / "17" / "bin"))
    assert postgres.main() == 0
    assert capsys.readouterr().out == f"{nothing / 'debian' / '17' / 'bin'}\n"
