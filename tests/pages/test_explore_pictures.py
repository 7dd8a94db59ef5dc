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
