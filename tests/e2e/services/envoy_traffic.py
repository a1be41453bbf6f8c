# SPDX-License-Identifier: Apache-2.0
"""Requests of many kinds through Envoy: methods, statuses, tokens good and bad, odd headers, broken clients."""
import http.client
import random
import socket
import time

from .envoy import Envoy
from .jwt import ISSUER

AGENTS = ["curl/7.88.1", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
          'bot "quoted" \\slash', "tab\there", "caf\xe9/1", "\xf0\x9f\x9a\x80/2", "", "x" * 500,
          "<script>alert(1)</script>", "-", "null"]
PATHS = ["/api/v1/items/%d", "/api/v1/search?q=a%%20b&n=%d", "/api/private/me?id=%d", "/status/200?%d",
         "/status/201?%d", "/status/204?%d", "/status/301?%d", "/status/304?%d", "/status/400?%d", "/status/401?%d",
         "/status/404?%d", "/status/429?%d", "/status/500?%d", "/status/503?%d", "/slow/%d", "/direct/%d",
         "/redirect/%d", "/dead/%d", "/reset/%d", "/nosuch/%d", "/rewrite/me/%d",
         "/api/path%%2Fenc/%%E2%%9C%%93/%d", '/api/"q"/%d', "/api/\\b/%d"]
METHODS = {"GET": 10, "POST": 4, "PUT": 2, "DELETE": 2, "PATCH": 2, "HEAD": 1, "OPTIONS": 1, "PURGE": 1}
SUBJECTS = ["client-42", "mobile-app/ios", "svc:indexer", "ünïcode-клиент", 'a"quote\\back']
BROKEN = [b"GET /api/10 HTTP/1.0\r\n\r\n", b"GET /api/nohost HTTP/1.1\r\n\r\n", b"BROKEN\r\n\r\n",
          b"POST /api/x HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nshort", b"\x16\x03\x01\x02\x00\x01",
          b"GET /api/te HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\nabc"]


class Traffic:
    def __init__(self, envoy: Envoy, seed: int = 7):
        self.port = envoy.port
        self.random = random.Random(seed)
        sign = envoy.signer.token
        self.good = [sign(sub=subject, client_id=f"app-{i}") for i, subject in enumerate(SUBJECTS)] + [sign()]
        self.bad = [sign(sub="late", exp=int(time.time()) - 100), sign(iss=ISSUER + "/other"), "garbage", "a.b.c"]

    def request(self, method: str, path: str, headers: dict, body: bytes | None = None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, headers)
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            pass  # a refused request is a line of the log as well
        finally:
            connection.close()

    def headers(self, number: int) -> dict:
        chance, headers = self.random.random, {}
        if chance() < 0.85:
            headers["User-Agent"] = self.random.choice(AGENTS).encode("latin1")
        if chance() < 0.3:
            headers["Referer"] = f"https://en.wikipedia.org/wiki/Main_Page?x={number}"
        if chance() < 0.2:
            headers["Host"] = self.random.choice(["en.wikipedia.org", "de.wikipedia.org:443", "API.Example.test"])
        if chance() < 0.5:
            headers["Authorization"] = "Bearer " + self.random.choice(self.good)
        elif chance() < 0.1:
            headers["Authorization"] = "Bearer " + self.random.choice(self.bad)
        return headers

    def send(self, count: int):
        for number in range(count):
            method = self.random.choices(list(METHODS), list(METHODS.values()))[0]
            body = b'{"k":%d}' % number if method in ("POST", "PUT", "PATCH") else None
            self.request(method, self.random.choice(PATHS) % number, self.headers(number), body)

    def break_off(self):
        for raw in BROKEN:
            with socket.create_connection(("127.0.0.1", self.port)) as client:
                client.sendall(raw)
                client.settimeout(0.3)
                try:
                    while client.recv(65536):
                        pass
                except OSError:
                    pass
