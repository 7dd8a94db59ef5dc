"""Tables that their readers sort, search and save, without pandas.

Streamlit makes a pandas frame of every table before it sends it, and pandas takes the web process 40 MB for good. An
Arrow table goes to the browser as it is. Arrow imports pandas too as soon as it is handed Python's own lists, but not
when it reads JSON.
"""

from __future__ import annotations

import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

if TYPE_CHECKING:
    import pyarrow as pa


def data_table(rows: Sequence[Mapping[str, Any]], **options: Any):
    """Draws rows as ``st.dataframe`` does, whose options these are; gives what it gives."""
    # To find out whether a table is large enough to be sent in parts, Streamlit would import pandas.
    return st.dataframe(arrow(rows), hide_index=True, lazy=False, **options)


def arrow(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """All columns of any row, in the order of their first appearance; nothing where a row has none, or no number.

    A column of truth values, whole numbers, numbers or moments keeps its kind; anything else becomes text.
    """
    # Imported with the first table: 30 MB. With its own memory pool instead of the system's it would take 4 MB more.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    import pyarrow as pa
    import pyarrow.json

    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = {column: [_plain(row.get(column)) for row in rows] for column in columns}
    schema = pa.schema([(column, _kind(values)) for column, values in cells.items()])
    if not columns:
        return schema.empty_table()
    for column in columns:
        if schema.field(column).type == pa.string():
            cells[column] = [value if value is None else str(value) for value in cells[column]]
    lines = (json.dumps(dict(zip(columns, row, strict=True)), default=str) for row in zip(*cells.values(), strict=True))
    text = "\n".join(lines).encode()
    # In one block, since a row must not lie in two, and without threads, each of which would take memory of its own.
    reading = pa.json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    return pa.json.read_json(io.BytesIO(text), reading, pa.json.ParseOptions(explicit_schema=schema))


def _plain(value: Any) -> Any:
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _kind(values: Sequence[Any]) -> pa.DataType:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.null()
    if kinds <= {bool}:
        return pa.bool_()
    if kinds <= {int}:
        return pa.int64()
    if kinds <= {int, float}:
        return pa.float64()
    return pa.timestamp("us", "UTC") if kinds <= {datetime} else pa.string()
