"""The memory that never takes more than its measure."""

from agentroom_git.core.recent import Recent


def test_what_was_asked_for_longest_ago_goes_first() -> None:
    recent: Recent[str, int] = Recent(32)
    for name in "abcdefghijklmnop":
        recent.put(name, ord(name), 2)
    assert recent.get("a") == ord("a")

    recent.put("q", 0, 2)

    assert [recent.get(name) for name in "abq"] == [ord("a"), None, 0]


def test_a_value_that_is_put_again_counts_once() -> None:
    recent: Recent[str, int] = Recent(32)
    for number in range(100):
        recent.put("a", number, 2)
    for name in "bcdefghijklmnop":
        recent.put(name, 0, 2)

    assert recent.get("a") == 99


def test_what_would_push_out_everything_else_is_handed_back_and_not_kept() -> None:
    recent: Recent[str, int] = Recent(32)
    recent.put("small", 1, 2)

    assert recent.put("large", 2, 3) == 2
    assert (recent.get("small"), recent.get("large")) == (1, None)
