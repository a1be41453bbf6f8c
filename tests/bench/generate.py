# SPDX-License-Identifier: Apache-2.0
"""Lines as Envoy's json_format access log writes them (shape: tests/data, config/sample-access.jsonl), made up but the
same at every run and on every machine: one seed per variant, and a generator that is spelled out here.

  generate.py VARIANT LINES > file        the variants are those of VARIANTS
"""
import base64
import json
import sys

MASK = (1 << 64) - 1
UNIQUE = 50_000


class Dice:
    """splitmix64 (Steele, Lea, Flood 2014): Python's own generator promises nothing from release to release."""

    def __init__(self, seed):
        self.state = seed

    def bits(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def below(self, n):
        return self.bits() % n

    def one_of(self, items):
        return items[self.bits() % len(items)]

    def percent(self, share):
        return self.bits() % 100 < share

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.bits() % (i + 1)
            items[i], items[j] = items[j], items[i]

    def uuid(self):
        h = f"{self.bits():016x}{self.bits():016x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


AGENTS = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "WikipediaApp/2.7.50485 (Android 14; Phone)",
    "WikipediaApp/7.4.9 (iOS 17.6; Phone)",
    "python-requests/2.31.0",
    "curl/7.88.1",
    'bot \\"quoted\\" (https://bot.example.org/; ops\\u0040example.org)',
    "Häuser-Bot/1.0 (https://häuser.example.org)",
]
URIS = [
    "/core/v1/wikipedia/en/page/Earth/bare",
    "/core/v1/wikipedia/de/search/page?q=Zug%20%26%20Bahn&limit=5",
    "/feed/v1/wikipedia/en/featured/2026/11/23",
    "/service/lw/inference/v1/models/revertrisk-language-agnostic:predict",
    "/w/rest.php/v1/page/Main_Page/history?older_than=12345",
    "/core/v1/commons/file/File:A_\\\"very\\\"_long_file_name_of_a_photograph.jpg",
]
REFERERS = ["https://en.wikipedia.org/wiki/Main_Page", "https://de.wikipedia.org/", "https://api.example.org/wiki/Start"]
LANGUAGES = ["en-GB,en;q=0.8", "de", "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "ja"]
CLIENTS = ["mobile-app", "search-widget", "svc:indexer", "b7f8ed6c64f54a0b9d0d0d6a8f3a3b11", "client-42", "importer"]
STATUS = [200] * 12 + [304, 301, 404, 404, 429, 401, 500, 503]
ESCAPED = ['tab\\there', 'a \\"b\\" c', 'back\\\\slash', '\\u00fcber', '\\/slashes\\/', '\\ud83d\\ude80', 'line\\nbreak', '\\u0000']


def text(value):
    """`value` holds its JSON escapes already."""
    return f'"{value}"'


def optional(dice, share, value):
    """Null in `share` percent of the lines."""
    return "null" if dice.percent(share) else text(value)


def fields(dice, n, nulls=25):
    """The 18 members of a line as [key, JSON text], in Envoy's order of the format string."""
    second = n // 50
    uri = dice.one_of(URIS)
    return [
        ["$schema", text("/api-gateway/request/1.0.0")],
        ["meta.stream", text("api-gateway.request")],
        ["meta.dt", text(f"2026-11-23T{second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{dice.below(1000):03d}Z")],
        ["meta.domain", text("api.example.org")],
        ["meta.request_id", text(dice.uuid())],
        ["meta.uri", text(uri)],
        ["http.method", text(dice.one_of(["GET", "GET", "GET", "POST", "HEAD"]))],
        ["http.protocol", text(dice.one_of(["HTTP/1.1", "HTTP/2"]))],
        ["http.status_code", str(dice.one_of(STATUS))],
        ["http.client_ip", text(f"198.51.100.{dice.below(256)}")],
        ["http.request_headers.user-agent", optional(dice, 2, dice.one_of(AGENTS))],
        ["http.request_headers.referer", optional(dice, 2 * nulls, dice.one_of(REFERERS))],
        ["http.request_headers.accept-language", optional(dice, nulls, dice.one_of(LANGUAGES))],
        ["http.response_headers.content-type", optional(dice, nulls // 4, "application/json")],
        ["total_time_ms", str(dice.below(1500))],
        ["backend_time_ms", text(str(dice.below(1400)))],
        ["client_id", optional(dice, nulls, dice.one_of(CLIENTS))],
        ["upstream.cluster", text(dice.one_of(["mw-api-int", "liftwing", "feed", "core-api"]) + "_cluster")],
    ]


def line(pairs):
    return "{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}"


def optional_keys(share):
    def make(dice, n):
        """Envoy's omit_empty_values: what has no value is not there at all."""
        pairs = fields(dice, n, nulls=0)
        return line([p for i, p in enumerate(pairs) if i < 3 or not dice.percent(share)])
    return make


def random_order(dice, n):
    pairs = fields(dice, n)
    dice.shuffle(pairs)
    return line(pairs)


def short(dice, n):
    wanted = {"meta.dt", "http.method", "http.status_code", "http.request_headers.referer", "client_id", "total_time_ms"}
    return line([p for p in fields(dice, n, nulls=30) if p[0] in wanted])


def long(dice, n):
    pairs = fields(dice, n)
    for i in range(12):
        pairs.append([f"http.request_headers.x-trace-{i:02d}", text("-".join(dice.uuid() for _ in range(7)))])
    return line(pairs)


def tiny(dice, _):
    """A newline makes it 24 bytes."""
    return line([["m.s", str(dice.one_of(STATUS))], ["c", text(f"{dice.below(1 << 20):05x}")]])


def huge(dice, n):
    """About a million bytes, which is under the default of max_line_bytes: many small members and eight long ones."""
    pairs = fields(dice, n)
    for i in range(200):
        pairs.append([f"http.request_headers.x-part-{i:03d}", text(dice.uuid())])
    for i in range(8):
        pairs.append([f"payload.part-{i}", text("-".join(dice.uuid() for _ in range(3326)))])
    return line(pairs)


def deep(dice, n):
    pairs = [["meta.dt", text("2026-11-23T00:00:00.000Z")], ["client_id", text(dice.one_of(CLIENTS))]]
    for i in range(16):
        names = [f"level{depth}{'ab'[(i >> depth) & 1]}" for depth in range(4)]
        pairs.append([".".join([*names, "more", f"leaf{i}"]), optional(dice, 25, dice.uuid()[:18])])
    return line(pairs)


def escapes(dice, n):
    pairs = fields(dice, n)
    for pair in pairs:
        if pair[0] in ("http.request_headers.user-agent", "http.request_headers.referer", "meta.uri", "meta.request_id"):
            pair[1] = text(" ".join(dice.one_of(ESCAPED) for _ in range(10)))
    return line(pairs)


def token(dice):
    """A signed token of about 600 bytes, as an identity provider issues it; the signature is noise."""
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
    claims = {"iss": "https://auth.example.org", "sub": dice.uuid(), "aud": dice.uuid().replace("-", ""), "azp": dice.one_of(CLIENTS),
              "iat": 1795392000 + dice.below(86400), "exp": 1795478400, "scopes": ["basic", "createeditmovepage"]}
    noise = b"".join(dice.bits().to_bytes(8, "big") for _ in range(25))
    head = part(json.dumps({"typ": "JWT", "alg": "RS256"}).encode())
    return f"Bearer {head}.{part(json.dumps(claims).encode())}.{part(noise)}"


def tokens(known):
    def make(dice, n):
        """`known` tokens take turns by chance; 0: a new one in each line."""
        if known and not hasattr(dice, "tokens"):
            dice.tokens = [token(dice) for _ in range(known)]
        pairs = fields(dice, n)
        pairs[16][1] = "null"
        pairs.insert(13, ["http.request_headers.authorization", text(dice.one_of(dice.tokens) if known else token(dice))])
        return line(pairs)
    return make


def plain(dice, n):
    return line(fields(dice, n))


def cri(dice, n):
    return f"2026-11-23T00:{n // 60000 % 60:02d}:{n // 1000 % 60:02d}.{n % 1000:03d}000000Z stdout F {plain(dice, n)}"


VARIANTS = {
    "plain": plain,
    "optional-0": optional_keys(0),
    "optional-10": optional_keys(10),
    "optional-50": optional_keys(50),
    "random-order": random_order,
    "200-bytes": short,
    "4-kilobytes": long,
    "deep": deep,
    "escapes": escapes,
    "jwt-of-200": tokens(200),
    "jwt-each-new": tokens(0),
    "cri": cri,
    "24-bytes": tiny,
    "1-megabyte": huge,
}


def write(variant, lines, out):
    """Beyond UNIQUE the lines come again: no cache of a processor or a program holds so many."""
    dice = Dice(0x7A11_6A7E + list(VARIANTS).index(variant))
    made = [(VARIANTS[variant](dice, n) + "\n").encode() for n in range(min(lines, UNIQUE))]
    for begin in range(0, lines, UNIQUE):
        out.write(b"".join(made[:lines - begin]))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in VARIANTS or not sys.argv[2].isdigit():
        sys.exit(f"usage: generate.py {'|'.join(VARIANTS)} LINES > FILE")
    write(sys.argv[1], int(sys.argv[2]), sys.stdout.buffer)
