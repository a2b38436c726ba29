"""Whatever others say fits on one printable line."""

import random
import unicodedata

import pytest

from agentroom_git.core.escape import one_line, path_text, quote_path, unquote_path

HOSTILE = [
    ("a\nb", "a\\nb"),
    ("a\r\nb\tc", "a\\r\\nb\\tc"),
    ("\x1b[31mred", "\\x1b[31mred"),
    ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
    ("\x9b31m", "\\x9b31m"),
    ("del\x7f", "del\\x7f"),
    ("nul\0", "nul\\x00"),
    ("\u202eevil", "\\u202eevil"),
    ("\u2066x\u2069", "\\u2066x\\u2069"),
    ("zero\u200bwidth", "zero\\u200bwidth"),
    ("line\u2028break\u2029", "line\\u2028break\\u2029"),
    ("next\x85line", "next\\x85line"),
    ("lone \udcff", "lone \\udcff"),
    ("tag \U000e0041", "tag \\U000e0041"),
    ("bom \ufeff", "bom \\ufeff"),
]


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_what_a_terminal_or_a_parser_would_act_on_is_spelled_out(text: str, shown: str) -> None:
    assert one_line(text) == shown


@pytest.mark.parametrize("text", ["", "plain", "grüße", "日本語", "emoji 🎉", "back\\slash", "a  b"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert one_line(text) == text


def _assert_one_printable_line(shown: str) -> None:
    assert len(shown.splitlines()) <= 1
    assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    shown.encode("utf-8")


def test_ten_thousand_random_strings_come_out_on_one_printable_line() -> None:
    chance = random.Random(20_250_601)
    ranges = [
        (0, 0x20),
        (0x7F, 0xA0),
        (0x20, 0x7F),
        (0x2000, 0x2070),
        (0xD800, 0xE000),
        (0xFFF0, 0x10000),
        (0, 0x110000),
    ]
    for _ in range(10_000):
        parts = (chance.choice(ranges) for _ in range(chance.randrange(1, 40)))
        text = "".join(chr(chance.randrange(*part)) for part in parts)
        _assert_one_printable_line(one_line(text))
        limit = chance.randrange(1, 30)
        cut = one_line(text, limit)
        _assert_one_printable_line(cut)
        assert len(cut) <= limit
        assert cut == one_line(text) or cut.endswith("…")


def test_a_limit_marks_what_was_cut_and_only_that() -> None:
    assert one_line("abcdef", 6) == "abcdef"
    assert one_line("abcdefg", 6) == "abcde…"
    assert one_line("abcdefg", 0) == "abcdefg"


def test_a_path_of_any_bytes_is_shown_on_one_line() -> None:
    assert path_text(b"src/caf\xe9\n.py") == "src/caf\\xe9\\n.py"
    chance = random.Random(7)
    for _ in range(2_000):
        _assert_one_printable_line(path_text(chance.randbytes(chance.randrange(1, 40))))


@pytest.mark.parametrize(
    "path",
    [b"src/app.py", b"tab\tx", b"back\\tslash", b"lat\xe9n", b'"quoted"', b'"', b"two\nlines:3+4", b"\xe2\x80\xae"],
)
def test_a_quoted_path_is_one_printable_line_and_found_again(path: bytes) -> None:
    quoted = quote_path(path)

    assert quoted.isprintable()
    assert unquote_path(quoted) == path


def test_a_path_that_nobody_quoted_is_taken_as_it_is() -> None:
    assert [unquote_path(text) for text in ('"half', "plain", '"\\ud800"')] == [b'"half', b"plain", b'"\\ud800"']
