"""A sign-in that is set up wrongly is told in words, with the key that is wrong and never with a secret."""

import pytest

from mnist_core import serve, sign_in
from tests.helpers import assert_friendly
from tests.oidc import METADATA, provider

SECTION = {
    "redirect_uri": "https://lab.example/oauth2callback",
    "cookie_secret": "not-for-others",
    "client_id": "lab",
    "client_secret": "not-for-others-either",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}


@pytest.fixture
def secrets(tmp_path, monkeypatch):
    """Writes the secrets file, as text or as the keys of its ``[auth]``."""
    file = tmp_path / ".streamlit" / "secrets.toml"
    file.parent.mkdir()
    monkeypatch.setattr(sign_in, "FILES", (tmp_path / "file" / "secrets.toml", file))
    monkeypatch.setattr(sign_in, "PACKAGES", ("json",))
    (tmp_path / "file").touch()

    def write(text=None, **keys):
        lines = [f"{key} = {value}" if isinstance(value, int) else f"{key} = '{value}'" for key, value in keys.items()]
        content = "\n".join(["[auth]", *lines]) if text is None else text
        file.write_bytes(content if isinstance(content, bytes) else content.encode())

    return write


def test_without_a_section_nothing_is_wrong(secrets):
    assert sign_in.problem() == ""
    secrets("[database]\nname = 'x'")
    assert sign_in.problem() == ""


def test_a_whole_section_is_right_with_its_provider_beside_or_within(secrets):
    secrets(**SECTION)
    assert sign_in.problem() == ""
    shared = "\n".join(f"{key} = '{SECTION[key]}'" for key in ("redirect_uri", "cookie_secret"))
    provider = "\n".join(f"{key} = '{SECTION[key]}'" for key in sign_in.OF_PROVIDER)
    secrets(f"[auth]\n{shared}\n[auth.default]\n{provider}")
    assert sign_in.problem() == ""


@pytest.mark.parametrize("key", sign_in.KEYS)
@pytest.mark.parametrize("value", [None, "", 3])
def test_a_key_that_is_missing_empty_or_no_text_is_named(secrets, key, value):
    keys = SECTION | {key: value}
    secrets(**{name: text for name, text in keys.items() if text is not None})
    assert_friendly(sign_in.problem(), key)
    assert not any(other in sign_in.problem() for other in sign_in.KEYS if other != key)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"redirect_uri": "lab.example/oauth2callback"}, ["redirect_uri", "https://"]),
        ({"redirect_uri": "https://lab.example"}, ["redirect_uri", "/oauth2callback"]),
        ({"server_metadata_url": "id.example"}, ["server_metadata_url", "https://"]),
    ],
)
def test_an_address_that_leads_nowhere_is_told(secrets, change, words):
    secrets(**SECTION | change)
    assert_friendly(sign_in.problem(), *words)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("auth = 'x'", ["section", *sign_in.KEYS]),
        ("[auth\ncookie_secret = 'not-for-others'", [".streamlit/secrets.toml", "line 1"]),
        (b"[auth]\ncookie_secret = '\xff'", [".streamlit/secrets.toml"]),
    ],
)
def test_a_file_that_cannot_be_read_is_told_without_its_secrets(secrets, content, words):
    secrets(content)
    assert_friendly(sign_in.problem(), *words)
    assert "not-for-others" not in sign_in.problem()


def test_packages_that_it_needs_are_asked_for(secrets, monkeypatch):
    monkeypatch.setattr(sign_in, "PACKAGES", ("json", "no_such_package_here"))
    assert sign_in.problem() == ""
    secrets(**SECTION)
    assert_friendly(sign_in.problem(), 'pip install "streamlit[auth]"')


def test_who_serves_hears_of_it(secrets, settings, capsys, monkeypatch):
    secrets("auth = 'x'")
    for name in ("_keep", "_serve_pages", "_stop_engine"):
        monkeypatch.setattr(serve, name, lambda *_: None)
    assert serve.serve(settings, 8501) == 0
    assert "Nobody can sign in: auth in secrets.toml" in capsys.readouterr().err


def test_a_provider_that_answers_is_silent_about_nothing(secrets):
    with provider() as found:
        secrets(**SECTION | {"server_metadata_url": found.address + METADATA})
        assert sign_in.silence() == ""


@pytest.mark.parametrize(("path", "why"), [("/nowhere", "404"), ("/keys", "nothing of it")])
def test_a_provider_that_does_not_say_how_is_told(secrets, path, why):
    with provider() as found:
        secrets(**SECTION | {"server_metadata_url": found.address + path})
        assert_friendly(sign_in.silence(), found.address + path, why, "server_metadata_url", "Try again")


def test_a_provider_that_is_away_is_told(secrets):
    with provider() as found:
        address = found.address + METADATA
    secrets(**SECTION | {"server_metadata_url": address})
    assert_friendly(sign_in.silence(), address, "cannot be reached", "server_metadata_url")
