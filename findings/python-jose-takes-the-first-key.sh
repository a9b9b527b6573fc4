#!/usr/bin/env bash
# python-jose 3.5.0 takes the first key of a JWK set, whatever `kid` the token has, once that key's type does not fit.
#
# A set may have keys of several types (RFC 7517, section 5, gives their order no meaning), as it has while a service changes
# from ES256 to RS256. Given such a set with the EC key first, and both algorithms allowed:
#   - a token signed with the EC key is taken;
#   - a token signed with the RSA key is not: JWKError "Incorrect key type. Expected: 'RSA', Received: EC", though the set has
#     the key that its `kid` names. JWKError is no JWTError, so `except JWTError`, which the usual examples have, lets it pass.
# With the RSA key first it is the other way round. What helps: choose the key by `kid` oneself, and give that alone.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'python-jose[cryptography]==3.5.0'
"$folder/venv/bin/python" - <<'END'
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jose import jwk, jwt
from jose.exceptions import JOSEError, JWTError

def made(alg, key, kid):
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = jwk.construct(pem, alg).public_key().to_dict()
    public = {name: value.decode() if isinstance(value, bytes) else value for name, value in public.items()}
    return {**public, "kid": kid, "use": "sig", "alg": alg}, jwt.encode({"sub": "someone"}, pem, alg, headers={"kid": kid})

ec_key, ec_token = made("ES256", ec.generate_private_key(ec.SECP256R1()), "one")
rsa_key, rsa_token = made("RS256", rsa.generate_private_key(65537, 2048), "two")

def outcome(token, keys):
    try:
        return jwt.decode(token, {"keys": keys}, algorithms=["ES256", "RS256"])["sub"]
    except JOSEError as error:
        return f"{type(error).__name__}: {error}"

seen = {
    "EC first, EC token": outcome(ec_token, [ec_key, rsa_key]),
    "EC first, RSA token": outcome(rsa_token, [ec_key, rsa_key]),
    "RSA first, RSA token": outcome(rsa_token, [rsa_key, ec_key]),
    "RSA key alone, RSA token": outcome(rsa_token, [rsa_key]),
}
for what, found in seen.items():
    print(f"python-jose 3.5.0, {what}: {found}")
assert seen["EC first, EC token"] == seen["RSA first, RSA token"] == seen["RSA key alone, RSA token"] == "someone"
assert seen["EC first, RSA token"].startswith("JWKError: Incorrect key type"), seen
from jose.exceptions import JWKError
assert not issubclass(JWKError, JWTError)
END
