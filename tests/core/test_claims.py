"""The laws of the claims algebra, exhausted on a small alphabet, and what may be claimed at all."""

from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentroom_git.core.claims import (
    AUTO_TTL,
    MAX_GLOBS_HELD,
    MAX_HELD,
    MAX_NAMED,
    MAX_PATHS,
    MAX_REASON,
    Claim,
    ClaimsError,
    Denied,
    Granted,
    Handed,
    NotHanded,
    Request,
    Table,
    covers,
    decode,
    encode,
    grant,
    hand_over,
    named_in_commit,
    overlaps,
    parse_request,
    release,
    renew,
)
from agentroom_git.core.ids import AgentName
from agentroom_git.core.patterns import parse_pattern
from agentroom_git.errors import UsageError

AGENTS = (AgentName("alice"), AgentName("bob"))
# A path, a sibling that only begins like it, paths below it, and others.
PLAIN = ("a", "ab", "a/a", "a/b", "a/a/a", "b", "b/a")
PATHS = ("a", "ab", "a/a", "a/b", "a/*", "**/a", "t:1")
MOVES = tuple(product(AGENTS, PATHS, (True, False)))


def _ask(
    table: Table, agent: AgentName, paths: tuple[str, ...], shared: bool, stale: frozenset[int]
) -> Granted | Denied:
    return grant(table, Request(agent, paths, "why", 60, shared, "2025-06-01T00:00:00Z"), stale=stale)


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
    for one, two, three in product(PLAIN, PLAIN, PLAIN):
        assert not (covers(one, two) and covers(two, one)) or one == two
        assert covers(one, three) or not (covers(one, two) and covers(two, three))
    assert covers("a", "a/b")
    assert not covers("a", "ab")


def test_two_paths_overlap_exactly_if_some_path_is_covered_by_both() -> None:
    below = {path + rest for path in PLAIN for rest in ("", "/x")}
    for one, other in product(PLAIN, PLAIN):
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


def test_asking_again_takes_the_new_reason_and_lease_and_keeps_the_token() -> None:
    request = Request(AGENTS[0], ("a",), "", 60, False, "2025-06-01T00:00:00Z")
    first = grant(Table(), request, stale=())
    assert isinstance(first, Granted)
    (held,) = first.claims

    named = grant(first.table, replace(request, reason="why", ttl=900), stale=())
    assert isinstance(named, Granted)
    assert named.table.claims == (replace(held, reason="why", renewed=1),)
    shorter = grant(named.table, replace(request, ttl=7, has_ttl=True), stale=())
    assert isinstance(shorter, Granted)
    assert shorter.table.claims == shorter.claims == (replace(held, reason="why", ttl=7, renewed=2),)


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
)
def test_a_claimed_path_has_one_spelling(raw: str, path: str) -> None:
    assert parse_pattern(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        "", ".", "./", "/", "/etc/passwd", "..", "../x", "a/../b", "a/..", "a//b", "a/./b", "a\0b",
        ".git", ".git/config", "a/.git/hooks", ".GIT", ".Git/x", ".git.", ".git ", ".git...", "git~1", "GIT~1/x",
        ".git::$INDEX_ALLOCATION", ".git:x", ".g\u200cit", "\ufeff.git", ".gi\u200dt/x", "..\\x", "a\\..\\b",
        ".git\\config", "a\\.git", "x" * 256, "/".join(["x" * 100] * 6), "~", "~/x", "C:\\x", "c:/x",
    ],
)  # fmt: skip
def test_a_path_out_of_the_repository_or_into_git_is_refused(raw: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_pattern(raw)
    assert refused.value.message.isprintable()
    assert refused.value.hint


def test_a_request_has_bounds() -> None:
    assert parse_request(["a", "./a", "b/"], "", 60) == ("a", "b")
    many = [f"f{number}" for number in range(MAX_PATHS + 1)]
    for paths, reason, ttl in (([], "", 60), (many, "", 60), (["a"], "x" * (MAX_REASON + 1), 60), (["a"], "", 4)):
        with pytest.raises(UsageError):
            parse_request(paths, reason, ttl)


def _explicit(table: Table, agent: AgentName, path: str, stale: frozenset[int] = frozenset()) -> Granted | Denied:
    return _ask(table, agent, (path,), False, stale)


def _by_edit(table: Table, agent: AgentName, path: str) -> Granted | Denied:
    return grant(table, Request(agent, (path,), "edit", AUTO_TTL, False, "", auto=True), stale=())


def test_a_claim_by_an_edit_yields_to_a_request_and_to_nothing_else() -> None:
    alice, bob = AGENTS
    held = _by_edit(Table(), alice, "a/b")
    assert isinstance(held, Granted)
    assert isinstance(_by_edit(held.table, bob, "a/b"), Denied)
    taken = _explicit(held.table, bob, "a")
    assert isinstance(taken, Granted)
    assert taken.took_over == held.claims
    assert isinstance(_by_edit(taken.table, alice, "a/b"), Denied)
    assert _by_edit(held.table, alice, "a/b") == Granted(held.table, held.claims, ())


def test_asking_for_what_one_holds_by_an_edit_makes_it_a_claim_proper_under_a_new_token() -> None:
    held = _by_edit(Table(), AGENTS[0], "a")
    assert isinstance(held, Granted)
    asked = _explicit(held.table, AGENTS[0], "a")
    assert isinstance(asked, Granted)
    assert asked.table.claims == asked.claims
    assert [(claim.token, claim.auto) for claim in asked.claims] == [(2, False)]
    again = _by_edit(asked.table, AGENTS[0], "a")
    assert isinstance(again, Granted)
    assert again.table == asked.table


def test_an_agent_holds_a_bounded_number_of_claims() -> None:
    full = Table(MAX_HELD, tuple(Claim(n, AGENTS[0], f"f{n}", False, "", "", 60) for n in range(1, MAX_HELD + 1)))
    with pytest.raises(UsageError, match="more than 1000 claims"):
        _explicit(full, AGENTS[0], "one-more")
    assert isinstance(_explicit(full, AGENTS[0], "f7"), Granted)
    assert isinstance(_explicit(full, AGENTS[1], "one-more"), Granted)


def test_of_what_an_agent_holds_so_much_are_globs() -> None:
    globs = [Claim(n, AGENTS[0], f"**/f{n}", False, "", "", 60) for n in range(1, MAX_GLOBS_HELD + 1)]
    full = Table(MAX_GLOBS_HELD, tuple(globs))
    with pytest.raises(UsageError, match="more than 100 globs"):
        _explicit(full, AGENTS[0], "**/one-more")
    assert isinstance(_explicit(full, AGENTS[0], "a-file"), Granted)
    assert isinstance(_explicit(full, AGENTS[0], "**/f7"), Granted)


def test_an_edit_by_who_holds_as_much_as_one_may_claims_nothing() -> None:
    full = Table(MAX_HELD, tuple(Claim(n, AGENTS[0], f"f{n}", False, "", "", 60) for n in range(1, MAX_HELD + 1)))
    assert _by_edit(full, AGENTS[0], "one-more") == Granted(full, (), ())


def test_handing_over_moves_exactly_the_named_claims_under_new_tokens() -> None:
    for table, giver, path in product(TABLES, AGENTS, PATHS):
        to = AGENTS[1 - AGENTS.index(giver)]
        answer = hand_over(table, giver, [path], to, at="later")
        mine = [claim for claim in table.of(giver) if claim.path == path]
        if isinstance(answer, NotHanded):
            assert not mine or answer.kept
            continue
        assert isinstance(answer, Handed)
        _assert_sound(answer.table)
        assert list(answer.before) == mine
        assert [(c.agent, c.path, c.shared, c.granted) for c in answer.claims] == [
            (to, path, claim.shared, "later") for claim in mine
        ]
        assert all(claim.token > table.highest for claim in answer.claims)
        assert set(answer.table.of(giver)) == {c for c in table.of(giver) if c.path != path}


def test_nothing_is_handed_to_who_holds_as_much_as_one_may() -> None:
    alice, bob = AGENTS
    full = tuple(Claim(n, bob, f"f{n}", False, "", "", 60) for n in range(1, MAX_HELD + 1))
    one = Claim(MAX_HELD + 1, alice, "a", False, "", "", 60)
    with pytest.raises(UsageError, match=f"{bob} would hold more than {MAX_HELD} claims"):
        hand_over(Table(one.token, (*full, one)), alice, ["a"], bob, at="")
    assert isinstance(hand_over(Table(one.token, (*full[1:], one)), alice, ["a"], bob, at=""), Handed)


def test_nothing_is_handed_over_when_one_of_several_is_not_held() -> None:
    alice, bob = AGENTS
    table = Table(2, (Claim(1, alice, "a", False, "", "", 60), Claim(2, bob, "b", False, "", "", 60)))
    assert hand_over(table, alice, ["a", "b", "c"], bob, at="") == NotHanded((table.claims[1],), ("c",), ())


def test_a_claim_within_another_of_the_giver_is_not_handed_over_alone() -> None:
    alice, bob = AGENTS
    table = Table(2, (Claim(1, alice, "a", False, "", "", 60), Claim(2, alice, "a/b", False, "", "", 60)))
    assert hand_over(table, alice, ["a/b"], bob, at="") == NotHanded((), (), (table.claims[0],))
    both = hand_over(table, alice, ["a", "a/b"], bob, at="")
    assert isinstance(both, Handed)
    assert [claim.token for claim in both.table.claims] == [3, 4]


def test_a_commit_names_the_claims_that_cover_it_and_of_a_glob_the_paths() -> None:
    patterns = ("src", "**/*.py", "docs", "port:1")
    claims = [Claim(n, AGENTS[0], path, False, "", "", 60) for n, path in enumerate(patterns, 1)]
    assert named_in_commit(claims, ["src/a.py", "b.py", "c.md"]) == [(1, "src"), (2, "src/a.py"), (2, "b.py")]
    assert len(named_in_commit(claims[1:2], [f"{n}.py" for n in range(MAX_NAMED + 9)])) == MAX_NAMED


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
        auto=st.booleans(),
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
        encode(Claim(1, AGENTS[0], "a", False, "", "", 60, auto=True)).replace(b'"auto":true', b'"auto":1'),
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
