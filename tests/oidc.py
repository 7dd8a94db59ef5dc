"""A provider of sign-ins by OpenID Connect, on the loopback interface: one user, who is always signed in there.

Of OpenID Connect Core 1.0 it has what a web application needs: the authorization code flow (section 3.1), with an ID
token that is signed by RS256 and carries the application's nonce.
"""

import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT = {"client_id": "lab", "client_secret": secrets.token_hex(16)}
METADATA = "/.well-known/openid-configuration"


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        provider = self.server.provider
        if parts.path == METADATA:
            self._tell(provider.metadata())
        elif parts.path == "/keys":
            self._tell({"keys": [provider.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", provider.authorize(asked))
            self.end_headers()
        else:
            self.send_error(404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._tell(self.server.provider.token({name: values[0] for name, values in parse_qs(body).items()}))

    def _tell(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Provider:
    def __init__(self, address, **user):
        self.address, self.user, self.key = address, user, RSAKey.generate_key(2048, {"kid": "only"})
        self._asked = {}

    def metadata(self):
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {
            "issuer": self.address,
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        } | {name: f"{self.address}/{path}" for name, path in paths.items()}

    def authorize(self, asked):
        """Where the browser goes next: back to who has asked, with a code."""
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT["client_id"])
        code = secrets.token_urlsafe()
        self._asked[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked):
        """For a code, once: who the user is."""
        first, now = self._asked.pop(asked["code"]), int(time.time())
        assert asked["redirect_uri"] == first["redirect_uri"]
        claims = {"iss": self.address, "aud": CLIENT["client_id"], "iat": now, "exp": now + 600}
        claims |= {"nonce": first["nonce"]} | self.user
        signed = jwt.encode({"alg": "RS256", "kid": "only"}, claims, self.key)
        return {"access_token": secrets.token_hex(8), "token_type": "Bearer", "expires_in": 600, "id_token": signed}


@contextmanager
def provider(**user):
    """A running provider whose user has these claims: ``sub``, ``name``, ``email``."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        server.provider = Provider(f"http://127.0.0.1:{server.server_port}", **user)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.provider
        finally:
            server.shutdown()
