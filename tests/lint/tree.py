# SPDX-License-Identifier: Apache-2.0
"""The files of the repository and the modules that src/CMakeLists.txt declares, as the rules see them."""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    path: str
    line: int
    text: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.text}"


@dataclass
class Module:
    name: str
    folder: str
    uses: list
    home_of: list


@dataclass
class Tree:
    root: Path
    files: list = field(default_factory=list)
    modules: dict = field(default_factory=dict)

    @classmethod
    def load(cls, root):
        root = Path(root)
        listed = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
                                check=True, capture_output=True, text=True).stdout.splitlines()
        tree = cls(root, sorted(f for f in set(listed) if (root / f).is_file()))
        tree.modules = read_modules((root / "src/CMakeLists.txt").read_text())
        return tree

    def lines(self, path):
        return self.read(path).splitlines()

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def cpp(self, *folders):
        """C++ files below the folders (all folders when none is named)."""
        return [f for f in self.files if f.endswith((".h", ".cpp"))
                and (not folders or f.startswith(tuple(x + "/" for x in folders)))]

    def module_of(self, path):
        for module in self.modules.values():
            if path.startswith(module.folder + "/"):
                return module
        return None


def read_modules(cmake):
    modules = {}
    for name, rest in re.findall(r"^tailgate_module\((\w+)([^)]*)\)", cmake.replace("${PROJECT_SOURCE_DIR}/", ""), re.M):
        parts, word = {"DIR": [], "USES": [], "HOME_OF": [], "LIBS": []}, None
        for token in rest.split():
            if token in parts:
                word = token
            else:
                parts[word].append(token)
        folder = parts["DIR"][0] if parts["DIR"] else f"src/{name}"
        modules[name] = Module(name, folder, parts["USES"], parts["HOME_OF"])
    return modules
