# SPDX-License-Identifier: Apache-2.0
"""clang-format and clang-tidy. A file that passed clang-tidy is not looked at again until it, a header of ours that it
reaches, .clang-tidy or the tool changes: the verdict is kept under the hash of all of them."""

import hashlib
import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import Finding

# Formatting differs from release to release, so it is this one everywhere: Debian 12's, elsewhere the same from PyPI.
FORMAT_VERSION = "14.0.6"


def clang_format(root):
    for name in ("clang-format-14", "clang-format"):
        if (found := shutil.which(name)) and FORMAT_VERSION in output([found, "--version"]):
            return found
    venv = root / ".cache/lint/clang-format"
    binary = venv / "bin/clang-format"
    if not binary.exists():
        subprocess.run(["/usr/bin/python3", "-m", "venv", venv], check=True)
        subprocess.run([venv / "bin/pip", "install", "-q", f"clang-format=={FORMAT_VERSION}"], check=True)
    return str(binary)


def format_check(tree):
    """The sources are formatted by .clang-format with clang-format 14."""
    files = tree.cpp()
    found = subprocess.run([clang_format(tree.root), "--dry-run", "-style=file", *files], cwd=tree.root,
                           capture_output=True, text=True)
    seen = set()
    for path, number in re.findall(r"^(\S+?):(\d+):\d+: ", found.stderr, re.M):
        if path not in seen:
            seen.add(path)
            yield Finding(path, int(number), "not formatted: ./dev format")


def format_all(tree):
    subprocess.run([clang_format(tree.root), "-i", "-style=file", *tree.cpp()], cwd=tree.root, check=True)


def tidy(tree):
    """clang-tidy finds nothing: bugprone, performance, names, functions of at most 60 lines."""
    tool = shutil.which("clang-tidy")
    database = tree.root / "build/dev/compile_commands.json"
    if not tool or not database.exists():
        yield Finding("build/dev", 1, "clang-tidy or build/dev/compile_commands.json is missing: ./dev build")
        return
    commands = {os.path.relpath(os.path.join(c["directory"], c["file"]), tree.root): c["command"]
                for c in json.loads(database.read_text())}
    sources = [f for f in tree.cpp("src", "filters") if f.endswith(".cpp") and not f.endswith("_test.cpp")]
    for path in sources:
        if path not in commands:
            yield Finding(path, 1, "is not in build/dev/compile_commands.json: ./dev build")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "tailgate-lint"
    cache.mkdir(parents=True, exist_ok=True)
    version = output([tool, "--version"])
    todo = []
    for path in (p for p in sources if p in commands):
        verdict = cache / key(tree, path, commands[path].replace(str(tree.root), "."), version)
        if not verdict.exists():
            todo.append((path, verdict))
    print(f"clang-tidy: {len(todo)} of {len(sources)} files to look at", flush=True)

    def look(item):
        path, verdict = item
        run = subprocess.run([tool, "-quiet", f"-p={database.parent}", "--extra-arg=-w", "--extra-arg=-Wno-unknown-warning-option",
                              f"--header-filter={re.escape(str(tree.root))}/(src|filters)/.*", path],
                             cwd=tree.root, capture_output=True, text=True)
        found = re.findall(r"^(\S+?):(\d+):\d+: (?:warning|error): (.*)$", run.stdout, re.M)
        if run.returncode == 0 and not found:
            verdict.touch()
        elif not found:
            found = [(path, 1, (run.stderr.strip().splitlines() or ["clang-tidy stopped"])[-1])]
        return [Finding(os.path.relpath(os.path.join(tree.root, p), tree.root), int(n), t) for p, n, t in found]

    findings = set()
    with ThreadPoolExecutor(int(os.environ.get("JOBS", os.cpu_count() or 1))) as pool:
        for result in pool.map(look, todo):
            findings.update(result)
    yield from sorted(findings, key=lambda f: (f.path, f.line, f.text))


def key(tree, path, command, version):
    digest = hashlib.sha256(f"{version}\0{command}\0{tree.read('.clang-tidy')}".encode())
    for file in sorted(reached(tree, path, set())):
        digest.update(file.encode() + b"\0" + (tree.root / file).read_bytes() + b"\0")
    return digest.hexdigest()


def reached(tree, path, seen):
    """The file and every header of the repository that it includes, directly or not."""
    if path in seen:
        return seen
    seen.add(path)
    for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', tree.read(path), re.M):
        for candidate in (f"src/{name}", name):
            if (tree.root / candidate).is_file():
                reached(tree, candidate, seen)
    return seen


def output(command):
    return subprocess.run(command, capture_output=True, text=True).stdout
