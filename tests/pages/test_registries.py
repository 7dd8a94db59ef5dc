"""A new optimizer is one class and its place in the registry: everything else picks it up.

In a process of its own, in which the registry is longer before anything else looks at it.
"""

import json
import subprocess
import sys

import pytest

from tests.helpers import ROOT

ADD = """
import contextlib, io, json
from typing import ClassVar, Literal
from mnist_core.training import optimizers

class Lion(optimizers.Optimizer):
    label: ClassVar[str] = "Lion"
    sentence: ClassVar[str] = "Steps by signs alone."
    keras_class: ClassVar[str] = "Lion"

    name: Literal["lion"] = "lion"
    learning_rate: float = optimizers._learning_rate(0.0001)
    beta_1: float = optimizers.number(0.9, 0.0, 0.999, "First share", "How much of the last step is carried on.")

optimizers.OPTIMIZERS += (Lion,)
"""

PAGE = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("pages/2_Train.py", default_timeout=60).run()
(choice,) = [box for box in app.selectbox if box.label == "Optimizer"]
choice.set_value("lion").run()
told = " ".join(caption.value for caption in app.caption)
found = [told, [slider.label for slider in (*app.slider, *app.number_input)], len(app.exception)]
"""

COMMAND = """
from mnist_core.cli import main
with contextlib.redirect_stderr(io.StringIO()) as told:
    try:
        code = main(["train", "--recipe", "quick", "--set", "optimizer.name=lion", "--set", "optimizer.beta_1=7"])
    except SystemExit as ended:
        code = ended.code
found = [code, told.getvalue()]
"""

DOCUMENT = """
from tools.documents import DOCUMENTS
found = DOCUMENTS["hyperparameters.md"]()
"""

KERAS = """
from mnist_core.config import RunConfig
from mnist_core.models.build import build
config = RunConfig.parse({"optimizer": {"name": "lion", "beta_1": 0.8}})
optimizer = build(RunConfig.parse(config.to_json())).optimizer
found = [type(optimizer).__name__, optimizer.beta_1, float(optimizer.learning_rate)]
"""


def with_lion(code):
    command = [sys.executable, "-c", f"{ADD}\n{code}\nprint(json.dumps(found))"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_form_offers_it(store):
    sentences, fields, problems = with_lion(PAGE)
    assert "Steps by signs alone." in sentences and "First share" in fields and not problems


def test_the_command_takes_it_and_refuses_what_it_does_not_allow(store):
    code, told = with_lion(COMMAND)
    assert code == 2 and "optimizer.beta_1 is 7" in told and "0.999" in told


def test_the_document_tells_of_it(store):
    document = with_lion(DOCUMENT)
    assert "Lion" in document and "Steps by signs alone." in document and "How much of the last step" in document


def test_the_configuration_comes_back_and_keras_builds_it(store):
    name, share, rate = with_lion(KERAS)
    assert (name, share, rate) == ("Lion", 0.8, pytest.approx(0.0001))
