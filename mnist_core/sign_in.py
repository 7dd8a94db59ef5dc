"""Whether the sign-in that a secrets file sets up can work: told in words, before somebody tries it in vain.

The sign-in itself is Streamlit's. Nobody has to have one: without an ``[auth]`` section there is nothing to be wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10, which has the same by another name
    import tomli as tomllib

FILES = (Path("~/.streamlit/secrets.toml"), Path(__file__).parents[1] / ".streamlit" / "secrets.toml")
"""Where Streamlit looks; what stands in the later file counts."""

KEYS = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")
OF_PROVIDER = KEYS[2:]
"""They may also stand in a section ``[auth.default]``."""

ADDRESSES = ("redirect_uri", "server_metadata_url")
CALLBACK = "/oauth2callback"

PACKAGES = ("authlib", "httpx")

ANSWER_SECONDS = 5
"""For the provider, of which somebody waits who has clicked."""


def problem() -> str:
    """What keeps everybody from signing in and how to mend it; empty if nothing does, or no sign-in is set up."""
    found = _secrets()
    if isinstance(found, str):
        return found
    return _fault(found["auth"]) if "auth" in found else ""


def silence() -> str:
    """Why the provider of the sign-in, which is asked now, does not say how to sign in; empty if it does.

    Streamlit leaves whoever signs in then on an error page of its own. Of a section with a ``problem``, or one in a
    file that only Streamlit was told of, nothing is said.
    """
    found = _secrets()
    if problem() or "auth" not in found:
        return ""
    address = _values(found["auth"])["server_metadata_url"]
    import httpx  # by which Streamlit asks too: with the same certificates, and following nobody elsewhere

    why = "what is there says nothing of it"
    try:
        told = httpx.get(address, timeout=ANSWER_SECONDS).raise_for_status().json()
        if isinstance(told, dict) and "authorization_endpoint" in told:
            return ""
    except httpx.HTTPStatusError as error:
        why = f"it answers with {error.response.status_code}, {error.response.reason_phrase}"
    except httpx.TimeoutException:
        why = f"no answer came within {ANSWER_SECONDS} seconds"
    except httpx.TransportError:
        why = "it cannot be reached"
    except (ValueError, httpx.InvalidURL):
        pass
    return (
        f"{address} does not say how to sign in ({why}). Try again in a while; whoever runs this MNIST Lab can mend "
        "server_metadata_url in its secrets.toml."
    )


def _secrets() -> dict[str, Any] | str:
    """What stands in the files, or why one of them cannot be read."""
    found: dict[str, Any] = {}
    for file in FILES:
        try:
            found |= tomllib.loads(file.expanduser().read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError, RuntimeError):  # the last of a user without a home
            continue
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return f"{_shown(file)} cannot be read: {why}. Mend the file, or take it away."
    return found


def _values(auth: Mapping[str, Any]) -> dict[str, Any]:
    provider = auth["default"] if isinstance(auth.get("default"), Mapping) else auth
    return {key: (provider if key in OF_PROVIDER else auth).get(key) for key in KEYS}


def _fault(auth: Any) -> str:
    if not isinstance(auth, Mapping):
        return f"auth in secrets.toml must be a section, [auth], with the keys {', '.join(KEYS)}. Write it as one."
    values = _values(auth)
    if missing := [key for key, value in values.items() if not (isinstance(value, str) and value.strip())]:
        return f"[auth] in secrets.toml needs a text for {', '.join(missing)}: see docs/operations.md."
    for key in ADDRESSES:
        if not values[key].startswith(("http://", "https://")):
            return f"{key} under [auth] in secrets.toml must be a whole address that begins with https:// or http://."
    if not values["redirect_uri"].endswith(CALLBACK):
        return f"redirect_uri under [auth] in secrets.toml must be the dashboard's address and end in {CALLBACK}."
    if any(find_spec(package) is None for package in PACKAGES):
        return 'The sign-in needs a package more: pip install "streamlit[auth]".'
    return ""


def _shown(file: Path) -> str:
    """Without the folders above: visitors see it too."""
    return str(file) if str(file).startswith("~") else "/".join(file.parts[-2:])
