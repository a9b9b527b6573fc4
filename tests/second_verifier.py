#!/usr/bin/env python3
"""Has somebody else's verifier, py_webauthn, look at what the authenticators of tests/authenticators answered: it must take
what the service takes, and refuse what the service refuses.

    tests/second_verifier.py FOLDER

FOLDER is the one that CEREMONIES named when `cargo test` ran that package. Needs the package webauthn of PyPI.
"""

import json
import pathlib
import sys

from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import InvalidAuthenticationResponse

# The parts of a passkey's life, and whether its user was verified.
PARTS = {"registration": True, "required": True, "discouraged": False}


def expected(asked):
    return {
        "expected_challenge": base64url_to_bytes(asked["challenge"]),
        "expected_rp_id": asked["rp_id"],
        "expected_origin": asked["origin"],
        "require_user_verification": True,
    }


def main():
    ceremonies = {}
    for path in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
        kept = json.loads(path.read_text())
        ceremonies.setdefault(kept["asked"]["origin"], {})[kept["asked"]["what"]] = kept
    assert len(ceremonies) >= 3, f"answers to three origins are expected in {sys.argv[1]}"
    for origin, kept in ceremonies.items():
        assert kept.keys() == PARTS.keys(), f"{origin}: {sorted(kept)}"
        made = kept["registration"]
        passkey = verify_registration_response(credential=made["answer"], **expected(made["asked"]))
        for what in ("required", "discouraged"):
            used = kept[what]
            try:
                verify_authentication_response(
                    credential=used["answer"],
                    credential_public_key=passkey.credential_public_key,
                    credential_current_sign_count=passkey.sign_count,
                    **expected(used["asked"]),
                )
                taken = True
            except InvalidAuthenticationResponse as refused:
                print(f"{origin}: refused: {refused}")
                taken = False
            assert taken == PARTS[what], f"{origin}: {what}: taken: {taken}"
        print(f"{origin}: as the service has it")


main()
