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
    document.documentElement.dataset.before = "";
    const button = [...document.querySelectorAll("button")].find(button => button.innerText.includes(name));
    button.click();
    setTimeout(() => { const began = performance.now(); while (performance.now() - began < 3200); }, 30);
}"""
"""Clicks a button, and has the browser do nothing else for so long that every fragment of the page misses its turn."""


@pytest.mark.parametrize("attempt", range(4))
def test_a_busy_browser_ends_on_no_empty_page(lab, trained, attempt):
    """What the page that is left asks for may come after the new page; one time in four it does here.

    Then the page is loaded anew: the new one, or the old one where the address had not changed yet.
    """
    lab.browser_may_complain = True  # of what belongs to the other page
    lab.open("Home")
    lab.page.evaluate(BUSY, "Open")
    anew = lab.page.locator("html:not([data-before]) [data-testid=stMain] h1")
    expect(lab.button("Set up another run").or_(anew).first).to_be_visible()
