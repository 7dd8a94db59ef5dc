"""Pictures of a sweep from its rows: Optuna's own Plotly figures, and the curves of its trials.

Optuna's study is made anew from the store's rows, in memory, so a page needs no connection to Optuna's tables.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mnist_core.explore.results import OBJECTIVE_WORDS
from mnist_core.store.sweep import Sweep, Trial

if TYPE_CHECKING:
    import optuna
    from plotly.graph_objects import Figure

PICTURES = {
    "history": "Optimization history",
    "slice": "Slice: each setting by itself",
    "parallel": "Parallel coordinates",
    "contour": "Contour: two settings together",
    "importances": "Importances",
    "intermediate": "Epoch by epoch, with pruned trials",
    "curves": "Curves by setting",
    "front": "Pareto front",
}

FEWER = {"contour": 100, "parallel": 200, "intermediate": 200}
"""At most so many trials in these: a contour grows with their square, and a browser draws each line by itself."""

STRESS = ("#8a94a0", "#d55e00")
FAINTEST = 0.3
"""How trials are coloured that are lines, from the worst to the best, and how opaque the worst is: to be seen on a page
of any colour."""


def available(sweep: Sweep) -> list[str]:
    """Which pictures this sweep can have."""
    two, several = len(sweep.objectives) == 2, len(sweep.design.space) > 1
    needs = {"front": two, "contour": several, "parallel": several, "importances": several}
    return [kind for kind in PICTURES if kind != "curves" and needs.get(kind, True)]


def draw(
    kind: str, sweep: Sweep, trials: Sequence[Trial], epochs: Mapping[int, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """A Plotly figure as plain data.

    Args:
        kind: a key of ``PICTURES``.
        epochs: rows of epochs by trial number, for ``intermediate``.
    """
    if kind == "importances":
        return _importances(sweep)
    import optuna.visualization as plots

    if kind in FEWER:
        trials = _fewer(kind, sweep, trials)
    both = kind == "front"
    study = as_study(sweep, trials, epochs if kind == "intermediate" else {}, both)
    first = {"target_name": OBJECTIVE_WORDS[sweep.objectives[0][0]]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # experimental, says Optuna of some
        match kind:
            case "front":
                names = [OBJECTIVE_WORDS[metric] for metric, _ in sweep.objectives]
                figure = plots.plot_pareto_front(study, target_names=names)
            case "intermediate":
                figure = plots.plot_intermediate_values(study)
                figure.update_layout(xaxis_title="epoch", yaxis_title=first["target_name"])
                _tell_apart(figure, trials)
            case "contour":
                figure = plots.plot_contour(study, params=most_important(sweep), **first)
            case "parallel":
                figure = plots.plot_parallel_coordinate(study, **first)
                _stress_best(figure)
            case "slice":
                figure = plots.plot_slice(study, **first)
            case _:
                figure = plots.plot_optimization_history(study, **first)
                figure.update_traces({"name": "best so far"}, {"name": "Best Value"})
    drawn = json.loads(figure.to_json())
    for piece in ("template", "title"):
        drawn["layout"].pop(piece, None)
    drawn["layout"] |= {"margin": {"l": 8, "r": 8, "t": 28, "b": 8}}
    if kind == "history":  # above, as in all other charts: at the side it takes half of a phone
        drawn["layout"]["legend"] = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return drawn


def as_study(
    sweep: Sweep,
    trials: Sequence[Trial],
    epochs: Mapping[int, Sequence[Mapping[str, Any]]],
    both: bool = False,
) -> optuna.Study:
    """An Optuna study in memory that holds these trials by their numbers; settings by the names that readers know.

    Args:
        both: with the second objective. Asked for one of two, Optuna knows neither which is best nor the best so far.
    """
    import optuna
    from optuna.trial import TrialState, create_trial

    from mnist_core.explore.study import distribution, encoded

    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "running": TrialState.RUNNING}
    titles = named(sweep)
    objectives = sweep.objectives if both else sweep.objectives[:1]
    metric = objectives[0][0]
    spaces = {titles[d.key]: distribution(d) for d in sweep.design.space}
    # Optuna numbers them by their places, so whatever has nothing to show keeps a place as well.
    frozen = [create_trial(state=TrialState.FAIL) for _ in range(1 + max((t.number for t in trials), default=-1))]
    for trial in trials:
        if trial.state not in states:
            continue
        params = {}
        for dimension in sweep.design.space:
            value = trial.params[dimension.key]
            params[titles[dimension.key]] = encoded(dimension, tuple(value) if isinstance(value, list) else value)
        rows = [row for row in epochs.get(trial.number, ()) if row[metric] is not None]
        values = [trial.value, trial.second][: len(objectives)]
        frozen[trial.number] = create_trial(
            state=states[trial.state], params=params, distributions=spaces,
            intermediate_values={row["epoch"]: row[metric] for row in rows},
            values=values if trial.state == "complete" else None,
        )  # fmt: skip
    study = optuna.create_study(directions=[direction for _, direction in objectives])
    study.add_trials(frozen)
    return study


def named(sweep: Sweep) -> dict[str, str]:
    """Readers' names of the settings, told apart by their section where two are alike."""
    titles = [dimension.spec.title for dimension in sweep.design.space]
    return {
        d.key: d.spec.title if titles.count(d.spec.title) == 1 else f"{d.spec.title} ({d.key})"
        for d in sweep.design.space
    }


def most_important(sweep: Sweep) -> list[str]:
    """The two settings that matter most, by name; as long as that is not known the first two."""
    keys = sorted(named(sweep), key=lambda key: -sweep.importances.get(key, 0.0))
    return [named(sweep)[key] for key in keys[:2]]


def _tell_apart(figure: Figure, trials: Sequence[Trial]) -> None:
    """Gives the lines of trials their names; those that the pruner gave up are dashed, with crosses for points.

    A trial given up after its first epoch is a point alone, which no dashes tell from others.
    """
    states = {trial.number: trial.state for trial in trials}
    ends = {"pruned": ", pruned", "running": ", in training"}
    for line in figure.data:
        number = int(line.name.removeprefix("Trial"))
        line.name = f"trial {number}{ends.get(states[number], '')}"
        pruned = states[number] == "pruned"
        line.line.dash, line.marker.symbol = ("dash", "x") if pruned else ("solid", "circle")
        line.hoverlabel.namelength = -1  # else 15 letters


def _stress_best(figure: Figure) -> None:
    """Colours the lines of parallel coordinates from faint grey to orange, the best on top.

    Optuna's own go from pale to dark blue: whichever of them is the best is lost on a pale or on a dark page.
    """
    from plotly.colors import sample_colorscale

    *lines, bar = figure.data or [None]
    if not lines or len(lines[0].x) < 2:
        return  # no trial is complete yet, or an older Optuna draws them as one piece
    # Optuna draws them in an order of its own; each begins at its value, on the first axis.
    heights = [line.y[0] for line in lines]
    best, worst = (min(heights), max(heights)) if bar.marker.reversescale else (max(heights), min(heights))
    merits = [(height - worst) / (best - worst) if best != worst else 1.0 for height in heights]
    for line, merit in zip(lines, merits, strict=True):
        line.line.color, line.opacity = sample_colorscale(STRESS, merit)[0], FAINTEST + (1 - FAINTEST) * merit
    bar.marker.colorscale = STRESS
    figure.update_annotations({"font": {"color": None}})  # that of the page, in place of a dark one
    figure.layout.xaxis.range = [-0.5, figure.layout.xaxis.range[1]]  # room for the name of the first axis
    order = sorted(range(len(lines)), key=merits.__getitem__)
    figure.data = [*(lines[i] for i in order), bar]


def _importances(sweep: Sweep) -> dict[str, Any]:
    order = sorted(sweep.importances.items(), key=lambda item: item[1])
    titles = named(sweep)
    trace = {"type": "bar", "orientation": "h", "x": [v for _, v in order], "y": [titles.get(k, k) for k, _ in order]}
    trace |= {"text": [f"{value:.0%}" for _, value in order], "hoverinfo": "skip"}
    layout = {"margin": {"l": 8, "r": 8, "t": 28, "b": 8}, "showlegend": False}
    layout |= {"xaxis": {"title": {"text": "share of the difference it makes"}, "tickformat": ".0%"}}
    return {"data": [trace], "layout": layout | {"yaxis": {"type": "category", "automargin": True}}}


def _fewer(kind: str, sweep: Sweep, trials: Sequence[Trial]) -> list[Trial]:
    """Of those that are drawn the best half and an even choice of the others, so that hills stay visible."""
    drawn, most = _lines(kind, trials), FEWER[kind]
    if len(drawn) <= most:
        return list(trials)
    done = [trial for trial in drawn if trial.state == "complete"]
    done.sort(key=lambda trial: trial.value, reverse=sweep.objectives[0][1] == "maximize")
    pruned, training = ([trial for trial in drawn if trial.state == state] for state in ("pruned", "running"))
    kept, others = done[: most // 2] + training, done[most // 2 :] + pruned
    return kept + others[:: -(-len(others) // (most - len(kept)))]


def _lines(kind: str, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that a picture draws: those that are pruned or in training only epoch by epoch."""
    states = ("complete", "pruned", "running") if kind == "intermediate" else ("complete",)
    return [trial for trial in trials if trial.state in states]


def left_out(kind: str, trials: Sequence[Trial]) -> str:
    """A sentence where a picture does not have all trials; else nothing."""
    drawn, most = len(_lines(kind, trials)), FEWER.get(kind, len(trials))
    if drawn <= most:
        return ""
    training = "those in training, " if kind == "intermediate" else ""
    return f"Of {drawn:,} trials at most {most} are drawn: the best, {training}and an even choice of the others."
