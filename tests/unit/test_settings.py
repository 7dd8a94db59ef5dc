"""Settings come from the environment, once, and a wrong one is named."""

from dataclasses import fields
from pathlib import Path

import pytest

from mnist_core.errors import LabError
from mnist_core.settings import Settings
from tests.helpers import assert_friendly

FILES = ("home", "data")


def test_an_empty_environment_gives_the_defaults():
    settings = Settings.from_environment({})
    assert settings == Settings.from_environment({entry.metadata["variable"]: "" for entry in fields(Settings)})
    assert settings.home == Path.home() / ".mnist-lab"
    assert (settings.data, settings.data_sha256, settings.database, settings.scheduler) == ("", "", "", "")
    assert (settings.train_workers, settings.idle_seconds) == (0, 30)


def test_every_variable_is_read_into_its_field(tmp_path):
    texts = {entry.metadata["variable"]: str(7 + i) for i, entry in enumerate(fields(Settings))}
    settings = Settings.from_environment(texts)
    for i, entry in enumerate(fields(Settings)):
        value = getattr(settings, entry.name)
        assert value == type(value)(Path.cwd() / texts[entry.metadata["variable"]] if entry.name in FILES else 7 + i)


def test_the_process_environment_is_the_default(home):
    assert Settings.from_environment().home == home


def test_database_and_log_lie_in_the_home_folder(tmp_path):
    settings = Settings.from_environment({"MNIST_LAB_HOME": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path / 'runs.sqlite'}"
    assert settings.log_file == tmp_path / "engine.log"


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("postgresql://lab/runs", "postgresql+psycopg://lab/runs"),
        ("postgres://a:b@lab:5432/runs", "postgresql+psycopg://a:b@lab:5432/runs"),
        ("postgresql+psycopg2://lab/runs", "postgresql+psycopg2://lab/runs"),
        ("sqlite:////data/runs.sqlite", "sqlite:////data/runs.sqlite"),
    ],
)
def test_a_database_may_be_named_and_postgresql_gets_our_driver(given, opened):
    assert Settings.from_environment({"MNIST_LAB_DATABASE": given}).database_url == opened


@pytest.mark.parametrize(
    ("given", "opened"),
    [
        ("sqlite:///own.sqlite", "sqlite:///{}/own.sqlite"),
        ("sqlite+pysqlite:///a/own.sqlite?timeout=3", "sqlite+pysqlite:///{}/a/own.sqlite?timeout=3"),
        ("sqlite:///:memory:", "sqlite:///:memory:"),  # refused where it is opened
        ("sqlite://", "sqlite://"),
    ],
)
def test_a_file_that_is_named_from_a_folder_on_is_the_same_in_every_process(given, opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = Settings.from_environment({"MNIST_LAB_DATABASE": given, "MNIST_LAB_DATA": "own.npz"})
    assert settings.database_url == opened.format(tmp_path)
    assert settings.data == str(tmp_path / "own.npz")
    elsewhere = tmp_path / "elsewhere"
    there = Settings.from_environment({"MNIST_LAB_DATABASE": given, "MNIST_LAB_HOME": "lab"}, elsewhere)
    assert (there.database_url, there.home) == (opened.format(elsewhere), elsewhere / "lab")


def test_home_is_absolute_and_knows_the_tilde(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Settings.from_environment({"MNIST_LAB_HOME": "runs"}).home == tmp_path / "runs"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.from_environment({"MNIST_LAB_HOME": "~/lab"}).home == tmp_path / "lab"


@pytest.mark.parametrize("variable", ["MNIST_LAB_TRAIN_WORKERS", "MNIST_LAB_IDLE_SECONDS"])
@pytest.mark.parametrize("text", ["many", "-1", "1.5", "0x10"])
def test_a_number_that_is_none_is_refused_with_the_variables_name(variable, text):
    with pytest.raises(LabError) as error:
        Settings.from_environment({variable: text})
    assert_friendly(error, variable, repr(text), "whole number")


def test_settings_give_back_the_environment_that_makes_them(tmp_path):
    settings = Settings.from_environment({"MNIST_LAB_HOME": str(tmp_path), "MNIST_LAB_TRAIN_WORKERS": "2"})
    assert Settings.from_environment(settings.environment()) == settings
    assert settings.environment()["MNIST_LAB_TRAIN_WORKERS"] == "2"


@pytest.mark.parametrize("name", ["what?", "100%"])
@pytest.mark.parametrize(("variable", "text"), [("MNIST_LAB_HOME", "lab"), ("MNIST_LAB_DATABASE", "sqlite:///own")])
def test_a_folder_that_no_address_can_hold_is_refused(variable, text, name, tmp_path):
    with pytest.raises(LabError) as error:
        Settings.from_environment({"MNIST_LAB_HOME": str(tmp_path), variable: text}, tmp_path / name)
    assert_friendly(error, variable, name, "neither ? nor %", "another folder")


@pytest.mark.parametrize("variable", ["MNIST_LAB_HOME", "MNIST_LAB_DATABASE"])
def test_a_user_who_is_not_there_is_told(variable):
    text = {"MNIST_LAB_HOME": "~no-such-user/lab", "MNIST_LAB_DATABASE": "sqlite:///~no-such-user.sqlite"}[variable]
    with pytest.raises(LabError) as error:
        Settings.from_environment({variable: text})
    assert_friendly(error, "~no-such-user", "no such user", "./")


def test_a_name_that_begins_with_a_tilde_can_be_written_as_the_message_says(tmp_path):
    texts = {"MNIST_LAB_HOME": "./~lab", "MNIST_LAB_DATABASE": "sqlite:///./~own", "MNIST_LAB_DATA": "./~mnist.npz"}
    settings = Settings.from_environment(texts, tmp_path)
    assert settings.home == tmp_path / "~lab"
    assert settings.database == f"sqlite:///{tmp_path / '~own'}"
    assert settings.data == str(tmp_path / "~mnist.npz")
