# SPDX-License-Identifier: Apache-2.0
"""RS256 tokens signed by openssl: no extra package."""
import base64
import json
import subprocess
import time
from pathlib import Path

ISSUER = "https://issuer.test"


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _openssl(*argv: str, data: bytes | None = None) -> bytes:
    return subprocess.run(["openssl", *argv], input=data, check=True, capture_output=True).stdout


class Signer:
    """A key in `folder`, its public half in jwks.json."""

    def __init__(self, folder: Path):
        self.key = folder / "jwt.key"
        self.jwks = folder / "jwks.json"
        _openssl("genrsa", "-out", str(self.key), "2048")
        modulus = _openssl("rsa", "-in", str(self.key), "-noout", "-modulus").decode().strip().split("=")[1]
        key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": _b64(bytes.fromhex(modulus)), "e": "AQAB"}
        self.jwks.write_text(json.dumps({"keys": [key]}))

    def token(self, **claims) -> str:
        claims = {"iss": ISSUER, "exp": int(time.time()) + 3600, **claims}
        head = _b64(b'{"alg":"RS256","kid":"k1","typ":"JWT"}') + "." + _b64(json.dumps(claims).encode())
        return head + "." + _b64(_openssl("dgst", "-sha256", "-sign", str(self.key), data=head.encode()))
