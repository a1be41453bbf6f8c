# SPDX-License-Identifier: Apache-2.0
"""./dev lint: every rule over the tree. `--quick` leaves out clang-tidy, `--format` rewrites the sources instead."""

import subprocess
import sys
from pathlib import Path

import clang
import rules
import selftest
from tree import Finding, Tree

ROOT = Path(__file__).resolve().parents[2]


def rules_bite(_):
    """Each rule finds the violation that is planted for it."""
    for name in selftest.blind():
        yield Finding("tests/lint/selftest.py", 1, f"the rule {name} does not see its planted violation")


def main(arguments):
    tree = Tree.load(ROOT)
    if arguments == ["--format"]:
        clang.format_all(tree)
        return 0
    checks = [*rules.ALL, rules_bite, clang.format_check]
    if arguments != ["--quick"]:
        subprocess.run(["cmake", "--preset", "dev"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        checks.append(clang.tidy)
    passed = failed = 0
    for check in checks:
        findings = list(check(tree))
        if findings:
            failed += 1
            print(f"{check.__name__}: {' '.join(check.__doc__.split())}")
            for finding in findings:
                print(f"  {finding}")
        else:
            passed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
