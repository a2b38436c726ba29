"""The guards for languages that are judged by a grammar, and for YAML."""

import pytest

from agentroom_git.core.content import merge_contents
from agentroom_git.core.effort import MAX_BYTES, MAX_DEPTH
from agentroom_git.core.parse import guard_for, guard_of_merge, is_yaml
from agentroom_git.core.regions import Side
from agentroom_git.git.diff import line_diff

SAMPLES = [
    ("a.js", b"export const f = async (x) => { await x?.y; };\n", b"function f( {\n"),
    ("a.jsx", b"const a = <div>{x}</div>;\n", b"const a = <div>{x}</dib;\n"),
    ("a.ts", b"type A<T> = { a: T }; let b = <A<number>>c;\n", b"type A<T = {\n"),
    ("a.tsx", b"const a: number = 1; const b = <p>x</p>;\n", b"const a: = 1;\n"),
    ("a.go", b'package a\n\nimport (\n\t"fmt"\n)\n\nfunc f() { fmt.Println() }\n', b"package a\nfunc f( {\n"),
    ("a.rs", b"fn f<'a>(x: &'a str) -> &'a str { x }\n", b"fn f( {\n"),
    ("a.java", b"class A { int f() { return 1; } }\n", b"class A { int f() { return 1 } }\n"),
    ("a.c", b"#include <a.h>\nint main(void) { return 0; }\n", b"int main(void { return 0; }\n"),
    ("a.cpp", b"template <class T> T f(T x) { return x; }\n", b"template <class T T f(T x) { return x; }\n"),
    ("a.yaml", b"a: &x [1, 2]\nb: *x\nc: !Ref d\n", b"a: [1, 2\n"),
]


@pytest.mark.parametrize(("path", "good", "bad"), SAMPLES, ids=[path for path, _, _ in SAMPLES])
def test_a_guard_tells_well_formed_from_broken(path: str, good: bytes, bad: bytes) -> None:
    guard = guard_for(path)
    assert guard is not None
    assert (guard(good), guard(bad), guard(b"")) == (True, False, True)


@pytest.mark.parametrize("path", [path for path, _, _ in SAMPLES])
@pytest.mark.parametrize(
    "text",
    [
        b"(" * 100_000,
        b"[" * 50_000 + b"]" * 50_000,
        b"{a:" * 30_000,
        b"\0\xff\xfe" * 1000,
        b"a<b>(c)*(" * 10_000,
        b"\xef\xbb\xbf",
        b"x" * (MAX_BYTES + 1),
        b"- " * 50_000,
        b"&a [*a]\n" * 5000,
    ],
    ids=["open", "nested", "braces", "bytes", "ambiguous", "mark", "long", "dashes", "anchors"],
)
def test_no_text_makes_a_guard_raise(path: str, text: bytes) -> None:
    guard = guard_for(path)
    assert guard is not None
    assert guard(text) in (True, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"a: 1\nb: 2\n", True),
        (b"a: 1\na: 2\n", False),
        (b"a: {b: 1, c: {b: 1}}\nd: {b: 1}\n", True),
        (b"a: {b: 1, b: 2}\n", False),
        (b"- a: 1\n- a: 2\n", True),
        (b"a: a\nb: a\n", True),
        (b"a: 1\n---\na: 2\n", True),
        (b"? [x, y]\n: 1\na: [k, k]\n", True),
        (b"a: &m {x: 1}\nb:\n  <<: *m\n  <<: *m\n", True),
        (b"a: *unknown\n", False),
        (b"a:\n\t- b\n", False),
    ],
)
def test_yaml_is_well_formed_when_no_mapping_names_a_key_twice(text: bytes, expected: bool) -> None:
    assert is_yaml(text) is expected


def test_aliases_of_aliases_are_never_expanded() -> None:
    lines = [b"a0: &a0 [x, x]\n"] + [b"a%d: &a%d [%b]\n" % (n, n, b"*a%d, " % (n - 1) * 9) for n in range(1, 60)]
    assert is_yaml(b"".join(lines)) is True


def test_a_combination_with_a_new_error_is_passed_over() -> None:
    base, ours, theirs = b"f(\n1,\n)\n", b"f(\n1,\n[2\n])\n", b"f(\n1,\n3\n)\n"
    merged = merge_contents("a.ts", base, [Side(("a",), ours), Side(("b",), theirs)], line_diff)
    assert merged.text is not None
    assert guard_for("a.ts")(merged.text)


def test_an_error_that_a_side_has_already_does_no_harm_and_a_new_one_does() -> None:
    flawed = b"int a = MACRO(x) int b;\n"
    guard = guard_of_merge("a.c", [flawed + b"int c;\n", flawed])
    assert guard is not None
    assert guard_for("a.c")(flawed) is False
    assert guard(flawed + b"int d;\n") is True
    assert guard(flawed + b"int d(;\n") is False


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.go", b"case a: " * 2000),
        ("a.js", b"case a: " * 2000),
        ("a.java", b"a<" * (MAX_DEPTH + 1)),
        ("a.c", b"a(" * (MAX_DEPTH + 1)),
    ],
)
def test_a_text_that_takes_too_much_work_to_parse_has_errors_that_say_nothing(path: str, text: bytes) -> None:
    guard = guard_of_merge(path, [text, b""])
    assert guard is not None
    assert guard_for(path)(text) is False
    assert guard(b"(") is True
    assert guard_of_merge(path, [b"(", b""])(text) is False


def test_comparisons_are_no_nesting() -> None:
    assert guard_for("a.js")(b"x = a < b\n;" * MAX_DEPTH * 2) is True


def test_the_errors_of_a_deep_tree_are_found() -> None:
    # Labels: each holds all that follow.
    assert guard_for("a.js")(b"a:" * 15_000) is False
