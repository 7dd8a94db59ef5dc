"""What happens where there is no browser."""

import pytest

import tools.browser
from tests.e2e.conftest import browser_path

pytestmark = pytest.mark.e2e

NOT_ASKED, ASKED = {}, ({"MNIST_LAB_NEEDS_BROWSER": "1"}, {"CI": "true"})


@pytest.mark.parametrize(
    "environment, outcome", [(NOT_ASKED, "Skipped"), (ASKED[0], "Failed"), (ASKED[1], "Failed")]
)
def test_without_a_browser(monkeypatch, environment, outcome):
    monkeypatch.setattr(tools.browser, "find", lambda: None)
    for name in ("MNIST_LAB_NEEDS_BROWSER", "CI"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BaseException) as caught:
        browser_path()
    assert type(caught.value).__name__ == outcome
    assert str(caught.value) == tools.browser.MISSING
