# SPDX-License-Identifier: Apache-2.0
"""unflatten and drop_nulls against jq, on random lines, where the two must agree; and what jq cannot say: that number
lexemes, escapes, spaces and the order of keys are still those of the line."""
import json
import os
import random
import subprocess
from pathlib import Path

import pytest

TAILGATE = os.environ.get("TAILGATE") or str(Path(__file__).parents[2] / "build/dev/tailgate")
LINES = 3000
SEPARATORS = [".", "_", "::"]


UNFLATTEN = 'reduce to_entries[] as $e ({}; setpath($e.key | split($sep); $e.value))'
# An object or array goes when it became empty; one that was empty before stays. Null elements of arrays stay.
DROP = """
def dropped:
  if type == "object" and length > 0 then
    reduce (to_entries[] | select(.value != null)) as $e ({};
      [$e.value | dropped] as $kept | if $kept == [] then . else setpath([$e.key]; $kept[0]) end)
    | if . == {} then empty else . end
  elif type == "array" and length > 0 then
    [.[] | dropped] | if . == [] then empty else . end
  else . end;
"""

NAMES = ["a", "b", "http", "user-agent", "$schema", "x y", "café", "日本", "😀", 'q"uote', "back\\slash", "tab\t",
         "0", "1", "null", "sla/sh", "{", "]", ",", "\u007f"]
NUMBERS = ["0", "-0", "1.0", "1e3", "12345678901234567890", "0.10e-2", "1E+2", "-3.1400"]


class Line:
    """One random flat line, and the pieces of its text that must come through untouched."""

    def __init__(self, rng: random.Random, separator: str):
        self.rng = rng
        self.separator = separator
        self.tree = {}    # by name: a dict for what objects may still be added to, None for everything else
        self.intact = []  # "key":value as it must leave
        members = [self.member() for _ in range(rng.randint(1, 14))]
        self.text = "{" + self.gap() + ("," + self.gap()).join(m for m in members if m) + "}"

    def gap(self) -> str:
        return self.rng.choice(["", "", "", " ", "\t", "  "])

    def string(self, text: str) -> str:
        """`text` between quotes, each character in a random one of its spellings."""
        out = []
        for c in text:
            spellings = [json.dumps(c, ensure_ascii=False)[1:-1]]
            units = c.encode("utf-16-be")
            escaped = "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
            spellings += [escaped, escaped[:2] + escaped[2:].upper().replace("\\U", "\\u")]
            if c == "/":
                spellings.append("\\/")
            weights = [8] + [1] * (len(spellings) - 1)
            out.append(self.rng.choices(spellings, weights)[0])
        return '"' + "".join(out) + '"'

    def name(self) -> str:
        return self.rng.choice(NAMES) + self.rng.choice(["", "", str(self.rng.randint(0, 9))])

    def free(self, names: list) -> bool:
        """True where nothing stands at the path or in its way; marks it as taken then."""
        at = self.tree
        for i, name in enumerate(names):
            if at.get(name, {}) is None or (name in at and i + 1 == len(names)):
                return False
            at = at.get(name, {})
        at = self.tree
        for name in names[:-1]:
            at = at.setdefault(name, {})
        at[names[-1]] = None
        return True

    def member(self) -> str:
        names = [self.name() for _ in range(self.rng.choice([1, 1, 2, 2, 2, 3, 4]))]
        if any(self.separator in n or not n for n in names) or not self.free(names):
            return ""
        value, untouched, inside = self.value(2)
        if inside is not None:
            at = self.tree
            for name in names[:-1]:
                at = at[name]
            at[names[-1]] = inside
        spelled = [self.string(n) for n in names]
        key = '"' + self.string(self.separator)[1:-1].join(s[1:-1] for s in spelled) + '"'
        # An object that others are merged into is written anew, so its spaces may go.
        if untouched and inside is None and value != "null":
            self.intact.append(f"{spelled[-1]}:{value}")
        return f"{key}{self.gap()}:{self.gap()}{value}"

    def value(self, depth: int):
        """Its text; whether it must leave as it is; for an object, the names taken in it."""
        kind = self.rng.choice(["string", "string", "number", "null", "literal", "object", "array"])
        if kind == "string":
            return self.string(self.rng.choice(["", "-", "é/😀", "x" * self.rng.randint(1, 9), 'a"\\\n'])), True, None
        if kind == "number":
            return self.rng.choice(NUMBERS), True, None
        if kind == "null":
            return "null", True, None
        if kind == "literal" or depth == 0:
            return self.rng.choice(["true", "false"]), True, None
        if kind == "array":
            items = [self.value(depth - 1) for _ in range(self.rng.randint(0, 3))]
            text = "[" + self.gap() + ("," + self.gap()).join(i[0] for i in items) + self.gap() + "]"
            return text, all(i[1] for i in items), None
        names = list(dict.fromkeys(self.name() for _ in range(self.rng.randint(0, 3))))
        values = [self.value(depth - 1) for _ in names]
        text = "{" + self.gap() + ("," + self.gap()).join(
            f"{self.string(n)}{self.gap()}:{v[0]}" for n, v in zip(names, values)) + "}"
        return text, all(v[1] and v[0] != "null" for v in values), {n: v[2] for n, v in zip(names, values)}


def lines_for(seed: int, separator: str) -> list:
    rng = random.Random(seed)
    lines = []
    while len(lines) < LINES:
        line = Line(rng, separator)
        if json.loads(line.text):
            lines.append(line)
    return lines


def run(command: list, text: str) -> list:
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=120)
    assert done.returncode == 0, (command, done.returncode, done.stderr[-2000:])
    return done.stdout.decode().splitlines()


def compare(lines: list, ours: list, theirs: list):
    assert len(ours) == len(theirs)
    for line, our, their in zip(lines, ours, theirs):
        # Pairs in order, numbers as doubles: jq 1.6 has no others.
        def read(text):
            return json.loads(text, object_pairs_hook=lambda pairs: ("object", pairs), parse_int=float)
        assert read(our) == read(their), f"\nline: {line.text}\nours: {our}\njq:   {their}"


@pytest.mark.parametrize("separator", SEPARATORS)
def test_unflatten_agrees_with_jq(separator):
    lines = lines_for(seed=1, separator=separator)
    text = "\n".join(line.text for line in lines) + "\n"
    ours = run([TAILGATE, "pipe", "-q", "--unflatten", separator], text)
    theirs = run(["jq", "-c", "--arg", "sep", separator, UNFLATTEN], text)
    compare(lines, ours, theirs)


@pytest.mark.parametrize("seed", [2, 3])
def test_drop_nulls_agrees_with_jq(seed):
    lines = lines_for(seed, separator=".")
    text = "\n".join(line.text for line in lines) + "\n"
    ours = run([TAILGATE, "pipe", "-q", "--drop-nulls"], text)
    theirs = run(["jq", "-c", f"{DROP} dropped"], text)
    compare([x for x in lines if any(v is not None for v in json.loads(x.text).values())], ours, theirs)


@pytest.mark.parametrize("separator", SEPARATORS)
def test_both_agree_with_jq_and_leave_the_rest_byte_for_byte(separator):
    lines = lines_for(seed=4, separator=separator)
    text = "\n".join(line.text for line in lines) + "\n"
    ours = run([TAILGATE, "pipe", "-q", "--unflatten", separator, "--drop-nulls"], text)
    theirs = run(["jq", "-c", "--arg", "sep", separator, f"{DROP} {UNFLATTEN} | [dropped]"], text)
    left = [line for line, their in zip(lines, theirs) if their != "[]"]
    compare(left, ours, [their[1:-1] for their in theirs if their != "[]"])
    for line, our in zip(left, ours):
        for piece in line.intact:
            assert piece in our, f"\nline: {line.text}\nours: {our}\npiece: {piece}"
