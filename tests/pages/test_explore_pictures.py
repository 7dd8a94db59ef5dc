"""Pictures of the Explore page that show trials epoch by epoch."""

import pytest

from mnist_core.explore.questions import QUESTIONS
from tests.pages.conftest import curves, healthy, words


@pytest.mark.parametrize("kind", ["intermediate", "curves"])
def test_pictures_by_epoch_go_on_with_every_epoch_of_a_trial_in_training(visit, sweeps, store, kind):
    design = QUESTIONS["dropout"].design
    sweep_id = sweeps.create(design)
    params = {dimension.key: dimension.grid()[0] for dimension in design.space}
    run_id = sweeps.add_trial(sweep_id, 0, params, design.configure(params), "trial")
    app = visit("Explore", sweep=sweep_id)
    healthy(app.selectbox(key="picture").set_value(kind).run())
    assert "The picture begins with the first epoch." in words(app, "caption")
    store.mark_running(run_id)
    sweeps.update_trial(sweeps.trials(sweep_id)[0], state="running")
    assert "begins with the first epoch" in words(healthy(app.run()), "caption")
    for epoch in (1, 2):
        store.record(run_id, {"epoch": epoch}, epoch_rows=curves(epoch)[-1:])
        assert "begins with" not in words(healthy(app.run()), "caption")
        assert max(x for line in app.session_state["sweep-picture"][1]["data"] for x in line["x"]) == epoch


def test_epoch_by_epoch_says_what_its_dashes_and_crosses_are(visit, searched):
    app = visit("Explore", sweep=searched(8))
    assert "Dashed lines" not in words(app, "caption")
    assert "Dashed lines and crosses are trials that the pruner gave up." in words(
        healthy(app.selectbox(key="picture").set_value("intermediate").run()), "caption"
    )


@pytest.mark.parametrize("status, says", [("running", "waits for"), ("finished", "nothing to show")])
def test_a_picture_with_nothing_in_it_says_what_it_takes(visit, searched, sweeps, status, says):
    def told(kind, sweep_id):
        app = visit("Explore", sweep=sweep_id)
        return words(healthy(app.selectbox(key="picture").set_value(kind).run()), "caption")

    two = searched(2, status=status)
    assert f"{says}{': it takes' if says.startswith('nothing') else ''} 3 completed trials" in told("contour", two)
    assert "two completed trials" not in told("importances", two)
    sweeps.update(two, importances={})
    unknown = {"running": "They are being weighed.", "finished": "no importances could be found"}
    assert unknown[status] in told("importances", two)
    for trial in sweeps.trials(two):
        sweeps.update_trial(trial, value=0.5)
    assert "two completed trials at least that did not do alike" in told("importances", two)


def test_a_contour_takes_trials_that_differ_in_both_settings(visit, searched):
    """One choice alone is no range; with five rates and two widths there is a surface."""
    for over, drawn in (("seed=3", False), ("seed=3|4", True)):
        app = visit("Explore", sweep=searched(6, "optimizer.learning_rate=0.1|0.2|0.3|0.4|0.5", over))
        healthy(app.selectbox(key="picture").set_value("contour").run())
        assert ("both settings differ" not in words(app, "caption")) == drawn
