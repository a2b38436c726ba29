"""Which files a file imports, resolved in a tree that is a dictionary."""

import pytest

from agentroom_git.core.imports import imported

TREE = {
    "src/ledger/__init__.py": "", "src/ledger/posting.py": "", "src/ledger/sub/__init__.py": "",
    "src/ledger/sub/util.py": "", "src/util.py": "", "util.py": "", "tools/util.py": "", "src/ledger/util.py": "",
    "web/app.ts": "", "web/lib/index.ts": "", "web/lib/sum.tsx": "", "lib/sum.tsx": "", "web/old.js": "",
    "go.mod": "module example.com/top\n", "svc/go.mod": "module example.com/svc\n\ngo 1.22\n", "svc/store/db.go": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("src/ledger/sub/a.py", "from . import util", {"src/ledger/sub/util.py"}),
        ("src/ledger/sub/a.py", "from ..posting import post", {"src/ledger/posting.py"}),
        ("src/ledger/sub/a.py", "from .. import util", {"src/ledger/util.py"}),
        ("src/ledger/sub/a.py", "import util", {"src/util.py"}),
        ("src/ledger/a.py", "import ledger.sub.util as u, os", {"src/ledger/sub/util.py"}),
        ("src/ledger/a.py", "def f():\n    from ledger import posting", {"src/ledger/posting.py"}),
        ("tools/run.py", "from util import x", {"tools/util.py"}),
        ("run.py", "from util import x", {"util.py"}),
        ("run.py", "'import util'  # import util", set()),
        ("run.py", "import (", set()),
        ("web/app.ts", "import {sum} from './lib/sum'\nimport x from \"react\"", {"web/lib/sum.tsx"}),
        ("web/app.ts", "export * from './lib'", {"web/lib/index.ts"}),
        ("web/app.ts", "import './app.js'; const y = require('./old')", {"web/app.ts", "web/old.js"}),
        ("web/lib/x.ts", "import('../../lib/sum.js'); import '../../../out'", {"lib/sum.tsx"}),
        ("web/app.ts", "// import './lib'\nconst s = `import './old'`", set()),
        ("web/app.ts", "import type {T} from './lib/sum'", {"web/lib/sum.tsx"}),
        ("web/lib/x.tsx", "const a = <p>from './index'</p>; export {b} from './index'", {"web/lib/index.ts"}),
        ("svc/main.go", '/*\n"example.com/svc/store"\n*/', set()),
        ("svc/main.go", 'import (\n\t"fmt"\n\tdb "example.com/svc/store"\n)', {"svc/store"}),
        ("cmd/main.go", 'import "example.com/top/svc"\n', {"svc"}),
        ("README.md", "import util", set()),
    ],
)
def test_imports_are_resolved_to_files_of_the_repository(path: str, text: str, expected: set[str]) -> None:
    assert imported(path, text, TREE.get) == expected
