#!/usr/bin/env bash
# PyJWT 2.15.1: PyJWKClient that has just fetched the set does not fetch it again for an unknown `kid`, for 30 seconds.
#
# A service that makes a key and signs with it at once, as after it has revoked another, has its first tokens refused with
# PyJWKClientError by every verifier that has fetched the set within the last half minute, though the set has the key by then.
# The guard is an argument of its own, `cooldown_duration`. What helps on the other side: publish a key for longer than that before
# it signs.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'pyjwt[crypto]==2.15.1'
"$folder/venv/bin/python" - <<'END'
import json, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

keys, asked = [], []

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked.append(time.monotonic())
        body = json.dumps({"keys": keys}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()

def token_of_new_key(kid):
    key = ec.generate_private_key(ec.SECP256R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    keys.append({**public, "kid": kid, "use": "sig", "alg": "ES256"})
    return jwt.encode({"sub": "someone"}, key, "ES256", {"kid": kid})

client = jwt.PyJWKClient(f"http://127.0.0.1:{server.server_port}/")

def takes(token):
    try:
        return jwt.decode(token, client.get_signing_key_from_jwt(token), algorithms=["ES256"])["sub"] == "someone"
    except jwt.PyJWKClientError as error:
        print(f"  refused: {error}")
        return False

assert takes(token_of_new_key("one"))
second = token_of_new_key("two")
begun = time.monotonic()
assert not takes(second), "the set has the key, and it is refused"
fetched = len(asked)
while not takes(second):
    assert time.monotonic() - begun < 60, "it is never taken"
    time.sleep(2)
waited = time.monotonic() - begun
print(f"PyJWT 2.15.1: a key that was published {waited:.0f} s ago is taken; the set was fetched {len(asked)} times, {fetched} of them before")
assert 20 < waited < 40, waited
END
