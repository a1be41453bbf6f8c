# SPDX-License-Identifier: Apache-2.0
"""Plants one violation per rule in a small tree and says which rules are blind to theirs."""

import subprocess
import tempfile
from pathlib import Path

import rules
from tree import Tree

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"
CMAKE = """
tailgate_module(base HOME_OF fmt zlib LIBS fmt::fmt)
tailgate_module(json USES base HOME_OF simdjson)
tailgate_module(sinks USES base json)
tailgate_module(filters DIR ${PROJECT_SOURCE_DIR}/filters USES base json)
"""
CLEAN = {
    "src/CMakeLists.txt": CMAKE,
    "src/json/good.cpp": SPDX + '#include <fmt/format.h>\n#include <simdjson.h>\n#include <sys/stat.h>\n#include <vector>\n'
                                '#include "base/good.h"\nstatic const int kSize = 1;\nstatic int helper();\n',
    "src/base/good.h": SPDX + "#pragma once\n",
    "filters/keep.cpp": SPDX, "filters/keep_test.cpp": SPDX, "README.md": "[source](src/base/good.h)\n",
    "dev": "#!/bin/bash\necho \"$1\"\n",
}
PLANTED = [
    ("layers", {"src/base/up.cpp": SPDX + '#include "json/good.h"\n'}),
    ("layers", {"src/sinks/sideways.cpp": SPDX + '#include "filters/keep.h"\n'}),
    ("layers", {"filters/near.cpp": SPDX + '#include "keep.h"\n', "filters/near_test.cpp": SPDX}),
    ("layers", {"src/base/tried.cpp": SPDX + '#include "tests/near.h"\n'}),
    ("homes", {"src/base/away.cpp": SPDX + "#include <simdjson.h>\n"}),
    ("homes", {"src/base/homeless.cpp": SPDX + "#include <boost/any.hpp>\n"}),
    ("homes", {"src/base/tested.cpp": SPDX + "#include <doctest/doctest.h>\n"}),
    ("file_size", {"src/base/long.cpp": SPDX + "\n" * 400}),
    ("first_lines", {"src/base/bare.cpp": "int f();\n"}),
    ("first_lines", {"src/base/twice.h": SPDX}),
    ("no_friends", {"src/base/door.h": SPDX + "#pragma once\n  friend class ParserTest;\n"}),
    ("no_singletons", {"src/base/one.cpp": SPDX + "Log& log() { return Log::GetInstance(); }\n"}),
    ("no_singletons", {"src/base/count.cpp": SPDX + "static std::map<int, int> seen;\n"}),
    ("no_singletons", {"src/base/lazy.cpp": SPDX + "int f() {\n  static Cache cache{1};\n}\n"}),
    ("top_level", {"scripts/x.txt": "x\n"}),
    ("product_alone", {"README.md": "See /home" + "/me/notes\n"}),
    ("product_alone", {"src/base/why.cpp": SPDX + "// asked for in iss" + "ue 3\n"}),
    ("no_leftovers", {"src/base/later.cpp": SPDX + "// TO" + "DO: all of it\n"}),
    ("filters_tested", {"filters/alone.cpp": SPDX + "const FilterEntry kAloneFilter{};\n"}),
    ("whitespace", {"src/base/blank.cpp": SPDX + "int x; \n"}),
    ("whitespace", {"src/base/open.cpp": SPDX + "int x;"}),
    ("links", {"README.md": "[gone](docs/gone.md)\n"}),
    ("yaml_parses", {"config/bad.yaml": "a: [1\n"}),
    ("shell", {"dev": "#!/bin/bash\ncd $1\nrm -rf $2/*\n"}),
]


def findings(rule, files):
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        subprocess.run(["git", "init", "-q", folder], check=True)
        return list(getattr(rules, rule)(Tree.load(root)))


def blind():
    for rule in rules.ALL:
        if findings(rule.__name__, CLEAN):
            yield f"{rule.__name__} (finds something in a clean tree)"
    for name, files in PLANTED:
        if not findings(name, CLEAN | files):
            yield f"{name} ({', '.join(files)})"
    for rule in rules.ALL:
        if rule.__name__ not in {name for name, _ in PLANTED}:
            yield f"{rule.__name__} (nothing is planted for it)"


if __name__ == "__main__":
    print(*blind(), sep="\n")
