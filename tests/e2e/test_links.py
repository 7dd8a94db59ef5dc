"""Links that lead nowhere, and texts of visitors that would like to be more than text."""

import pytest
from playwright.sync_api import expect

from mnist_core.config import RunConfig

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("title", ["Train", "Evaluate", "Draw"])
def test_an_unknown_run(lab, trained, title):
    lab.open(title, run="00000000")
    expect(lab.main.get_by_role("alert").or_(lab.main.get_by_role("status")).first).to_contain_text(
        "00000000"
    )


def test_an_unknown_recipe(lab):
    lab.open("Train", recipe="nonsense")
    alert = lab.main.get_by_role("alert")
    expect(alert).to_contain_text("nonsense")
    expect(alert).to_contain_text("quick")
    lab.go("Home")


def test_an_unknown_page(lab):
    """Streamlit opens Home instead, and says so."""
    lab.console_may_complain = True
    lab.page.goto(f"{lab.url}/Nowhere")
    expect(lab.page.get_by_role("heading", name="MNIST Lab", level=1)).to_be_visible()


def test_a_name_is_no_script(lab, store):
    name = (
        "<img src=x onerror=\"document.title='broken into'\"> **bold** [link](javascript:document.title='x')"
    )
    run_id = store.create(RunConfig(), name)
    for title, link in (
        ("Home", {}),
        ("Train", {"run": run_id}),
        ("Runs", {}),
        ("Evaluate", {"run": run_id}),
    ):
        lab.open(title, **link)
        assert lab.page.locator("img[src=x]").count() == 0
        assert "broken into" not in lab.page.title()
        if title in ("Home", "Train"):
            lab.sees("**bold** [link]")


BUSY = """name => {
    const button = [...document.querySelectorAll("button")].find(button => button.innerText.includes(name));
    button.click();
    setTimeout(() => { const began = performance.now(); while (performance.now() - began < 3200); }, 30);
}"""
"""Clicks a button, and has the browser do nothing else for so long that every fragment of the page misses its turn."""


@pytest.mark.parametrize("attempt", range(4))
def test_a_busy_browser_ends_on_no_empty_page(lab, trained, attempt):
    """What the page that is left asks for may come after the new page; one time in four it does here."""
    lab.open("Home")
    lab.page.evaluate(BUSY, "Open")
    lab.sees_button("Set up another run")
    assert lab.linked_run == trained.id
    lab.forgive()  # Streamlit's part complains of what belongs to the other page
