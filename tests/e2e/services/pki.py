# SPDX-License-Identifier: Apache-2.0
"""A throw-away certificate authority made by openssl: a server certificate for loopback and a client's."""
import subprocess
from pathlib import Path

LOOPBACK = "subjectAltName=IP:127.0.0.1,DNS:localhost\n"


def _openssl(folder: Path, *argv: str):
    subprocess.run(["openssl", *argv], cwd=folder, check=True, capture_output=True)


class Authority:
    """Files in `folder`: ca.crt, and NAME.key, NAME.crt for every issued name."""

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.ca = folder / "ca.crt"
        if not self.ca.exists():
            _openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=test-ca",
                     "-keyout", "ca.key", "-out", "ca.crt")

    def issue(self, name: str, extension: str = LOOPBACK) -> tuple[Path, Path]:
        """(certificate, key) of `name`."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        if not certificate.exists():
            (self.folder / f"{name}.ext").write_text(extension)
            _openssl(self.folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
                     "-keyout", key.name, "-out", f"{name}.csr")
            _openssl(self.folder, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "30", "-extfile", f"{name}.ext", "-out", certificate.name)
        return certificate, key
