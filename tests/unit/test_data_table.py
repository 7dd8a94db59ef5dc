"""Tables for pages: Arrow's kinds from rows of Python."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest

from mnist_core.ui.data_table import arrow

MOMENT = datetime(2026, 11, 21, 7, 30, tzinfo=timezone(timedelta(hours=2)))

KINDS = (
    ([True, None, False], pa.bool_()),
    ([3, None, 2**60 + 1], pa.int64()),
    ([0.1, 1e-300, float("inf")], pa.float64()),
    ([1, 0.5, None], pa.float64()),
    ([np.float64(0.25), np.float32(0.5), np.float64(1)], pa.float64()),
    ([np.int64(7), 8, None], pa.int64()),
    ([MOMENT, MOMENT + timedelta(microseconds=1), None], pa.timestamp("us", "UTC")),
    (["a", 'two\nlines, a "quote" and ü', None], pa.string()),
    ([None, None], pa.null()),
)


@pytest.mark.parametrize(("values", "kind"), KINDS, ids=lambda part: str(part) if isinstance(part, pa.DataType) else "")
def test_a_column_keeps_its_kind_and_its_values(values, kind):
    table = arrow([{"column": value} for value in values])
    assert table.schema.field("column").type == kind
    assert table["column"].to_pylist() == values


@pytest.mark.parametrize("text", ["2026-01-02", "2026-01-02T03:04:05Z", "12", "null", "NaN", ""])
def test_text_stays_text_whatever_it_looks_like(text):
    assert arrow([{"note": text}])["note"].to_pylist() == [text]


def test_what_is_mixed_becomes_text():
    assert arrow([{"value": value} for value in (1, "auto", True, [2, 3], None)])["value"].to_pylist() == [
        "1", "auto", "True", "[2, 3]", None,
    ]  # fmt: skip


def test_no_number_is_nothing():
    losses = [float("nan"), np.float64("nan"), 2.0]
    assert arrow([{"loss": loss} for loss in losses])["loss"].to_pylist() == [None, None, 2.0]


def test_columns_of_any_row_in_the_order_of_their_first_appearance():
    assert arrow([{"b": 1}, {"a": "x", "b": 2}, {"c": None}]).to_pydict() == {
        "b": [1, 2, None], "a": [None, "x", None], "c": [None, None, None],
    }  # fmt: skip


@pytest.mark.parametrize("rows", [[], [{}], [{}, {}]])
def test_without_columns_there_is_nothing(rows):
    assert arrow(rows).num_rows == arrow(rows).num_columns == 0


def test_a_row_may_be_long():
    long = "x" * 3_000_000
    assert arrow([{"note": "short"}, {"note": long}])["note"].to_pylist() == ["short", long]
