"""Contested regions can be looked at, and closed by taking a version or by editing."""

import os

import pytest

from agentroom_git.cli.status_lines import place_of
from agentroom_git.core.events import Notice, Recorded
from agentroom_git.core.ids import SIDECAR, Oid
from agentroom_git.errors import UsageError
from agentroom_git.git.contested_refs import Stored
from agentroom_git.room import contests, logs, messages
from agentroom_git.room.aftermath import after_folds
from agentroom_git.room.room import Room
from agentroom_git.room.whole_files import UnresolvableError
from rooms import Bed, edited, numbered


@pytest.fixture
def contest(bed: Bed) -> contests.Contest:
    """An open contest over line 5, with alice's and bob's version."""
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 5, "from alice(1)")})
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "bob had another idea")})
    bed.settle()
    (found,) = contests.read_contests(bed.room())
    return found


@pytest.mark.parametrize(
    ("take", "line"),
    [("alice", "from alice(1)"), ("bob", "bob had another idea"), ("base", "line 5")],
)
def test_taking_a_version_puts_it_on_integration_and_closes_the_contest(
    bed: Bed, contest: contests.Contest, take: str, line: str
) -> None:
    contests.resolve(bed.room(), contest.record.id[:6], take)

    assert bed.integrated("n.txt") == edited(numbered(), 5, line)
    (after,) = contests.read_contests(bed.room())
    assert (after.closed_by, after.how) == ("human", f"took {take}")


def test_the_same_contest_a_second_time_is_open_again_and_told_of_again(bed: Bed, contest: contests.Contest) -> None:
    contests.resolve(bed.room(), contest.record.id, "base")
    bed.settle()
    assert contests.open_records(bed.room()) == []
    told = len(told_of_contests(bed))

    contest_again(bed, contest, is_turned=False)

    (again,) = contests.read_contests(bed.room())
    assert (again.record.id, again.is_open) == (contest.record.id, True)
    assert len(told_of_contests(bed)) == told + 1
    contests.resolve(bed.room(), again.record.id, "alice")
    assert contests.open_records(bed.room()) == []
    bed.commit("alice", {"other.txt": "unrelated\n"})
    bed.settle()
    assert contests.open_records(bed.room()) == []


def contest_again(bed: Bed, contest: contests.Contest, *, is_turned: bool) -> None:
    """Let both write their versions again; the one that stood stands again, or the other one does."""
    assert contest.record.winner is not None
    stands = contest.record.agents[1 - contest.record.winner if is_turned else contest.record.winner][0]
    for name, line in (("alice", "from alice(1)"), ("bob", "bob had another idea")):
        claims = "\n\nAgentroom-Claim: 9 n.txt" if name == stands else ""
        bed.commit(name, {"n.txt": edited(numbered(), 5, line)}, f"work{claims}")
    bed.settle()


def test_the_same_contest_of_which_the_other_version_stands_is_another_record(
    bed: Bed, contest: contests.Contest
) -> None:
    contests.resolve(bed.room(), contest.record.id, "base")
    bed.settle()

    contest_again(bed, contest, is_turned=True)

    (again,) = contests.open_records(bed.room())
    assert again.id != contest.record.id
    assert again.winner is not None
    assert contest.record.winner != again.winner
    assert again.sides[again.winner].decode() in bed.integrated("n.txt")


def told_of_contests(bed: Bed) -> list[str]:
    """What the sidecar's log says of contests."""
    events = (item.event for item in logs.read_log(bed.room(), SIDECAR) if isinstance(item, Recorded))
    return [one.key for one in events if isinstance(one.body, Notice) and one.body.kind == "contested"]


def test_what_is_folded_while_a_version_is_taken_stays(
    bed: Bed, contest: contests.Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    taking = contests._tree_taking

    def slowly(room: Room, now: Oid, record: Stored, take: str) -> Oid:
        tree = taking(room, now, record, take)
        bed.commit("alice", {"late.txt": "late\n"})
        bed.fold()
        return tree

    monkeypatch.setattr(contests, "_tree_taking", slowly)
    contests.resolve(bed.room(), contest.record.id, "bob")

    assert bed.integrated("late.txt") == "late\n"
    assert bed.integrated("n.txt") == edited(numbered(), 5, "bob had another idea")


def test_what_is_taken_is_no_stale_write(bed: Bed, contest: contests.Contest) -> None:
    loser = "alice" if contest.record.winner == contest.record.agents.index(("bob",)) else "bob"

    after_folds(bed.room(), [contests.resolve(bed.as_agent(loser), contest.record.id, loser)])

    for name in ("alice", "bob"):
        assert [one.kind for one in messages.read(bed.as_agent(name)).messages if one.kind == "stale"] == []


def test_taking_both_keeps_each_once(bed: Bed, contest: contests.Contest) -> None:
    contests.resolve(bed.room(), contest.record.id, "both")

    assert bed.integrated("n.txt") == edited(numbered(), 5, "from alice(1)\nbob had another idea")


def test_taking_both_is_refused_where_the_result_would_not_parse(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.json": '{\n  "level": 1\n}\n'})
    bed.settle()
    bed.commit("alice", {"n.json": '{\n  "level": 2\n}\n'})
    bed.commit("bob", {"n.json": '{\n  "level": 3\n}\n'})
    bed.settle()
    (found,) = contests.read_contests(bed.room())

    with pytest.raises(UnresolvableError, match="does not parse"):
        contests.resolve(bed.room(), found.record.id, "both")

    contests.resolve(bed.room(), found.record.id, "bob")
    assert bed.integrated("n.json") == '{\n  "level": 3\n}\n'


def test_a_version_is_put_where_its_region_moved_to(bed: Bed, contest: contests.Contest) -> None:
    current = (bed.path("alice") / "n.txt").read_text()
    bed.commit("alice", {"n.txt": f"new first\n{current}", "other": "x\n"})
    bed.settle()

    contests.resolve(bed.as_agent("bob"), contest.record.id, "bob")

    assert bed.integrated("n.txt") == "new first\n" + edited(numbered(), 5, "bob had another idea")
    (after,) = contests.read_contests(bed.room())
    assert after.closed_by == "bob"


def test_editing_the_region_after_seeing_the_contest_closes_it(bed: Bed, contest: contests.Contest) -> None:
    bed.commit("bob", {"n.txt": edited(numbered(), 5, "agreed with alice")})

    contests.close_edited(bed.room(), bed.fold().made)

    (after,) = contests.read_contests(bed.room())
    assert (after.closed_by, after.is_open) == ("bob", False)


def test_editing_elsewhere_in_the_file_leaves_it_open(bed: Bed, contest: contests.Contest) -> None:
    current = (bed.path("bob") / "n.txt").read_text()
    bed.commit("bob", {"n.txt": edited(current, 15, "far away")})

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == [contest.record]


@pytest.mark.parametrize(("id", "take"), [("", "alice"), ("ffff", "alice"), (None, "carol")])
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    bed: Bed, contest: contests.Contest, id: str | None, take: str
) -> None:
    before = bed.room().integration()

    with pytest.raises(UsageError):
        contests.resolve(bed.room(), contest.record.id if id is None else id, take)
    assert bed.room().integration() == before


def test_a_deleted_file_can_be_taken_back(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": None})
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "needed")})
    bed.settle()
    (record,) = contests.open_records(bed.room())

    contests.resolve(bed.room(), record.id, "alice")

    assert bed.integrated("n.txt") is None


def test_a_mere_rename_settles_nothing(bed: Bed, contest: contests.Contest) -> None:
    bed.git("mv", "n.txt", "renamed.txt", cwd=bed.path("alice"))
    bed.git("commit", "--quiet", "-m", "rename", cwd=bed.path("alice"))

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == [contest.record]


def test_the_same_whole_version_closes_it_only_where_the_versions_differ(bed: Bed) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"n.txt": numbered()})
    bed.commit("bob", {"n.txt": edited(numbered(), 3, "otherwise")})
    bed.settle()
    (record,) = contests.open_records(bed.room())
    assert record.kind == "add/add"
    current = (bed.path("carol") / "n.txt").read_text()

    bed.commit("carol", {"n.txt": current + "one more\n"})
    contests.close_edited(bed.room(), bed.fold().made)
    assert contests.open_records(bed.room()) == [record]
    bed.commit("carol", {"n.txt": edited(current, 3, "what both can live with")})
    contests.close_edited(bed.room(), bed.fold().made)
    assert contests.open_records(bed.room()) == []


@pytest.fixture
def renamed(bed: Bed) -> contests.Contest:
    """An open contest over the name of a file, which alice and bob changed."""
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": None, "a.txt": numbered()})
    bed.commit("bob", {"n.txt": None, "b.txt": edited(numbered(), 4, "bob's")})
    bed.settle()
    (found,) = contests.read_contests(bed.room())
    assert found.record.kind == "rename/rename"
    return found


@pytest.mark.parametrize(
    ("take", "names"),
    [("alice", {"a.txt"}), ("bob", {"b.txt"}), ("base", {"n.txt"}), ("both", {"a.txt", "b.txt"})],
)
def test_of_two_names_the_one_that_is_taken_stays(
    bed: Bed, renamed: contests.Contest, take: str, names: set[str]
) -> None:
    contests.resolve(bed.room(), renamed.record.id, take)

    listed = bed.git("ls-tree", "--name-only", "agentroom/main/integration", cwd=bed.repository).split()
    assert names == {name for name in listed if name.endswith("n.txt") or name in ("a.txt", "b.txt")}
    assert contests.open_records(bed.room()) == []


def test_a_contest_over_a_name_says_both_names_wherever_it_is_told(bed: Bed, renamed: contests.Contest) -> None:
    assert renamed.record.names == ("a.txt", "b.txt")
    assert place_of(renamed.record) == "n.txt (rename/rename): alice's a.txt against bob's b.txt"
    told = [one.text for one in messages.unread(bed.as_agent("bob")).messages if one.kind == "contested"]
    assert [text for text in told if "n.txt (rename/rename): a.txt by alice, b.txt by bob" in text] == told != []


def test_a_name_whose_file_was_changed_since_is_not_taken_away(bed: Bed, renamed: contests.Contest) -> None:
    bed.commit("bob", {"b.txt": edited(numbered(), 9, "went on")})
    bed.fold()

    with pytest.raises(UnresolvableError, match="changed since"):
        contests.resolve(bed.room(), renamed.record.id, "alice")


def test_removing_one_of_two_names_closes_the_contest(bed: Bed, renamed: contests.Contest) -> None:
    bed.commit("bob", {"a.txt": None})

    contests.close_edited(bed.room(), bed.fold().made)

    assert contests.open_records(bed.room()) == []


@pytest.mark.parametrize(("take", "mode"), [("alice", "120000"), ("bob", "100644"), ("base", "100644")])
@pytest.mark.parametrize("later", [{}, {"c.txt": "carol's\n"}], ids=["at-once", "after-another-fold"])
def test_a_link_is_taken_as_a_link(bed: Bed, take: str, mode: str, later: dict[str, str]) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("alice", {"n.txt": numbered(), "other.txt": "x\n"})
    bed.settle()
    link = bed.path("alice") / "n.txt"
    link.unlink()
    link.symlink_to("other.txt")
    bed.git("commit", "--quiet", "--all", "-m", "a link", cwd=bed.path("alice"))
    bed.commit("bob", {"n.txt": edited(numbered(), 4, "bob's")})
    if later:
        bed.commit("carol", later)
    bed.settle()
    (record,) = [one for one in contests.open_records(bed.room()) if one.kind == "type"]

    contests.resolve(bed.room(), record.id, take)

    assert bed.git("ls-tree", "agentroom/main/integration", "n.txt", cwd=bed.repository).split()[0] == mode


@pytest.fixture
def submodule(bed: Bed) -> list[str]:
    """Commits of this repository that `sub` is at: before, in alice's version and in bob's; both not folded yet."""
    bed.join("alice", "bob", "carol")
    commits = [bed.commit("carol", {"n.txt": f"{number}\n"}) for number in range(3)]
    bed.settle()
    for name, commit in zip(("carol", "alice", "bob"), commits, strict=True):
        bed.git("update-index", "--add", "--cacheinfo", f"160000,{commit},sub", cwd=bed.path(name))
        bed.git("commit", "--quiet", "-m", "sub", cwd=bed.path(name))
        if name == "carol":
            bed.settle()
    return commits


@pytest.mark.parametrize("take", ["base", "alice", "bob"])
def test_a_submodule_of_this_repository_s_own_commits_is_folded_and_taken(
    bed: Bed, submodule: list[str], take: str
) -> None:
    bed.git("commit", "--quiet", "--allow-empty", "-m", "carol's", cwd=bed.path("carol"))
    bed.settle()
    (record,) = contests.open_records(bed.room())
    assert [record.base, *record.sides] == [f"submodule {id}\n".encode() for id in submodule]

    contests.resolve(bed.room(), record.id, take)

    taken = bed.git("ls-tree", "agentroom/main/integration", "sub", cwd=bed.repository)
    assert taken == f"160000 commit {submodule[['base', 'alice', 'bob'].index(take)]}\tsub\n"


ODD_NAMES = [b"tab\tx", b"es\x1bc", b"new\nline", b"lat\xe9n", b"back\\tslash", b"like:3+4"]


@pytest.mark.parametrize("name", [os.fsdecode(name) for name in ODD_NAMES], ids=ascii)
def test_a_contest_of_an_odd_name_is_settled_by_taking_a_version_or_by_editing(bed: Bed, name: str) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("carol", {name: numbered()})
    bed.settle()
    for line in (5, 15):
        bed.commit("alice", {name: edited((bed.path("alice") / name).read_text(), line, "from alice(1)")})
        bed.commit("bob", {name: edited((bed.path("bob") / name).read_text(), line, "bob had another idea")})
        bed.settle()
    one, other = sorted(contests.open_records(bed.room()), key=lambda record: record.start)
    assert one.raw_path == os.fsencode(name)
    assert one.path.isprintable()

    contests.resolve(bed.room(), one.id, "alice")
    bed.sync()
    text = edited(edited(numbered(), 5, "from alice(1)"), 15, "carol's")
    bed.commit("carol", {name: text})
    contests.close_edited(bed.room(), bed.fold().made)
    bed.sync()

    assert contests.open_records(bed.room()) == []
    assert (bed.path("bob") / name).read_text() == text


@pytest.mark.parametrize("take", ["alice", "bob"])
def test_a_whole_file_whose_name_ends_like_a_place_is_taken(bed: Bed, take: str) -> None:
    bed.join("alice", "bob", "carol")
    bed.commit("carol", {"like:3+4": numbered()})
    bed.settle()
    bed.commit("alice", {"like:3+4": None})
    bed.commit("bob", {"like:3+4": edited(numbered(), 3, "bob's")})
    bed.settle()
    (record,) = contests.open_records(bed.room())

    contests.resolve(bed.room(), record.id, take)

    assert bed.integrated("like:3+4") == (None if take == "alice" else edited(numbered(), 3, "bob's"))
