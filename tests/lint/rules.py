# SPDX-License-Identifier: Apache-2.0
"""Rules that need nothing but the text. Each is a function Tree -> findings; its docstring says what must hold."""

import re
import subprocess

import yaml

from tree import Finding

# Headers of these libraries are vocabulary, not an implementation: any module may name them.
VOCABULARY = ["fmt", "tl"]
TESTING = ["doctest", "benchmark", "fuzzer"]
SYSTEM = re.compile(r"^(sys|linux|arpa|net|netinet|asm)/|^[a-z0-9_]+$|^(aio|dirent|dlfcn|endian|fcntl|fnmatch|ftw|getopt|glob|grp"
                    r"|ifaddrs|immintrin|emmintrin|arm_neon|libgen|limits|netdb|poll|pthread|pwd|sched|semaphore|signal|spawn"
                    r"|stdint|syslog|termios|time|ucontext|unistd|utime|malloc|execinfo|cxxabi|errno|stdio|stdlib|string)\.h$")
TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "Dockerfile", "dev", "LICENSE",
             "src", "filters", "config", "deploy", "tests"}


def layers(tree):
    """An include goes down the ranks of src/CMakeLists.txt, never up or sideways; only unit tests see tests/."""
    for path in tree.cpp("src", "filters"):
        module = tree.module_of(path)
        may = {module.name, *module.uses} if module else {"app"}  # src/main.cpp
        for number, name in includes(tree, path, '"', '"'):
            target = name.split("/")[0]
            if target == "tests" and path.endswith("_test.cpp"):
                continue
            if "/" not in name or target not in tree.modules:
                yield Finding(path, number, f'"{name}": name the module: #include "folder/file.h"')
            elif target not in may:
                yield Finding(path, number, f"{module.name if module else 'main'} may not see {target} (src/CMakeLists.txt)")


def homes(tree):
    """A third-party header is included in its home folder alone."""
    home = {prefix: m.name for m in tree.modules.values() for prefix in m.home_of}
    for path in tree.cpp("src", "filters"):
        module = tree.module_of(path)
        for number, name in includes(tree, path, "<", ">"):
            prefix = name.split("/")[0].removesuffix(".h").removesuffix(".hpp")
            prefix = {"zconf": "zlib"}.get(prefix, prefix)
            if prefix in VOCABULARY or (prefix in TESTING and path.endswith(("_test.cpp", "_fixture.h"))):
                continue
            if prefix in home:
                if not module or home[prefix] != module.name:
                    yield Finding(path, number, f"<{name}> belongs in {home[prefix]}")
            elif not SYSTEM.match(name):
                yield Finding(path, number, f"<{name}> has no home (HOME_OF in src/CMakeLists.txt)")


def includes(tree, path, opening, closing):
    pattern = re.compile(rf"^\s*#\s*include\s*{opening}([^{closing}]+){closing}")
    for number, line in enumerate(tree.lines(path), 1):
        if match := pattern.match(line):
            yield number, match.group(1)


def file_size(tree):
    """A source file has at most 400 lines."""
    for path in tree.cpp():
        if (count := len(tree.lines(path))) > 400:
            yield Finding(path, count, f"{count} lines; the limit is 400: there is a second idea in it")


def first_lines(tree):
    """A C++ or Python file begins with its licence identifier; a header has #pragma once."""
    for path in tree.files:
        if path.endswith((".h", ".cpp", ".py")):
            lines = tree.lines(path)
            if not any("SPDX-License-Identifier: Apache-2.0" in line for line in lines[:3]):
                yield Finding(path, 1, "no SPDX-License-Identifier in the first lines")
            if path.endswith(".h") and "#pragma once" not in lines:
                yield Finding(path, 1, "a header without #pragma once")


def no_friends(tree):
    """Tests use the public door: no friend class for them, no access trick."""
    return search(tree, tree.cpp(), r"\bfriend\b.*(?i:test|fixture|mock)|#define\s+(private|protected)\b|UNIT_TEST",
                  "tests use the public door")


def no_singletons(tree):
    """Everything is handed to constructors: no singletons, no mutable globals."""
    yield from search(tree, tree.cpp("src", "filters"), r"\b(GetInstance|get_instance|getInstance|Singleton)\b", "a singleton")
    variable = r"^(?:static|inline|thread_local|extern)\s+(?!.*\b(?:const|constexpr|constinit)\b)[\w:<>,\s*&]+\s[*&]*\w+(?:\[\w*\])?\s*(?:=|\{|;)"
    local = r"^\s+static\s+(?:thread_local\s+)?(?!.*\b(?:const|constexpr)\b)[\w:<>,\s*&]+\s[*&]*\w+\s*(?:=|\{|;)"
    for pattern in (variable, local):
        for finding in search(tree, [f for f in tree.cpp("src", "filters") if not f.endswith("_test.cpp")], pattern,
                              "mutable state that outlives its owner"):
            # What must be read from a signal handler or is one per thread by nature says so in the same line.
            if "// global:" not in tree.lines(finding.path)[finding.line - 1]:
                yield finding


def top_level(tree):
    """The top level holds what the layout names, Markdown and dotfiles."""
    for name in sorted({f.split("/")[0] for f in tree.files}):
        if name not in TOP_LEVEL and not name.startswith(".") and not name.endswith(".md"):
            yield Finding(name, 1, "does not belong at the top level")


def product_alone(tree):
    """The repository speaks of the product: no one's home folder, no ticket, no signatures but the history's."""
    words = r"(?<![\w.])/(?:home|Users|root)/[\w.]|(?i:\bissue\s#?\d)|(?i:co-authored-by)"
    for path in text_files(tree):
        if path != "tests/lint/rules.py":
            yield from search(tree, [path], words, "speaks of something other than the product")


def no_leftovers(tree):
    """Nothing is left to do in a comment, and no conflict marker stays."""
    for path in text_files(tree):
        if path != "tests/lint/rules.py":
            yield from search(tree, [path], r"\b(TODO|FIXME|XXX|HACK)\b|^(<<<<<<<|>>>>>>>) ", "left over")


def filters_tested(tree):
    """Every file of filters/ has its test beside it, and every filter its line in the registry."""
    registry = tree.read("filters/registry.cpp") if "filters/registry.cpp" in tree.files else ""
    for path in tree.files:
        is_code = re.match(r"filters/\w+\.cpp$", path) and not path.endswith(("_test.cpp", "/registry.cpp"))
        if is_code:
            name = path[len("filters/"):-len(".cpp")]
            if f"filters/{name}_test.cpp" not in tree.files:
                yield Finding(path, 1, f"filters/{name}_test.cpp is missing")
    for name in re.findall(r'^\s*\{"(\w+)"', registry, re.M):
        if not any(f.startswith("filters/") and name in f for f in tree.files):
            yield Finding("filters/registry.cpp", 1, f"{name} is in the table and has no file")


def whitespace(tree):
    """Text ends in one newline, without trailing blanks, tabs (outside Makefiles) or CRLF."""
    for path in text_files(tree):
        if not path.endswith((".h", ".cpp", ".py", ".md", ".yaml", ".cmake", ".txt", ".service")) and path not in ("dev", ".ci/run"):
            continue
        text = (tree.root / path).read_bytes()
        if text and not text.endswith(b"\n"):
            yield Finding(path, text.count(b"\n") + 1, "no newline at the end")
        yield from search(tree, [path], r"[ \t\r]$", "trailing blanks or CR")
        if path.endswith((".h", ".cpp", ".py")):
            yield from search(tree, [path], r"\t", "a tab")


def links(tree):
    """A relative link in a document leads to a file of the repository."""
    for path in (f for f in tree.files if f.endswith(".md")):
        for number, line in enumerate(tree.lines(path), 1):
            for target in re.findall(r"\]\(([^)\s#]+)[^)]*\)", re.sub(r"`[^`]*`", "", line)):
                if not re.match(r"[a-z]+:", target) and not ((tree.root / path).parent / target).exists():
                    yield Finding(path, number, f"leads nowhere: {target}")


def yaml_parses(tree):
    """Every YAML file that is not a test's own parses."""
    for path in tree.files:
        if path.endswith((".yaml", ".yml")) and not path.startswith(("tests/golden/", "tests/fuzz/")):
            try:
                list(yaml.safe_load_all(tree.read(path)))
            except yaml.YAMLError as error:
                mark = getattr(error, "problem_mark", None)
                yield Finding(path, mark.line + 1 if mark else 1, str(getattr(error, "problem", error)))


def shell(tree):
    """The shell scripts pass shellcheck."""
    scripts = [f for f in tree.files if f.endswith(".sh") or re.match(r"#!.*\b(ba|da)?sh\b", (tree.lines(f) or [""])[0])]
    found = subprocess.run(["shellcheck", "-f", "gcc", "-S", "warning", *scripts], cwd=tree.root, capture_output=True, text=True)
    for line in found.stdout.splitlines():
        path, number, text = line.split(":", 2)
        yield Finding(path, int(number), text.split(":", 1)[-1].strip())


def text_files(tree):
    """What people wrote; recorded data and golden cases hold whatever they must hold."""
    skipped = ("tests/data/", "tests/golden/", "tests/fuzz/corpus/", "tests/lint/selftest")
    return [f for f in tree.files if not f.startswith(skipped) and "/recordings/" not in f
            and not f.endswith((".gz", ".zst", ".png", ".bin", ".jsonl", "package-lock.json"))]


def search(tree, paths, pattern, text):
    compiled = re.compile(pattern)
    for path in paths:
        for number, line in enumerate(tree.lines(path), 1):
            if match := compiled.search(line):
                yield Finding(path, number, f"{text}: {match.group(0).strip()[:60]}")


ALL = [layers, homes, file_size, first_lines, no_friends, no_singletons, top_level, product_alone, no_leftovers,
       filters_tested, whitespace, links, yaml_parses, shell]
