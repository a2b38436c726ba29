"""Three-way merge of one-line imports: lines and names are sets, and who adds one contradicts nobody."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

from agentroom_git.core.hunks import split_lines

T = TypeVar("T")


def _list_of(name: bytes) -> bytes:
    return rb"(?P<names>" + name + rb"(?:,[ ]" + name + rb")*)"


_WORD = rb"[\w$]+"
_BOUND = rb"(?P<bound>" + _WORD + rb")"
_QUOTED = rb"(?P<quote>[\"'])(?P<module>[^\"'\n]+)(?P=quote)"
_SCRIPT_NAME = rb"(?:type[ ])?" + _WORD + rb"(?:[ ]as[ ]" + _WORD + rb")?"
# Each form has its names between a head and a tail, and those that import no names are a head alone.
_FORMS = tuple(
    re.compile(rb"(?P<head>[ \t]*" + form + rb"(?P<end>\r?\n)")
    for form in (
        # Python
        rb"from[ ](?P<module>[\w.]+)[ ]import[ ])" + _list_of(rb"\w+(?:[ ]as[ ]\w+)?") + rb"(?P<tail>)",
        rb"import[ ](?P<module>(?P<root>\w+)(?:\.\w+)*?(?:\.(?P<bound>\w+))?)(?:[ ]as[ ](?P<alias>\w+))?)"
        + rb"(?P<names>)(?P<tail>)",
        # JavaScript and TypeScript
        rb"(?:import|export)[ ](?:type[ ])?(?:" + _BOUND + rb",[ ])?\{[ ]?)"
        + _list_of(_SCRIPT_NAME) + rb"(?P<tail>[ ]?\}[ ]from[ ]" + _QUOTED + rb";?)",
        rb"(?:const|let|var)[ ]\{[ ]?)" + _list_of(_WORD + rb"(?::[ ]" + _WORD + rb")?")
        + rb"(?P<tail>[ ]?\}[ ]=[ ]require\(" + _QUOTED + rb"\);?)",
        rb"import[ ](?:(?:type[ ])?(?:\*[ ]as[ ])?" + _BOUND + rb"[ ]from[ ])?" + _QUOTED
        + rb";?)(?P<names>)(?P<tail>)",
        rb"(?:const|let|var)[ ]" + _BOUND + rb"[ ]=[ ]require\(" + _QUOTED + rb"\);?)(?P<names>)(?P<tail>)",
        # Rust, Java, C
        rb"(?:pub[ ])?use[ ](?P<module>[\w:]+)::\{)" + _list_of(rb"\w+(?:[ ]as[ ]\w+)?") + rb"(?P<tail>\};)",
        rb"(?:pub[ ])?use[ ](?P<module>(?:::)?(?:\w+::)*(?P<bound>\w+)(?:[ ]as[ ](?P<alias>\w+))?);)"
        + rb"(?P<names>)(?P<tail>)",
        rb"import[ ](?:static[ ])?(?P<module>(?:\w+\.)*(?P<bound>\w+|\*));)(?P<names>)(?P<tail>)",
        rb"#[ ]?include[ ](?P<module><[^>\n]+>|\"[^\"\n]+\"))(?P<names>)(?P<tail>)",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Import:
    """A line: what stands before and after the names that it imports; all of it is the head where it names none.

    `bound` are what the line makes known beside its names, and `root` what lines of Python's `import` share.
    """

    head: bytes
    module: bytes
    names: tuple[bytes, ...]
    tail: bytes
    end: bytes
    bound: tuple[bytes, ...]
    root: bytes

    @property
    def line(self) -> bytes:
        return self.head + b", ".join(self.names) + self.tail + self.end


def _bound_twice(lines: Iterable[_Import]) -> set[bytes]:
    """Return the names to which the lines would give more than one meaning: the last words of `a as b` and `a: b`.

    `import a.b` makes `a` known in one language and `b` in others; in the first any number of lines may do so.
    """
    read = list(lines)
    bound = [name for one in read for name in (*(name.split(b" ")[-1] for name in one.names), *one.bound)]
    counts = Counter([*bound, *{one.root for one in read}])
    return {name for name, count in counts.items() if count > 1 and name not in (b"", b"*")}


def _by_module(one: _Import) -> bytes:
    return one.module.lower()


def _by_kind(one: _Import) -> tuple[bool, bytes]:
    return one.head.lstrip().startswith(b"from"), one.module.lower()


def merge_imports(base: bytes, sides: Sequence[bytes]) -> bytes | None:
    """Apply all sides' changes of what the lines import; None where a text is anything but imports of one line each.

    Names and lines that are sorted in all texts are sorted in the result; else what is new comes last. None, too,
    where one side drops a line whose names another changes, or two lines would give one name two meanings.
    """
    texts = [_read(text) for text in (base, *sorted(sides))]
    if not all(texts):
        return None
    before, *after = texts
    merged: list[_Import] = []
    for place in dict.fromkeys(place for text in texts for place in text):
        old, new = before.get(place), [text.get(place) for text in after]
        if old is None or None not in new:
            known = [one for one in new if one is not None]
            names = _merge_names(old.names if old else (), [one.names for one in known])
            merged += [replace(known[0], names=names)] if names else []
        elif any(one not in (None, old) for one in new):
            return None
    lines = [list(text.values()) for text in texts]
    if not _bound_twice(merged) <= set[bytes]().union(*map(_bound_twice, lines)):
        return None
    return b"".join(one.line for one in _sorted_alike(merged, lines, (_by_kind, _by_module)))


def sort_imports(blocks: Sequence[Sequence[bytes]]) -> list[bytes] | None:
    """Return the lines of blocks of one-line imports that are each sorted, sorted alike; None for any other blocks.

    That a single line is sorted says nothing, so there have to be two in some block.
    """
    read = [list(_read(b"".join(block)).values()) for block in blocks]
    if not all(read) or max(map(len, read)) == 1:
        return None
    for key in (_by_kind, _by_module):
        if all(imports == sorted(imports, key=key) for imports in read):
            together = dict.fromkeys(one.line for one in sorted(chain(*read), key=key))
            return list(together)
    return None


def _read(text: bytes) -> dict[tuple[bytes, bytes], _Import]:
    """Return the imports by what stands around their names, none where there is anything else, or one of them twice."""
    found: dict[tuple[bytes, bytes], _Import] = {}
    for line in split_lines(text):
        match = next((match for form in _FORMS if (match := form.fullmatch(line))), None)
        if match is None or (match["head"], match["tail"]) in found:
            return {}
        names = tuple(match["names"].split(b", "))
        if len(set(names)) < len(names):
            return {}
        groups = match.groupdict(b"")
        bound, root = groups.get("alias") or groups.get("bound", b""), groups.get("root", b"")
        known = () if not bound or bound == root else (bound,)
        found[match["head"], match["tail"]] = _Import(
            match["head"],
            match["module"],
            names,
            match["tail"],
            match["end"],
            known,
            b"" if groups.get("alias") else root,
        )
    return found


def _merge_names(old: tuple[bytes, ...], sides: Sequence[tuple[bytes, ...]]) -> tuple[bytes, ...]:
    gone = {name for name in old if any(name not in names for names in sides)}
    together = dict.fromkeys(name for names in (old, *sides) for name in names if name not in gone)
    return tuple(_sorted_alike(list(together), (old, *sides), (bytes, bytes.lower)))


def _sorted_alike(items: list[T], texts: Iterable[Sequence[T]], orders: Sequence[Callable[[T], Any]]) -> list[T]:
    """Return the items in the first order in which those of all texts stand, as they are where there is none."""
    given = list(texts)
    found = (key for key in orders if all(list(text) == sorted(text, key=key) for text in given))
    key = next(found, None)
    return items if key is None else sorted(items, key=key)
