"""Each range is declared once; what is tested here is taken from the declarations of every part there is."""

import math
from typing import Literal

import pytest
from pydantic import ValidationError

from mnist_core.config import SECTIONS, RunConfig, choices
from mnist_core.models.architectures import ConvBlock
from mnist_core.parts import FieldSpec, Part, number, option, plain

PARTS = [part for section in SECTIONS for part in choices(section)] + [ConvBlock, RunConfig]
FIELDS = [
    pytest.param(part, spec, id=f"{part.__name__}.{spec.name}")
    for part in PARTS
    for spec in part.specs()
    if spec.kind != "part"
]
NUMBERS = [field for field in FIELDS if field.values[1].kind in ("integer", "number")]
LISTS = [field for field in FIELDS if field.values[1].kind in ("integers", "parts")]
CHOICES = [field for field in FIELDS if field.values[1].kind in ("choice", "switch")]


def beyond(spec):
    """The nearest values outside the range of a number."""
    if spec.kind == "integer":
        return spec.low - 1, spec.high + 1
    return math.nextafter(spec.low, -math.inf), math.nextafter(spec.high, math.inf)


def item(spec):
    return spec.item() if spec.kind == "parts" else spec.low


@pytest.mark.parametrize("part", PARTS[:-1], ids=lambda part: part.__name__)
def test_every_part_tells_the_reader_what_it_is(part):
    assert part.label
    assert part.sentence.endswith(".")
    assert part() == part.model_validate({})


@pytest.mark.parametrize(("part", "spec"), FIELDS)
def test_every_field_has_title_help_and_a_default_that_it_allows(part, spec):
    assert spec.title
    assert spec.title != spec.name
    assert spec.help.endswith((".", ".)"))
    part(**{spec.name: spec.default})
    assert getattr(part(), spec.name) == spec.default


@pytest.mark.parametrize(("part", "spec"), NUMBERS)
def test_numbers_are_accepted_up_to_their_edges_and_refused_beyond(part, spec):
    for edge in (spec.low, spec.high):
        assert getattr(part(**{spec.name: edge}), spec.name) == edge
    for value in (*beyond(spec), math.nan, math.inf, -math.inf, "many", None):
        with pytest.raises(ValidationError):
            part(**{spec.name: value})
    assert plain(spec.low) in spec.allowed
    assert plain(spec.high) in spec.allowed
    assert not spec.log or spec.low > 0


@pytest.mark.parametrize(("part", "spec"), CHOICES)
def test_choices_are_accepted_and_nothing_else(part, spec):
    for value in spec.choices or (True, False):
        assert getattr(part(**{spec.name: value}), spec.name) == value
        assert str(value).lower() in spec.allowed
    for value in ("no such value", 99, None):
        with pytest.raises(ValidationError):
            part(**{spec.name: value})


@pytest.mark.parametrize(("part", "spec"), LISTS)
def test_lists_are_accepted_in_every_allowed_length(part, spec):
    for length in range(spec.shortest, spec.longest + 1):
        assert len(getattr(part(**{spec.name: [item(spec)] * length}), spec.name)) == length
    for length in {spec.longest + 1, spec.shortest - 1} - {-1}:
        with pytest.raises(ValidationError):
            part(**{spec.name: [item(spec)] * length})
    assert f"{spec.shortest} to {spec.longest}" in spec.allowed


@pytest.mark.parametrize(("part", "spec"), [field for field in LISTS if field.values[1].kind == "integers"])
def test_each_number_of_a_list_has_the_same_edges(part, spec):
    part(**{spec.name: [spec.low, spec.high]})
    for value in (*beyond(FieldSpec("", "", "", "integer", 0, spec.low, spec.high)), 7.5, None):
        with pytest.raises(ValidationError):
            part(**{spec.name: [spec.low, value]})


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_parts_are_frozen_hashable_and_refuse_unknown_keys(part):
    value = part()
    with pytest.raises(ValidationError):
        part(no_such_setting=1)
    with pytest.raises(ValidationError):
        setattr(value, part.specs()[0].name if part.specs() else "name", 1)
    assert hash(value) == hash(part())


def test_specs_follow_the_declaration_and_leave_the_name_out():
    assert [spec.name for spec in ConvBlock.specs()] == [
        "filters", "kernel", "convolutions", "padding", "pooling", "batch_norm", "dropout",
    ]  # fmt: skip
    for section in SECTIONS:
        for part in choices(section):
            declared = [name for name in part.model_fields if name != "name"]
            rare = {spec.name for spec in part.specs() if spec.rare}
            # The seldom used come last.
            assert [s.name for s in part.specs()] == sorted(declared, key=lambda name: name in rare)


def test_a_spec_says_all_that_a_widget_needs():
    class Example(Part):
        share: float = number(0.5, 0.001, 1.0, "Share", "How much.", log=True)
        kind: Literal["a", "b"] = option("a", "Kind", "Which.")

    share, kind = Example.specs()
    assert share == FieldSpec("share", "Share", "How much.", "number", 0.5, 0.001, 1.0, log=True)
    assert share.allowed == "a number from 0.001 to 1"
    assert kind == FieldSpec("kind", "Kind", "Which.", "choice", "a", choices=("a", "b"))
    assert kind.allowed == "one of a, b"


def test_a_field_without_a_widget_is_refused_when_it_is_declared_wrong():
    class Wrong(Part):
        text: str = option("", "Text", "Anything.")

    with pytest.raises(TypeError, match="has no widget; give it one"):
        Wrong.specs()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (60_000, "60,000"),
        (0.001, "0.001"),
        (1e-6, "1e-06"),
        (0, "0"),
        (10.0, "10"),
        (None, "any"),
        (2048, "2,048"),
    ],
)
def test_plain_numbers_read_as_a_student_writes_them(value, text):
    assert plain(value) == text
