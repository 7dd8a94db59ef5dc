"""Links that carry a set-up and a task, and hostile ones."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.config import RunConfig
from mnist_core.errors import ConfigError
from mnist_core.explore.design import Design, Search
from mnist_core.explore.lesson import Lesson
from mnist_core.explore.space import Dimension
from tests.helpers import assert_friendly, configs


def back(lesson):
    return Lesson.of_link(dict(parse_qsl(lesson.link().removeprefix("?"), keep_blank_values=True)))


@given(configs(), st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), max_size=200))
def test_a_link_brings_back_what_went_in(config, task):
    names = [frozenset(keys) for keys in ({"data", "seed"}, {"all"}, {"optimizer.learning_rate"})]
    lesson = Lesson(config, task, *names)
    assert back(lesson) == lesson


ODD = "ä & = # % + ? / \\ \" ' <b> \n 漢字"


def test_a_design_and_a_question_come_back_too():
    varied = ("optimizer.learning_rate=log:1e-5..1:11", "architecture.activation=relu|tanh")
    space = tuple(map(Dimension.parse, varied))
    design = Design(RunConfig.parse({"data": {"subset": 1000}}), space)
    lesson = Lesson(None, ODD, frozenset({"all"}), open=frozenset({"search", "sweep.stop"}), design=design)
    assert back(lesson) == lesson
    assert not set(lesson.link(sweep="ab cd")) & set(' <>"#{}\n')
    assert dict(parse_qsl(lesson.link(sweep="a&b")[1:]))["sweep"] == "a&b"
    assert back(Lesson(question="dropout")).question == "dropout"


def test_the_default_set_up_needs_next_to_nothing():
    assert Lesson(RunConfig()).link() == "?config=%7B%7D"
    assert Lesson().link() == "?"
    assert len(Lesson(RunConfig.parse({"optimizer": {"learning_rate": 0.1}})).link()) < 100


FOREST = RunConfig.parse({"architecture": {"name": "random_forest"}})
RATES_OF_A_FOREST = Design(FOREST, (Dimension.parse("optimizer.learning_rate=log:1e-5..1"),))


@pytest.mark.parametrize(
    ("parameters", "word"),
    [
        ({"config": "{"}, "JSON"),
        ({"config": '{"optimizer": {"learning_rate": 99}}'}, "at most 10"),
        ({"config": "[" * 3000}, "link"),
        ({"config": '{"architecture": {"name": "uploaded"}}'}, "link"),
        ({"design": "{}"}, "design"),
        ({"design": RATES_OF_A_FOREST.to_json()}, "no effect"),
        ({"question": "<b>"}, "learning-rate"),
        ({"lock": "search.<script>"}, "lock"),
        ({"lock": "optimizer.<script>"}, "lock"),
        ({"hide": "everything"}, "hide"),
        ({"open": "a.b.c"}, "open"),
        ({"task": "x" * 3000}, "2,000"),
    ],
)
def test_a_hostile_link_has_its_sentence(parameters, word):
    with pytest.raises(ConfigError) as error:
        Lesson.of_link(parameters)
    assert_friendly(error, word)


def test_what_is_locked_hidden_and_open():
    lesson = Lesson(lock=frozenset({"data", "optimizer.learning_rate"}), hide=frozenset({"all"}),
                    open=frozenset({"optimizer.name", "data"}))  # fmt: skip
    assert lesson.restricts
    assert lesson.hides("training")
    assert lesson.hides("seed")
    assert not lesson.hides("optimizer")
    assert not lesson.hides("optimizer.name")
    assert lesson.hides("optimizer.momentum")
    assert lesson.locks("optimizer.learning_rate")
    assert not lesson.locks("data.subset")
    assert not Lesson().hides("data")
    assert not Lesson(task="x").restricts


def test_whose_values_are_those_of_the_link():
    config = RunConfig.parse({"optimizer": {"learning_rate": 0.01}})
    lesson = Lesson(config, lock=frozenset({"optimizer"}), open=frozenset({"optimizer.learning_rate"}))
    assert lesson.kept_by(config)
    assert lesson.kept_by(config.replace({"optimizer.learning_rate": 0.5, "seed": 3}))
    assert not lesson.kept_by(config.replace({"optimizer.name": "sgd"}))
    assert Lesson(lock=frozenset({"all"})).kept_by(config)


def test_what_a_link_shows_of_explore_stands_alone_unless_it_opens_the_rest():
    assert not Lesson(task="look").alone
    assert Lesson(lock=frozenset({"sweep"})).alone
    assert not Lesson(hide=frozenset({"all"}), open=frozenset({"parts"})).alone


def test_a_design_is_allowed_that_keeps_what_the_link_holds():
    rate, dropout = (Dimension.parse(f"{key}=0.1..0.5") for key in ("optimizer.learning_rate", "architecture.dropout"))
    given = Design(RunConfig(), (rate, dropout))
    other = Design(RunConfig(), (rate, Dimension.parse("architecture.dropout=0..0.2")), Search(trials=9))
    elsewhere = Design(RunConfig(seed=9), given.space)

    def allowed(**names):
        lesson = Lesson(design=given, **{name: frozenset(keys.split()) for name, keys in names.items()})
        return [lesson.allows(design) for design in (given, other, elsewhere)]

    assert allowed() == [True, True, True]
    assert allowed(lock="all") == [True, False, False]
    assert allowed(hide="architecture.dropout") == allowed(lock="search.trials design.base") == [True, False, False]
    assert allowed(lock="search") == [True, False, True]
    assert allowed(lock="design.varies") == [True, True, True]
    assert allowed(lock="optimizer.learning_rate") == [True, True, False], "another start would bring other settings"
    assert allowed(lock="all", open="architecture.dropout search") == [True, True, False]
    assert Lesson(task="x").allows(given) and not Lesson(lock=frozenset({"sweep"})).allows(given)
