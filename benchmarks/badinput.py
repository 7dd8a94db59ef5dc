"""Throws generated bad input at the core and the pages, and counts tracebacks and what was lost.

The generators are those of the tests (``tests/hostile``); one try in twenty goes through a page.
"""

from __future__ import annotations

import argparse
import logging
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence

import hypothesis

from benchmarks.report import arguments, finish, say
from tests.hostile import core, pages
from tests.hostile.target import Attack, Harm, Target, target, throw

ON_PAGES = 0.05
"""Of all tries."""

TOLD = 3
"""Failures of one kind of input that are told whole."""


def tries(attack: Attack, at: Target, count: int, found: Counter, seed: int) -> None:
    """So many inputs of one kind; what comes of each is counted in ``found``."""
    most = found["tried", attack.name] + count

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(attack.inputs)
    def one(value):
        if found["tried", attack.name] >= most:
            return
        found["tried", attack.name] += 1
        try:
            throw(attack, at, value)
        except Exception as error:  # which is what is counted
            kind = "lost" if isinstance(error, Harm) else "tracebacks"
            found[kind] += 1
            if found["told", attack.name] < TOLD:
                found["told", attack.name] += 1
                say(f"{attack.name}: {value!r:.500}\n{traceback.format_exc()}")

    one()


def run(count: int, seed: int) -> dict[str, int]:
    """As many tries as asked for. Kinds of input of which there are only a few leave their share to the others."""
    found: Counter = Counter()
    with target() as at:
        with pages.served(at):
            _all(pages.ATTACKS, at, round(count * ON_PAGES), found, seed)
        _all(core.ATTACKS, at, count - _tried(found), found, seed)
    return {"tried": _tried(found), "tracebacks": found["tracebacks"], "lost": found["lost"]}


def _all(attacks: Sequence[Attack], at: Target, count: int, found: Counter, seed: int) -> None:
    wanted = _tried(found) + count
    turn = 0
    while (missing := wanted - _tried(found)) > 0:
        for attack in attacks:
            share = min(-(-missing // len(attacks)), wanted - _tried(found))
            if share > 0:
                tries(attack, at, share, found, seed + turn)
                say(f"{attack.name}: {found['tried', attack.name]:,} tried")
        turn += 1


def _tried(found: Counter) -> int:
    return sum(count for key, count in found.items() if key[0] == "tried")


def _more(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--tries", type=int, default=10_000, help="inputs in all (10,000)")
    parser.add_argument("--seed", type=int, default=1, help="where chance begins (1)")


def main() -> None:
    options = arguments(__doc__, repeats=None, add=_more)
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    finish(run(options.tries, options.seed), options.json)


if __name__ == "__main__":
    main()
