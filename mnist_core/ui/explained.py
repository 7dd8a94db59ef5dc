"""Predict first: what the reader expects of a run or a search, and afterwards what came and why."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from mnist_core.diagnosis import DIVERGED, Evidence, as_foretold, dead_units, explain, foretold, judged_by
from mnist_core.errors import UnknownRun
from mnist_core.explore.results import best_trial
from mnist_core.store.expectations import expect, expected
from mnist_core.store.run import RESUMABLE, Run
from mnist_core.store.sweep import Sweep, Trial
from mnist_core.ui.lab import Lab
from mnist_core.ui.words import escaped


def ask_expectation(of: str = "test accuracy", key: str = "expected") -> float | None:
    """A number to write down before it begins; a fraction, or ``None`` if the reader would rather not."""
    percent = st.number_input(
        f"Your prediction: {of} in %", 0.0, 100.0, None, step=0.5, key=key, placeholder="if you like",
        help="Write down what you expect before you start; afterwards you see how close you came, and why.",
    )  # fmt: skip
    return None if percent is None else percent / 100


def ask_expectation_of_best() -> float | None:
    """The same for a search: what its best trial will reach on held-out images."""
    return ask_expectation("best held-out accuracy", "expected-best")


def remember(lab: Lab, run_id: str, accuracy: float | None) -> str:
    """Writes the prediction down, if there is one, and gives the run's id."""
    if accuracy is not None:
        expect(lab.store.database, run_id, accuracy)
    return run_id


def show_explanation(lab: Lab, run: Run) -> None:
    """The prediction beside the result, and what the rules have found; nothing while its end is to come."""
    guess = expected(lab.store.database, run.id)
    if run.active or run.status in RESUMABLE:
        if guess is not None:
            st.caption(f"The prediction: {as_foretold(guess)} on the test set.")
        return
    if guess is not None and run.test_accuracy is not None:
        st.info(foretold(guess, run.test_accuracy), icon=":material/track_changes:")
    elif guess is not None:
        st.caption(f"The prediction: {as_foretold(guess)} on the test set, which this run did not come to.")
    if not _show_findings(lab, run) and run.usable and not run.uploaded:
        st.caption("Nothing conspicuous: none of the usual causes of trouble shows in this run.")


def show_foretold(lab: Lab, sweep: Sweep, trials: Sequence[Trial]) -> None:
    """What was foretold of a search, if anything was, and once it has ended what its best trial reached, and what held
    that back.

    Without a completed trial that is told of the first whose weights ran away, if any did.
    """
    best = best_trial(sweep, trials)
    ran_away = None if best else next((trial for trial in trials if DIVERGED in trial.message), None)
    run = None if sweep.active else _run_of(lab, best or ran_away)
    if sweep.expected is not None:
        _say_how_close(lab, sweep, best, run)
    if sweep.active:
        return
    if ran_away:
        st.caption(f"The weights of trial {ran_away.number} ran away.")
    if run:
        _show_findings(lab, run, f" (trial {(best or ran_away).number})")


def _say_how_close(lab: Lab, sweep: Sweep, best: Trial | None, run: Run | None) -> None:
    words = f"The prediction: the best trial reads {as_foretold(sweep.expected)} of the held-out digits."
    row = best and run and judged_by(run.settings, lab.store.epochs(run.id), "val_accuracy")
    if row:
        words = foretold(sweep.expected, row["val_accuracy"])
        st.info(f"**The best trial's held-out accuracy.** {words}", icon=":material/track_changes:")
        return
    if not sweep.active:
        words += f" No trial {'is left' if best else 'was completed'} that it could be compared with."
    st.caption(words)


def _run_of(lab: Lab, trial: Trial | None) -> Run | None:
    try:
        return lab.store.get(trial.run_id) if trial and trial.run_id else None
    except UnknownRun:  # deleted since
        return None


def _show_findings(lab: Lab, run: Run, of: str = "") -> bool:
    """What the rules have found in a run, and whether they have found anything.

    Args:
        of: which run it is, where the page shows several.
    """
    dead = dead_units(lab.store.load_blob(run.id, "health"))
    findings = explain(Evidence(run.settings, lab.store.epochs(run.id), run.message, dead))
    for finding in findings:
        words = f"**{finding.rule.capitalize()}{of}.** {escaped(finding.what)}  \n{finding.mend}"
        st.warning(words, icon=":material/help:")
    return bool(findings)
