"""The ways from page to page."""

import pytest

from mnist_core.ui.menu import GOING
from tests.pages.conftest import healthy, labelled, linked


@pytest.mark.parametrize("page", ["Home", "Draw"])
def test_a_way_that_was_cut_short_is_gone_to_its_end(visit, finish, page):
    """When a fragment's turn comes in between, Streamlit draws the page again that was to be left."""
    run_id = finish()
    app = visit(page)
    app.session_state[GOING] = "Evaluate", {"run": run_id}
    app.run()
    assert healthy(app).title[0].value == "Evaluate" and linked(app) == run_id
    assert GOING not in app.session_state


def test_a_way_that_was_gone_is_forgotten(visit, finish):
    run_id = finish()
    app = visit("Home")
    labelled(app.button, "Open").click().run()
    assert healthy(app).title[0].value == "Train" and linked(app) == run_id
    assert GOING not in app.session_state
