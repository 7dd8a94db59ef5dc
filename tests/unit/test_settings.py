"""Settings come from the environment, once, and a wrong one is named."""

from dataclasses import fields
from pathlib import Path

import pytest

from mnist_core.errors import LabError
from mnist_core.settings import Settings
from tests.helpers import assert_friendly


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
        assert value == (Path.cwd() / "7" if entry.name == "home" else type(value)(7 + i))


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
def test_a_home_folder_that_no_address_can_hold_is_refused(name, tmp_path):
    with pytest.raises(LabError) as error:
        Settings.from_environment({"MNIST_LAB_HOME": str(tmp_path / name)})
    assert_friendly(error, "MNIST_LAB_HOME", "neither ? nor %", "another folder")
