"""The command line as its users meet it: what it prints, its exit codes, and what it leaves behind."""

import os
import re
import shlex
import subprocess
import sys
from unittest.mock import Mock

import numpy as np
import pytest
from PIL import Image

from mnist_core import cli, serve
from mnist_core.cli import settings as manual
from mnist_core.cli import train
from mnist_core.cli.command import watch
from mnist_core.config import SECTIONS, RunConfig, choices
from mnist_core.data import mnist
from mnist_core.engine.client import EngineClient
from mnist_core.errors import StoreBusy
from mnist_core.recipes import RECIPES
from mnist_core.store.lease import EngineStatus
from tests.commands import complete, start
from tests.helpers import ROOT, assert_friendly


def words(text):
    return " ".join(text.split())


# -- help and the manual of settings -------------------------------------------------------------------------


def test_without_arguments_it_lists_the_commands(call):
    code, out, err = call()
    assert (code, err) == (0, "")
    for command in cli.COMMANDS:
        assert re.search(rf"^ +{command.name}\b", out, re.MULTILINE)


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_every_command_has_help_with_examples_that_can_be_typed(command, call):
    code, out, _ = call(command.name, "--help")
    assert code == 0
    for example in command.examples:
        assert f"python -m mnist_core {command.name} {example}".rstrip() in out
        options = cli.build_parser().parse_args([command.name, *shlex.split(example)])
        if command is train.COMMAND:
            train.configuration(options.recipe, options.config, options.set)


def specs():
    for section in SECTIONS:
        for part in choices(section):
            for spec in part.specs():
                yield f"{section}.{spec.name}", spec
                for inner in spec.item.specs() if spec.item else ():
                    yield f"{spec.name}: each {inner.name}", inner
    yield "seed", RunConfig.specs()[-1]


def test_the_manual_covers_every_setting(call):
    code, out, _ = call("settings")
    brief = words(call("train", "--help")[1])
    assert code == 0
    for key, spec in specs():
        row = rf"{re.escape(key)}=\S+ {re.escape(spec.allowed)}"
        assert re.search(row, brief), key
        assert re.search(rf"{row} {re.escape(spec.title)}: {re.escape(words(spec.help))}", words(out)), key
    for section in SECTIONS:
        for part in choices(section):
            assert part.label in out
            assert part.sentence in words(out)


@pytest.mark.parametrize("part", [part for section in SECTIONS for part in choices(section)])
def test_the_defaults_in_the_manual_can_be_typed(part):
    section = next(section for section in SECTIONS if part in choices(section))
    typed = [f"{section}.name={part().name}"] if "name" in part.model_fields else []
    typed += [f"{section}.{spec.name}={manual.typed(spec.default)}" for spec in part.specs()]
    config, _ = train.configuration(None, None, typed)
    assert getattr(config, section) == part()


# -- bad input -----------------------------------------------------------------------------------------------

BAD = {
    "nonsense": ["invalid choice: 'nonsense'", "train"],
    "runs --nonsense": ["--nonsense", "--help"],
    "runs --js": ["--js"],
    "train --recipe nonsense": ["'nonsense'", *RECIPES],
    "train --recipe quick --config x.json": ["--config", "--recipe"],
    "train --set": ["--set"],
    "train --set nonsense": ["KEY=VALUE", "'nonsense'"],
    "train --set =3": ["KEY=VALUE"],
    "train --set nonsense=3": ["'nonsense'"],
    "train --set training.epochs=0": ["training.epochs is 0", "at least 1"],
    "train --set training.epochs=many": ["training.epochs is 'many'"],
    "train --set architecture.name=nonsense": ["'nonsense'", "mlp"],
    "train --config missing.json": ["'missing.json'", "No such file"],
    "train --config .": ["'.'", "directory"],
    "train --config wrong.json": ["wrong.json", "training.epochs is -1"],
    "train --config blank.png": ["blank.png", "JSON"],
    "predict picture.png": ["'picture.png'", "no file"],
    "predict --model feedbeef": ["IMAGE"],
    "predict --model feedbeef blank.png": ["'feedbeef'", "runs", ".keras"],
    "predict --model missing.keras blank.png": ["'missing.keras'", "No such file"],
    "predict --model model.keras --pixels 3 blank.png": ["--pixels", "0-255"],
    "export": ["RUN"],
    "export feedbeef": ["'feedbeef'", "runs"],
    "export feedbeef --format pickle": ["--format", "'pickle'"],
    "upload": ["FILE"],
    "upload missing.keras": ["'missing.keras'", "No such file"],
    "upload model.keras": ["'model.keras'", "neither"],
    "upload wrong.json": ["no weights", ".weights.h5"],
    "upload wrong.json blank.png": ["Choose one .keras"],
    "predict --model model.keras missing.png": ["'missing.png'"],
    "predict --model model.keras blank.png": ["blank.png", "empty"],
    "predict --model model.keras wrong.json": ["wrong.json"],
    "predict --model model.keras floats.npy": ["floats.npy", "uint8"],
    "predict --model model.keras third_blank.npy": ["third_blank.npy[2]", "empty"],
    "serve --port nonsense": ["65535", "'nonsense'"],
    "serve --port 0": ["65535"],
    "serve --address 192.0.2.77 --port 8600": ["'192.0.2.77'"],
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = mnist.load("test").images[:3].copy()
    digits[2] = 0
    Image.new("L", (100, 100), 255).save("blank.png")
    np.save("floats.npy", digits / 255)
    np.save("third_blank.npy", digits)
    (tmp_path / "wrong.json").write_text('{"training": {"epochs": -1}}')
    (tmp_path / "model.keras").write_bytes(b"not looked into before the pictures")


@pytest.mark.usefixtures("files", "no_engine")
@pytest.mark.parametrize("line", BAD)
def test_bad_input_is_told_in_one_line(line, call):
    code, out, err = call(*line.split())
    assert (code, out) == (2, "")
    assert_friendly(err.removesuffix("\n"), *BAD[line])


@pytest.mark.usefixtures("no_engine")
def test_a_run_without_a_model_cannot_predict(call, store):
    run_id = store.create(RunConfig())
    code, out, err = call("predict", "--model", run_id, "picture.png")
    assert (code, out) == (2, "")
    assert_friendly(err.removesuffix("\n"), run_id, "queued")


def test_other_trouble_has_another_exit_code(call, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("MNIST_LAB_HOME", str(tmp_path / "file"))
    for command in (["runs"], ["train"], ["serve"]):
        monkeypatch.setattr(serve, "_start_web", None)  # to be heard of before anything is started
        code, out, err = call(*command)
        assert (code, out) == (1, "")
        assert_friendly(err.removesuffix("\n"), "MNIST_LAB_HOME")


def test_a_command_that_waits_outlasts_a_full_or_locked_database():
    engine = Mock(EngineClient)
    engine.ensure.side_effect = [StoreBusy("The disk is full."), EngineStatus("away"), EngineStatus("ready")]
    engine.wait.side_effect = StoreBusy("It is locked.")
    looks = iter([None, None, None, "found"])
    assert watch(lambda: next(looks), engine, stop=lambda: None, kept="it", seconds=0.0) == "found"
    assert (engine.ensure.call_count, engine.wait.call_count) == (3, 1)


def test_a_word_to_stop_outlasts_a_full_database_too():
    engine, stop = Mock(EngineClient), Mock(side_effect=[StoreBusy("The disk is full."), None])
    engine.ensure.side_effect = KeyboardInterrupt, EngineStatus("ready")
    looks = iter([None, None, None, "stopped"])
    assert watch(lambda: next(looks), engine, stop, kept="it", seconds=0.0) == "stopped"
    # Only who asks for the engine finds one that hangs and holds the database's lock.
    assert (stop.call_count, engine.ensure.call_count) == (2, 2)


def test_who_leaves_before_the_word_got_through_is_told(capsys):
    engine, stop = Mock(EngineClient), Mock(side_effect=StoreBusy("The disk is full."))
    engine.ensure.side_effect = KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        watch(lambda: None, engine, stop, kept="it", seconds=0.0)
    assert "has not got through" in capsys.readouterr().err


def test_an_interrupted_command_is_quiet(call, monkeypatch):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "COMMANDS", [cli.Command("wait", "Waits.", lambda parser: None, interrupt, ("",))])
    assert call("wait") == (130, "", "")


def test_outside_its_environment_it_says_how_to_enter_it():
    command = [sys.executable, "-S", "-m", "mnist_core", "runs"]  # without the packages of this environment
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert_friendly(done.stderr.strip(), "no package", ".venv/bin/activate")


def test_a_reader_that_leaves_early_is_no_error():
    with start("settings") as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_terminal_that_knows_few_signs_is_no_error():
    code, out, err = complete("settings", env=os.environ | {"PYTHONIOENCODING": "ascii"})
    assert (code, err) == (0, "")
    assert "Every ? epochs" in out


def test_a_command_stops_and_deletes_whosever_run_it_is(store, capsys):
    first, second = (store.create(RunConfig(), owner="a" * 32) for _ in range(2))
    assert cli.main(["runs", "--stop", first, "--delete", second]) == 0
    assert store.get(first).status == "cancelled"
    assert [run.id for run in store.list()] == [first]
    assert cli.main(["runs", "--delete", "unknown"]) == 2
    assert_friendly(capsys.readouterr().err.strip(), "unknown")
    third = store.create(RunConfig())
    assert cli.main(["runs", "--stop", third, "--delete", "unknown", "--stop", "gone"]) == 2
    assert_friendly(capsys.readouterr().err.strip(), "'gone', 'unknown'")
    assert store.get(third).status == "queued"
    assert cli.main(["runs", "--delete", third, "--delete", "flagship"]) == 2
    told = capsys.readouterr().err.strip()
    assert_friendly(told, "'flagship' comes with MNIST Lab")
    assert "no run" not in told and store.get(third)
    assert cli.main(["runs", "--stop", "gone", "--delete", "gone"]) == 2
    told = capsys.readouterr().err.strip()
    assert_friendly(told, "There is no run 'gone'")
    assert told.count("gone") == 1
    assert cli.main(["runs", "--delete", third, "--delete", third]) == 0
