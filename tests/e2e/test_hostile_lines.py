# SPDX-License-Identifier: Apache-2.0
"""Lines that parsers quarrel about (after N. Seriot, "Parsing JSON is a Minefield"): what RFC 8259 allows leaves with
every byte of its values, and all the rest is kept in the dead letters as it came."""
import base64
import json
import os

from tailgate import pipe

NUMBERS = [b"0", b"-0", b"0e1", b"0e+1", b"0E+2", b"1.5", b"1e5", b"1E-2", b"123.456e78", b"-1", b"1.000000000000000005",
           b"20000000000000000000000", b"-123123123123123123123123123", b"0.4e00669999999999999999999999999999999999",
           b"1e9999", b"-1e+9999", b"123e-10000000", b"-0.000000000000000000000000000000000000000000000000000001"]
STRINGS = [b'""', b'"a"', b'"\\u0060\\u012a\\u12AB"', b'"\\uD801\\udc37"', b'"\\"\\\\\\/\\b\\f\\n\\r\\t"', b'"\\\\u0000"',
           b'"\\""', b'"a/*b*/c"', b'"\\\\a"', b'"\\\\n"', b'"\\u0012"', b'"\\uFFFF"', '"\uffff"'.encode(),
           b'"\\uDBFF\\uDFFF"', b'"new\\u00A0line"', '"\U0010ffff"'.encode(), b'"\\u0000"', b'"\\u002c"', '"π"'.encode(),
           b'"\x7f"', '"\u2028\u2029"'.encode(), b'"\\uDADA"', b'"\\uD800\\uD800"', b'"\\uDd1ea"', b'"\\udc00\\ud800"',
           '"\u200b\ufeff"'.encode()]
CONTAINERS = [b"[]", b"{}", b"[[]]", b"[null,1,\"1\",{}]", b'{"":0}', b'{"a":[]}', b"[[[[[[1]]]]]]",
              b'{"foo\\u0000bar":42}', b"[" * 500 + b"]" * 500]
KEYS = [b"", b"\\u0000", b"\\ud800", "ключ".encode(), b"a b", b"a\\\"b", b"__proto__", b"\x7f"]
NO_VALUES = [b"", b"-", b"+1", b".1", b"1.", b"-.5", b"01", b"-01", b"012", b"0x1", b"1e", b"1e+", b"1.e1", b"1 000", b"1+2",
             b"0e", b"0.3e", b"0.e1", b"2.e3", b"++1", b"- 1", b"-a", b"1ea", b"1.2a-3", b"NaN", b"-NaN", b"Infinity",
             b"-Infinity", b"inf", b"nul", b"nulll", b"tru", b"True", b"fals", b"FALSE", b"undefined", b"'a'", b'"a', b'a"',
             b'"\\x00"', b'"\\u00A"', b'"\\uD834\\u"', b'"\\uD834\\uDd"', b'"\\a"', b'"\\"', b'"\\u"', b'"\\UA66D"', b'"\\\\\\"',
             b'"a\tb"', b'"\x00"', b'"\x1f"', b"[1,]", b"[,1]", b"[1,,2]", b"[1", b"1]", b"[1:2]", b"[1 2]", b'{"a"}', b'{"a":}',
             b'{"a" 1}', b"{a:1}", b"{'a':1}", b'{"a":1,}', b'{,"a":1}', b'{"a":1,,"b":2}', b'{"a":1;"b":2}', b'{"a"::1}',
             b'{1:1}', b'{null:1}', b"{[:1}", b"[}", b"{]", b"[1}", b'{"a":1]', b"/**/1", b"1//x", b"#1", b'"\xff"',
             b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\xbf\xbf\xbf"', b'"\xe0\xff"', b'"\x80"', b'"\xfc\x80\x80\x80\x80\x80"',
             b"\xef\xbb\xbf1", b"\xc3\xa5", b"\xe2\x81\xa0", b"\x0c1", "\u00a01".encode(), b"1\x00", b"[" * 2000,
             b"[" * 100000, b'{"a":' * 2000]
NO_LINES = [b"1", b'"a"', b"null", b"[]", b"[1]", b"{", b"}", b"{}}", b'{"a":1}x', b'{"a":1}{"b":2}', b'{"a":1}#', b'{"a":1}/**/',
            b"{\"a\":1}\x00", b"x", b"\xff\xfe{\x00}\x00", b"*", b"<.>", b'["a', b"{{", b'{"a":1', b'{"a"', b'{"', b"\\u007b}",
            b",{}", b"\xe5", b"'{}'"]


def good_lines() -> list[bytes]:
    values = NUMBERS + STRINGS + CONTAINERS + [b"true", b"false", b"null"]
    lines = [b'{"before":1,"x":' + value + b',"after":"\\u00e9"}' for value in values]
    return lines + [b'{"' + key + b'":1,"z":2}' for key in KEYS]


def bad_lines() -> list[bytes]:
    return [b'{"before":1,"x":' + value + b',"after":2}' for value in NO_VALUES] + NO_LINES


def kept(letter: dict) -> bytes:
    return base64.b64decode(letter["raw_base64"]) if "raw_base64" in letter else letter["raw"].encode()


def test_good_lines_leave_as_they_came_and_bad_ones_are_kept_as_they_came(tmp_path):
    good, bad = good_lines(), bad_lines()
    mixed = [line for pair in zip(good, bad) for line in pair]
    mixed += good[len(bad):] + bad[len(good):]
    letters = tmp_path / "dead.ndjson"
    done = pipe("--dead", str(letters), stdin=b"\n".join(mixed) + b"\n")
    assert done.returncode == 3, done.stderr
    assert done.stdout.splitlines() == good
    read = [json.loads(line) for line in letters.read_text().splitlines()]
    assert [kept(letter) for letter in read] == bad
    assert all(letter["stage"] == "parse" and letter["reason"] for letter in read)
    assert os.stat(letters).st_mode & 0o777 == 0o600


def test_a_binary_file_is_all_dead_letters_and_no_end_of_the_process(tmp_path):
    binary = bytes(range(256)) * 64 + b"\n" + os.urandom(300_000)
    letters = tmp_path / "dead.ndjson"
    done = pipe("--dead", str(letters), stdin=binary + b'\n{"a":1}\n')
    assert done.returncode == 3, done.stderr
    assert done.stdout == b'{"a":1}\n'
    found = b"".join(kept(json.loads(line)) for line in letters.read_text().splitlines())
    # Between lines only what belongs to none is left out: newlines, a carriage return before one, white space and NULs.
    assert found.translate(None, b"\n\r\x00 \t") == binary.translate(None, b"\n\r\x00 \t")


def test_long_lines_come_through_a_pipe_as_fast_as_they_are_written():
    """A pipe holds 64 KiB: a line is read in many pieces, none of which may wait for anything but the next."""
    line = b'{"a":"' + b"x" * 1_000_000 + b'"}\n'
    done = pipe(stdin=line * 60, timeout=50)  # with a pause for each piece it would take a quarter of an hour
    assert done.returncode == 0, done.stderr
    assert done.stdout == line * 60
