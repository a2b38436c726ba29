"""Imports of two sides, merged as sets of names."""

from itertools import permutations

import pytest

from agentroom_git.core.import_lines import merge_imports, sort_imports
from agentroom_git.core.regions import Side
from agentroom_git.core.text import merge_text
from agentroom_git.git.diff import line_diff


@pytest.mark.parametrize(
    ("base", "one", "other", "expected"),
    [
        ("from a import b, d", "from a import b, c, d", "from a import b, d, e", "from a import b, c, d, e"),
        ("from a import b, c", "from a import c, d", "from a import b, c, e", "from a import c, d, e"),
        ("from a import Z, b", "from a import Y, Z, b", "from a import Z, a, b", "from a import Y, Z, a, b"),
        ("from a import c, B", "from a import c, B, x", "from a import c, B, a", "from a import c, B, a, x"),
        ("from c import x", "import re|from c import x, y", "from b import x|from c import x",
         "import re|from b import x|from c import x, y"),
        ("import os|import re", "import json|import os|import re", "import re", "import json|import re"),
        ("import a.b", "import a.b|import a.c", "import a|import a.b", "import a|import a.b|import a.c"),
        ("import a as b", "import a as b|import c.d", "import a as b|import c.e as f",
         "import a as b|import c.d|import c.e as f"),
        (" from . import a", " from . import a, b as c", " from . import a, d", " from . import a, b as c, d"),
        ("import { a, c } from './m';", "import { a, b, c } from './m';", "import { a, c, type D as E } from './m';",
         "import { a, b, c, type D as E } from './m';"),
        ('import X, {b} from "m"', 'import X, {b, c} from "m"', 'import X, {a, b} from "m"',
         'import X, {a, b, c} from "m"'),
        ("import 'a';|import b from 'b';", "import 'a';|import b from 'b';|import * as d from 'd';",
         "import b from 'b';|import c from 'c';", "import b from 'b';|import c from 'c';|import * as d from 'd';"),
        ("const { b } = require('m')", "const { b, c: d } = require('m')", "const { a, b } = require('m')",
         "const { a, b, c: d } = require('m')"),
        ("var b = require('b');", "var b = require('b');|var c = require('c');",
         "var a = require('a');|var b = require('b');",
         "var a = require('a');|var b = require('b');|var c = require('c');"),
        ("export { a } from 'a'", "export { a, c } from 'a'", "export { a, b } from 'a'",
         "export { a, b, c } from 'a'"),
        ("use a::{c};", "use a::{c, d};", "use a::{c, self};|use std::io;", "use a::{c, d, self};|use std::io;"),
        ("import a.B;", "import a.B;|import c.D;", "import static a.A.f;|import a.B;",
         "import static a.A.f;|import a.B;|import c.D;"),
        ("#include <a.h>", '#include <a.h>|#include "c.h"', "#include <a.h>|#include <b.h>",
         '#include <a.h>|#include "c.h"|#include <b.h>'),
        ("from a import b\r", "from a import b, c\r", "from a import b, d\r", "from a import b, c, d\r"),
    ],
)  # fmt: skip
def test_names_that_either_side_adds_or_drops_are_added_and_dropped(
    base: str, one: str, other: str, expected: str
) -> None:
    before, *sides, after = (text.replace("|", "\n").encode() + b"\n" for text in (base, one, other, expected))
    for order in permutations(sides):
        assert merge_imports(before, order) == after


@pytest.mark.parametrize(
    ("base", "sides"),
    [
        (b"from a import b\n", (b"from a import b, c\n", b"from d import b\n")),
        (b"from a import b\n", (b"from a import b, c\n", b"")),
        (b"from a import b\n", (b"from a import b, c\n", b"from a import b  # why\n")),
        (b"from a import b\n", (b"from a import b, c\n", b"from a import (b, d)\n")),
        (b"from a import b\n", (b"from a import b, c\n", b"from a import b\nfrom a import d\n")),
        (b"from a import b\n", (b"from a import b, c\n", b"from a import *\n")),
        (b"x = 1\n", (b"from a import b\n", b"from a import c\n")),
        # Both would bind one name to another thing.
        (b"from a import b\n", (b"from c import b\n", b"from d import b\n")),
        (b"from a import b\n", (b"from a import b, x as z\n", b"from a import b, y as z\n")),
        (b"import F from './a';\n", (b"import F from './b';\n", b"import F from './c';\n")),
        (b"import a.F;\n", (b"import b.F;\n", b"import c.F;\n")),
        (b"import json\n", (b"import json\nimport time\n", b"import json\nfrom time import sleep, time\n")),
        (b"import json\n", (b"import datetime\nimport json\n", b"from datetime import datetime\nimport json\n")),
        (
            b"import x from 'x'\n",
            (b"import x from 'x'\nimport R, { u } from 'r'\n", b"import x from 'x'\nimport R from 'r'\n"),
        ),
        (
            b"import x from 'x'\n",
            (b"import x from 'x'\nimport R, { u } from 'r'\n", b"import x from 'x'\nimport R, { v } from 'p'\n"),
        ),
        (b"import a.F\n", (b"import b.F\n", b"import c.F\n")),
        (b"use a::F;\n", (b"use b::F;\n", b"use c::G as F;\n")),
    ],
)
def test_other_lines_and_a_contradiction_are_left_to_the_other_rules(base: bytes, sides: tuple[bytes, ...]) -> None:
    assert merge_imports(base, sides) is None


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        (("import b|from a import b", "import a"), "import a|import b|from a import b"),
        (("from b import c|import d", "import a|import d"), "import a|from b import c|import d"),
        (("import { x } from './b';|import y from './d';", "import a from './C';"),
         "import { x } from './b';|import a from './C';|import y from './d';"),
        # Not sorted, not only imports, or too few lines to tell.
        (("import b|import a", "import c"), None),
        (("import a|import b", "import c|x = 1"), None),
        (("import b", "import a"), None),
    ],
)  # fmt: skip
def test_blocks_of_sorted_imports_are_sorted_together(blocks: tuple[str, ...], expected: str | None) -> None:
    for order in permutations(blocks):
        lines = sort_imports([[line.encode() + b"\n" for line in block.split("|")] for block in order])
        assert (lines and b"".join(lines).decode()) == (expected and expected.replace("|", "\n") + "\n")


def test_imports_that_git_cannot_merge_are_not_contested() -> None:
    rest = b"\nx = 1\n"
    ours, theirs = b"from a import b, c\n" + rest, b"from a import b, d\n" + rest
    merged = merge_text(b"from a import b\n" + rest, [Side(("a",), ours), Side(("b",), theirs)], line_diff)
    assert merged.text == b"from a import b, c, d\n" + rest
    assert [(region.step, region.lost) for region in merged.regions] == [("imports", ())]
