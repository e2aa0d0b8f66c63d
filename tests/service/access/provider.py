"""A little identity provider on loopback: it serves its keys, signs tokens, and can misbehave."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.service.conftest import NOW

ISSUER, AUDIENCE = "https://login.example.org/hospital", "recurrence-risk"
ROLES = {"risk-doctors": "clinician", "risk-admins": "admin", "risk-watch": "metrics"}
SECONDS = int(NOW.timestamp())
CLAIMS = {
    "iss": ISSUER,
    "aud": AUDIENCE,
    "sub": "u-17",
    "iat": SECONDS,
    "exp": SECONDS + 300,
    "groups": ["risk-doctors"],
    "centres": ["north"],
}


class Provider:
    """Keys by name, what the document of keys is, and how often it was asked for."""

    def __init__(self):
        self.private = {
            "rsa": (rsa.generate_private_key(65537, 2048), "RS256"),
            "ec": (ec.generate_private_key(ec.SECP256R1()), "ES256"),
            "ed": (ed25519.Ed25519PrivateKey.generate(), "EdDSA"),
        }
        self.offered = list(self.private)
        self.asked = 0
        self.body = None
        self.status, self.headers, self.slowly = 200, {}, 0.0

    def jwk(self, name):
        key, algorithm = self.private[name]
        document = jwt.get_algorithm_by_name(algorithm).to_jwk(key.public_key(), as_dict=True)
        return document | {"kid": name, "use": "sig", "alg": algorithm}

    def document(self):
        return json.dumps({"keys": [self.jwk(name) for name in self.offered]}).encode()

    def token(self, name="rsa", *, headers=None, without=(), **changes):
        """A token signed by a key; claims are replaced, or left out."""
        key, algorithm = self.private[name]
        claims = {claim: value for claim, value in (CLAIMS | changes).items() if claim not in without}
        return jwt.encode(claims, key, algorithm, {"kid": name} | (headers or {}))


@contextlib.contextmanager
def provider_server():
    """Serve a provider; gives (provider, address of its keys, stop)."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            provider.asked += 1
            body = provider.document() if provider.body is None else provider.body
            self.send_response(provider.status)
            for name, value in provider.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(body), 1000):
                with contextlib.suppress(OSError):
                    self.wfile.write(body[start : start + 1000])
                    self.wfile.flush()
                if provider.slowly:
                    time.sleep(provider.slowly)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()

    def stop():
        server.shutdown()
        server.server_close()

    try:
        yield provider, f"http://127.0.0.1:{server.server_address[1]}/keys", stop
    finally:
        stop()
        thread.join()
