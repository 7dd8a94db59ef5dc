"""What pydantic finds wrong with a configuration, said as a student would want to hear it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import ValidationError

from mnist_core.errors import ConfigError
from mnist_core.parts import plain

LONGEST_KEY = 80
"""Of a setting's name as it is repeated; ours are much shorter, and others may be anything."""


def sentences(error: ValidationError, named: Collection[str], most: int = 4) -> Iterator[str]:
    """One sentence per problem: which key, what was received, and what is allowed.

    Args:
        named: sections that are a choice of kinds. Pydantic puts the kind's name after the section's, which no
            reader knows as a setting; it is left out.
    """
    problems = error.errors(include_url=False)
    # A list with a wrong entry is also reported as too short; the entry is what the reader must mend.
    within = {problem["loc"][:-1] for problem in problems}
    problems = [p for p in problems if not (p["type"] == "too_short" and p["loc"] in within)]
    for problem in problems[:most]:
        path = ".".join(str(p) for i, p in enumerate(problem["loc"]) if not (i == 1 and problem["loc"][0] in named))
        path = path if len(path) <= LONGEST_KEY else path[: LONGEST_KEY - 3] + "..."
        received, context, kind = _shown(problem["input"]), problem.get("ctx", {}), problem["type"]
        if isinstance(context.get("error"), ConfigError):
            yield str(context["error"])
        elif kind in ("greater_than_equal", "less_than_equal"):
            limit = context.get("ge", context.get("le"))
            side = "at least" if "ge" in context else "at most"
            yield f"{path} is {received}, but must be {side} {plain(limit)}."
        elif kind == "extra_forbidden":
            yield f"There is no setting {path!r} here. Check its spelling, or leave it out."
        elif kind == "literal_error":
            yield f"{path} is {received}, but must be {context['expected']}."
        elif kind == "union_tag_invalid":
            yield f"{path}.name is {_shown(context['tag'])}, but must be one of {context['expected_tags']}."
        elif kind == "tuple_type":
            yield f"{path} is {received}, but must be a list in square brackets."
        elif kind in ("model_type", "model_attributes_type"):
            yield f"{path} is {received}, but must be an object of settings."
        elif kind in ("too_short", "too_long"):
            length = context.get("min_length", context.get("max_length"))
            side = "at least" if kind == "too_short" else "at most"
            yield f"{path} has {context['actual_length']} entries, but must have {side} {length}."
        else:
            yield f"{path} is {received}: {problem['msg'][0].lower()}{problem['msg'][1:]}."
    if len(problems) > most:
        yield f"(And {len(problems) - most} more.)"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
