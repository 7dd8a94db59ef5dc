"""Signing in by OpenID Connect: the same visitor on every computer, by Streamlit's own login and a real provider."""

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import free_port, serve
from tests.e2e.lab import Lab
from tests.e2e.test_visitors import who
from tests.oidc import CLIENT, METADATA, provider

pytestmark = pytest.mark.e2e


@pytest.fixture
def behind_a_sign_in(tmp_path):
    """A server whose visitors may sign in, as Anna."""
    port, user = free_port(), tmp_path / "user"
    with provider(sub="24400320", name="Anna Ames", email="anna@school.example") as issuer:
        keys = CLIENT | {
            "redirect_uri": f"http://127.0.0.1:{port}/oauth2callback",
            "cookie_secret": "of this test alone, and long enough",
            "server_metadata_url": issuer.address + METADATA,
        }
        secrets = user / ".streamlit" / "secrets.toml"
        secrets.parent.mkdir(parents=True)
        secrets.write_text("\n".join(["[auth]", *(f'{name} = "{value}"' for name, value in keys.items())]))
        with serve(tmp_path, port, HOME=str(user)) as server:
            yield server


def press(lab, name):
    who(lab).get_by_role("button").first.click()
    lab.page.get_by_role("button", name=name).click()


def test_who_signs_in_is_the_same_visitor_in_every_browser(browser, behind_a_sign_in):
    server, labs = behind_a_sign_in, [Lab(browser.new_context(), behind_a_sign_in.url) for _ in range(2)]
    for lab in labs:
        lab.open("Home")
        expect(who(lab)).not_to_contain_text("Anna Ames")
        press(lab, "Sign in")
        expect(who(lab)).to_contain_text("Anna Ames")
        lab.on("Home")
    first, second = labs
    with server.store.database.read() as connection:
        names = connection.exec_driver_sql("SELECT name FROM visitors").scalars().all()
    assert names.count("Anna Ames") == 1
    first.page.reload()
    expect(who(first)).to_contain_text("Anna Ames")
    press(second, "Sign out")
    expect(who(second)).not_to_contain_text("Anna Ames")
    first.page.reload()
    expect(who(first)).to_contain_text("Anna Ames")
    for lab in labs:
        assert not lab.failures()
        lab.context.close()
    assert not server.complaints(0)
