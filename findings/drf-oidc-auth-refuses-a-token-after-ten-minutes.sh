#!/usr/bin/env bash
# drf-oidc-auth 4.0.0 refuses a JWT that was issued more than ten minutes ago, however long its `exp` still lasts.
#
# Its setting `OIDC_LEEWAY`, 600 by default, is no leeway between clocks but the greatest age of a token by `iat`. With tokens of
# twelve hours every log-on works, and every session breaks after ten minutes. What helps: set it to the life of a token.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check drf-oidc-auth==4.0.0 'pyjwt[crypto]==2.15.1'
"$folder/venv/bin/python" - <<'END'
import json, threading, time
from http.server import BaseHTTPRequestHandler, HTTPServer
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

key = ec.generate_private_key(ec.SECP256R1())
public = {**json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())), "kid": "one", "use": "sig", "alg": "ES256"}

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        pages = {"/.well-known/openid-configuration": {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}, "/keys": {"keys": [public]}}
        body = json.dumps(pages[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Handler)
issuer = f"http://127.0.0.1:{server.server_port}"
threading.Thread(target=server.serve_forever, daemon=True).start()

import django
from django.conf import settings
def user(request, token):
    return type("Someone", (), {"is_active": True, "sub": token.get("sub")})()
settings.configure(
    CACHES={"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"],
    OIDC_AUTH={
        "OIDC_ENDPOINT": issuer, "JWT_ALGORITHMS": ("ES256",), "JWT_AUTH_HEADER_PREFIX": "Bearer", "OIDC_RESOLVE_USER_FUNCTION": user,
        "OIDC_CLAIMS_OPTIONS": {"aud": {"values": ["an audience"], "essential": True}},
    },
)
django.setup()
from oidc_auth.authentication import JSONWebTokenAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

def outcome(age):
    now = int(time.time())
    claims = {"iss": issuer, "aud": "an audience", "sub": "someone", "iat": now - age, "exp": now + 3600}
    token = jwt.encode(claims, key, "ES256", {"kid": "one"})
    request = Request(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"Bearer {token}"))
    try:
        return JSONWebTokenAuthentication().authenticate(request)[0].sub
    except AuthenticationFailed as error:
        return f"{type(error).__name__}: {error}"

young, old = outcome(60), outcome(11 * 60)
print(f"drf-oidc-auth 4.0.0, issued a minute ago, good for an hour more: {young}")
print(f"drf-oidc-auth 4.0.0, issued eleven minutes ago, good for an hour more: {old}")
assert young == "someone" and old.startswith("AuthenticationFailed"), (young, old)
END
