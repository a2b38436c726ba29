"""The laws of the claims algebra, exhausted on a small alphabet, and what may be claimed at all."""

from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.claims import (
    MAX_PATHS,
    MAX_REASON,
    Claim,
    ClaimsError,
    Denied,
    Granted,
    Table,
    covers,
    decode,
    encode,
    grant,
    overlaps,
    parse_path,
    parse_request,
    release,
    renew,
)
from agentroom_git.core.ids import AgentName
from agentroom_git.errors import UsageError

AGENTS = (AgentName("alice"), AgentName("bob"))
# A path, a sibling that only begins like it, paths below it, and others.
PATHS = ("a", "ab", "a/a", "a/b", "a/a/a", "b", "b/a")
MOVES = tuple(product(AGENTS, PATHS, (True, False)))


def _ask(
    table: Table, agent: AgentName, paths: tuple[str, ...], shared: bool, stale: frozenset[int]
) -> Granted | Denied:
    return grant(table, agent, paths, reason="why", ttl=60, shared=shared, at="2025-06-01T00:00:00Z", stale=stale)


def _tables(depth: int) -> list[Table]:
    """Every table that up to `depth` requests for one path each can lead to."""
    found = [Table()]
    latest = [Table()]
    for _ in range(depth):
        reached: dict[Table, None] = {}
        for table, (agent, path, shared) in product(latest, MOVES):
            answer = _ask(table, agent, (path,), shared, frozenset())
            if isinstance(answer, Granted):
                reached[answer.table] = None
        latest = list(reached)
        found += latest
    return found


TABLES = _tables(2)


def _clash(one: Claim, other: Claim) -> bool:
    return one.agent != other.agent and not (one.shared and other.shared) and overlaps(one.path, other.path)


def _assert_sound(table: Table) -> None:
    assert not [pair for pair in combinations(table.claims, 2) if _clash(*pair)]
    tokens = [claim.token for claim in table.claims]
    assert tokens == sorted(set(tokens))
    assert max(tokens, default=0) <= table.highest


def test_overlap_is_symmetric_and_containment_implies_it() -> None:
    for one, other in product(PATHS, PATHS):
        assert overlaps(one, other) == overlaps(other, one)
        assert overlaps(one, other) or not covers(one, other)
        assert overlaps(one, one)


def test_covering_is_a_partial_order_that_respects_components() -> None:
    for one, two, three in product(PATHS, PATHS, PATHS):
        assert not (covers(one, two) and covers(two, one)) or one == two
        assert covers(one, three) or not (covers(one, two) and covers(two, three))
    assert covers("a", "a/b")
    assert not covers("a", "ab")


def test_two_paths_overlap_exactly_if_some_path_is_covered_by_both() -> None:
    below = {path + rest for path in PATHS for rest in ("", "/x")}
    for one, other in product(PATHS, PATHS):
        assert overlaps(one, other) == any(covers(one, path) and covers(other, path) for path in below)


def test_no_grant_ever_overlaps_an_exclusive_claim_of_another() -> None:
    for table, (agent, path, shared) in product(TABLES, MOVES):
        answer = _ask(table, agent, (path,), shared, frozenset())
        asked = Claim(0, agent, path, shared, "", "", 0)
        blocked = [claim for claim in table.claims if _clash(claim, asked)]
        if isinstance(answer, Granted):
            assert not blocked
            _assert_sound(answer.table)
        else:
            assert answer == Denied(tuple(blocked), ())


def test_a_request_for_several_paths_is_granted_whole_or_not_at_all() -> None:
    for table, agent, paths, shared in product(TABLES, AGENTS, product(PATHS, PATHS), (True, False)):
        answer = _ask(table, agent, paths, shared, frozenset())
        alone = {path: isinstance(_ask(table, agent, (path,), shared, frozenset()), Granted) for path in paths}
        assert isinstance(answer, Granted) == all(alone.values())
        if isinstance(answer, Denied):
            assert answer.conflicts
            assert answer.free == tuple(path for path in dict.fromkeys(paths) if alone[path])
        else:
            _assert_sound(answer.table)
            assert [claim.path for claim in answer.claims] == list(paths)


def test_stale_claims_give_way_and_are_named_and_live_ones_never_do() -> None:
    for table, (agent, path, shared) in product(TABLES, MOVES):
        tokens = [claim.token for claim in table.claims]
        for stale in (frozenset(some) for size in range(len(tokens) + 1) for some in combinations(tokens, size)):
            answer = _ask(table, agent, (path,), shared, stale)
            asked = Claim(0, agent, path, shared, "", "", 0)
            blocking = {claim.token for claim in table.claims if _clash(claim, asked)}
            assert isinstance(answer, Granted) == (blocking <= stale)
            if isinstance(answer, Granted):
                assert {claim.token for claim in answer.took_over} == blocking
                gone = set(table.claims) - set(answer.table.claims)
                assert {claim.token for claim in gone} == blocking
                _assert_sound(answer.table)


def test_tokens_only_grow_and_never_come_twice() -> None:
    for table, (agent, path, shared) in product(TABLES, MOVES):
        for emptied in (table, release(table, "alice", None).table, release(table, "bob", None).table):
            answer = _ask(emptied, agent, (path,), shared, frozenset(claim.token for claim in emptied.claims))
            assert isinstance(answer, Granted)
            assert answer.table.highest >= emptied.highest == table.highest
            known = {claim.token for claim in emptied.claims}
            assert all(claim.token in known or claim.token > emptied.highest for claim in answer.claims)


def test_asking_again_keeps_the_token() -> None:
    for table, (agent, path, shared) in product(TABLES, MOVES):
        first = _ask(table, agent, (path,), shared, frozenset())
        if isinstance(first, Granted):
            again = _ask(first.table, agent, (path,), shared, frozenset())
            assert again == Granted(first.table, first.claims, ())


def test_release_gives_back_ones_own_and_leaves_everything_else() -> None:
    for table, agent, path in product(TABLES, AGENTS, PATHS):
        answer = release(table, agent, [path])
        mine = {claim for claim in table.claims if claim.agent == agent and claim.path == path}
        assert set(answer.claims) == mine
        assert set(answer.table.claims) == set(table.claims) - mine
        assert answer.table.highest == table.highest
        others = tuple(claim for claim in table.claims if claim.agent != agent and claim.path == path)
        assert answer.foreign == (() if mine else others)
        assert answer.unknown == (() if mine or others else (path,))
        assert release(table, agent, None).table.of(agent) == ()


def test_a_renewal_changes_only_the_records_of_ones_own_tokens() -> None:
    for table, agent in product(TABLES, AGENTS):
        tokens = {claim.token for claim in table.claims}
        renewed = renew(table, agent, tokens)
        assert renewed.highest == table.highest
        for before, after in zip(table.claims, renewed.claims, strict=True):
            assert after == (replace(before, renewed=before.renewed + 1) if before.agent == agent else before)


@pytest.mark.parametrize(
    ("raw", "path"),
    [("src", "src"), ("./src/", "src"), ("src/app.py", "src/app.py"), ("a b", "a b"), ("…/é", "…/é")],
)  # fmt: skip
def test_a_claimed_path_has_one_spelling(raw: str, path: str) -> None:
    assert parse_path(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        "", ".", "./", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a//b", "a/./b", "*.py", "src/?", "a\0b",
        ".git", ".git/config", "a/.git/hooks", ".GIT", ".Git/x", ".git.", ".git ", ".git...", "git~1", "GIT~1/x",
        ".git::$INDEX_ALLOCATION", ".git:x", ".g\u200cit", "\ufeff.git", ".gi\u200dt/x", "..\\x", "a\\..\\b",
        ".git\\config", "a\\.git", "x" * 256, "/".join(["x" * 100] * 6), "~", "~/x", "C:\\x", "c:/x",
    ],
)  # fmt: skip
def test_a_path_out_of_the_repository_or_into_git_is_refused(raw: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_path(raw)
    assert refused.value.message.isprintable()
    assert refused.value.hint


def test_a_request_has_bounds() -> None:
    assert parse_request(["a", "./a", "b/"], "", 60) == ("a", "b")
    many = [f"f{number}" for number in range(MAX_PATHS + 1)]
    for paths, reason, ttl in (([], "", 60), (many, "", 60), (["a"], "x" * (MAX_REASON + 1), 60), (["a"], "", 4)):
        with pytest.raises(UsageError):
            parse_request(paths, reason, ttl)


TEXT = st.text(st.characters(), max_size=20)


@given(
    st.builds(
        Claim,
        token=st.integers(1, 10**9),
        agent=st.sampled_from(AGENTS),
        path=TEXT,
        shared=st.booleans(),
        reason=TEXT,
        granted=TEXT,
        ttl=st.integers(5, 10**6),
        renewed=st.integers(0, 10**6),
    )
)
def test_a_claim_survives_being_stored(claim: Claim) -> None:
    line = encode(claim)
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert decode(line) == claim


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\xff", b"{", b"[]", b"null", b'"text"', b"{}", b'{"v":2}', b'{"v":"1"}', b'{"v":true}', b"[" * 5000,
        encode(Claim(1, AGENTS[0], "a", True, "", "", 60)).replace(b"true", b"1"),
        encode(Claim(1, AGENTS[0], "a", True, "", "", 60)).replace(b'"token":1', b'"token":true'),
    ],
)  # fmt: skip
def test_a_damaged_record_is_a_claims_error(data: bytes) -> None:
    with pytest.raises(ClaimsError) as damaged:
        decode(data)
    assert damaged.value.message.isprintable()


def test_a_record_of_a_later_version_names_the_remedy() -> None:
    with pytest.raises(ClaimsError, match="version 2") as later:
        decode(b'{"v":2,"token":"none of what version 1 knows"}')
    assert later.value.hint == "upgrade agentroom"
