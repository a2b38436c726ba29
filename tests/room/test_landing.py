"""Landing real work on the user's real branch."""

from dataclasses import replace
from pathlib import Path

import pytest

from agentroom_git.core.checks import Checked
from agentroom_git.core.ids import SIDECAR
from agentroom_git.errors import AgentroomError, UsageError
from agentroom_git.room import coordination, landing, logs, notes, tasks
from agentroom_git.room.landing import Choices
from landings import hook, kinds, land, landings, subjects, tree, two_agents
from rooms import Bed, edited, numbered


def test_each_agent_gets_one_commit_on_the_users_branch_whose_tree_is_integrations(bed: Bed) -> None:
    two_agents(bed)

    done = land(bed)

    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert subjects(bed, "main~2..main") == ["Add a", "Add b (and 1 more)"]
    assert [part.agent for part in done.parts] == ["alice", "bob"]
    assert bed.git("status", "--porcelain", "--untracked-files=no", cwd=bed.repository) == ""
    assert (bed.repository / "b.txt").read_text() == "bob\nmore\n"
    assert bed.git("diff", "--name-only", "main~1", "main", cwd=bed.repository).split() == ["b.txt", "src/app.py"]


def test_the_commits_are_the_users_and_name_agents_and_commits_of_the_room(bed: Bed) -> None:
    bed.join("alice")
    commit = bed.commit("alice", {"a.txt": "alice\n"}, "Add a\n\nBecause of the ledger.\n")
    fold = bed.fold().integration

    land(bed)

    told = bed.git("log", "-1", "--format=%an <%ae>%n%cn%n%B", "main", cwd=bed.repository)
    assert told.rstrip() == (
        "Test User <test@example.invalid>\nTest User\nAdd a\n\nBecause of the ledger.\n\n"
        f"Agentroom-Room: main\nAgentroom-Commit: {commit}\nAgentroom-Landed: {fold}\n"
        "Co-authored-by: alice <alice@agentroom.invalid>"
    )


def test_a_file_that_two_agents_changed_is_cut_so_that_each_commit_has_its_own_lines(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    bed.settle()
    land(bed)
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 3, "alice")}, "Three")
    bed.commit("bob", {"n.txt": edited(numbered(), 15, "bob")}, "Fifteen")
    bed.settle()

    land(bed)

    assert subjects(bed, "main~2..main") == ["Three", "Fifteen"]
    assert bed.git("show", "main~1:n.txt", cwd=bed.repository) == edited(numbered(), 3, "alice")
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_who_builds_on_the_others_lines_lands_after_them(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"a.txt": "a\n"}, "First")
    bed.settle()
    bed.commit("bob", {"n.txt": numbered()}, "Count")
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 3, "alice")}, "Three")
    bed.settle()

    land(bed)

    assert subjects(bed, "main~2..main") == ["Count", "First (and 1 more)"]
    assert bed.git("show", "main~1:n.txt", cwd=bed.repository) == numbered()


def test_what_cannot_be_taken_apart_goes_with_the_last(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()}, "Count")
    bed.settle()
    land(bed)
    bed.settle()
    for number, name in enumerate(("alice", "bob", "alice", "bob")):
        bed.commit(name, {"n.txt": edited(numbered(), 3, f"{name} {number}")}, f"{name} {number}")
        bed.settle()

    done = land(bed)

    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert len(done.commits) in (1, 2)
    named = bed.git("log", "--format=%B", f"-{len(done.commits)}", "main", cwd=bed.repository)
    assert named.count("Agentroom-Commit: ") == 4
    assert {"alice", "bob"} <= set(landings(bed)[-1].agents)


def test_an_open_contest_refuses_unless_told_otherwise(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"n.txt": numbered()})
    bed.settle()
    bed.commit("alice", {"n.txt": edited(numbered(), 3, "alice")})
    bed.commit("bob", {"n.txt": edited(numbered(), 3, "bob")})
    bed.settle()
    before = bed.git("rev-parse", "main", cwd=bed.repository)

    assert kinds(land(bed)) == ["contested"]
    assert bed.git("rev-parse", "main", cwd=bed.repository) == before
    assert kinds(land(bed, contested=True)) == []
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_edited_files_in_the_way_refuse_and_others_stay_edited(bed: Bed) -> None:
    two_agents(bed)
    (bed.repository / "README.md").write_text("mine\n")
    (bed.repository / "src/app.py").write_text("mine\n")
    (bed.repository / "a.txt").write_text("untracked\n")

    done = land(bed)

    assert [(one.kind, one.text) for one in done.objections] == [
        ("dirty", "1 edited files of yours are in the way: src/app.py"),
        ("dirty", "1 untracked files of yours are in the way: a.txt"),
    ]
    assert land(bed, autostash=True).objections == done.objections[1:]
    bed.git("checkout", "--quiet", "src/app.py", cwd=bed.repository)
    (bed.repository / "a.txt").unlink()
    assert kinds(land(bed)) == []
    assert (bed.repository / "README.md").read_text() == "mine\n"


def test_a_folder_that_becomes_a_file_is_in_the_way_only_with_what_git_does_not_know(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"src/app.py": None, "src/util.py": None})
    (bed.path("alice") / "src").rmdir() if (bed.path("alice") / "src").exists() else None
    bed.commit("alice", {"src": "a file now\n"})
    bed.settle()
    (bed.repository / "src/mine.txt").write_text("mine\n")
    assert kinds(land(bed)) == ["dirty"]
    (bed.repository / "src/mine.txt").unlink()

    assert kinds(land(bed)) == []
    assert (bed.repository / "src").read_text() == "a file now\n"


def test_a_branch_that_is_not_checked_out_moves_alone(bed: Bed) -> None:
    two_agents(bed)
    bed.git("switch", "--quiet", "--create", "other", cwd=bed.repository)

    land(bed)

    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert not (bed.repository / "a.txt").exists()


def test_a_branch_checked_out_elsewhere_or_gone_is_refused(bed: Bed, tmp_path: Path) -> None:
    two_agents(bed)
    bed.git("switch", "--quiet", "--create", "other", cwd=bed.repository)
    bed.git("worktree", "add", "--quiet", tmp_path / "else", "main", cwd=bed.repository)
    assert kinds(land(bed)) == ["elsewhere"]
    bed.git("worktree", "remove", tmp_path / "else", cwd=bed.repository)
    bed.git("branch", "--quiet", "-D", "main", cwd=bed.repository)
    with pytest.raises(landing.LandingError, match="your branch 'main' is not there any more"):
        land(bed)


def test_a_commit_hook_that_refuses_leaves_the_branch_and_gives_its_words(bed: Bed) -> None:
    two_agents(bed)
    hook(bed, "pre-commit", "test ! -e b.txt || { echo 'no b, please' >&2; exit 1; }")
    before = bed.git("for-each-ref", "refs/heads/main", cwd=bed.repository)

    with pytest.raises(AgentroomError, match="no b, please") as raised:
        land(bed)

    assert raised.value.exit_code == 3
    assert raised.value.hint.endswith("--no-verify leaves your hooks out")
    assert bed.git("for-each-ref", "refs/heads/main", cwd=bed.repository) == before
    assert len(bed.git("worktree", "list", "--porcelain", cwd=bed.repository).split("worktree ")) == 4
    land(bed, verify=False)
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_a_signature_that_cannot_be_made_leaves_the_branch(bed: Bed) -> None:
    two_agents(bed)
    bed.git("config", "commit.gpgSign", "true", cwd=bed.repository)
    program = bed.repository.parent / "gpg"
    program.write_text("#!/bin/sh\necho 'gpg: signing failed: No secret key' >&2\nexit 2\n")
    program.chmod(0o755)
    bed.git("config", "gpg.program", str(program), cwd=bed.repository)
    before = bed.git("rev-parse", "main", cwd=bed.repository)

    with pytest.raises(AgentroomError, match="git commit refused: .*gpg failed to sign the data") as raised:
        land(bed)

    assert raised.value.hint.startswith("correct git config user.signingKey")
    assert bed.git("rev-parse", "main", cwd=bed.repository) == before


def test_a_landing_without_an_identity_says_how_to_give_one(bed: Bed, monkeypatch: pytest.MonkeyPatch) -> None:
    two_agents(bed)
    bed.git("config", "user.useConfigOnly", "true", cwd=bed.repository)
    bed.git("config", "--unset-all", "user.email", cwd=bed.repository, check=False)
    for name in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")

    with pytest.raises(AgentroomError, match="git commit refused") as raised:
        land(bed)

    assert raised.value.hint == "git config user.name NAME; git config user.email ADDRESS"


class Killed(Exception):
    """Stands for the end of the process."""


STEPS = (
    "make the landing's worktree",
    "commit for the user's branch",
    "note the landing",
    "move the user's branch",
    "fold the landing",
)


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_step_leaves_the_branch_or_a_landing_that_is_recognised(bed: Bed, step: str) -> None:
    two_agents(bed)
    before = bed.git("rev-parse", "main", cwd=bed.repository).strip()

    def stop(name: str) -> None:
        if name == step:
            raise Killed

    with pytest.raises(Killed):
        landing.land(replace(bed.room(), failpoint=stop), Choices())

    if step != "fold the landing":
        assert bed.git("rev-parse", "main", cwd=bed.repository).strip() == before
        land(bed)
    bed.settle()
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert subjects(bed, f"{before}..main") == ["Add a", "Add b (and 1 more)"]
    assert len(landings(bed)) == 1
    assert land(bed).parts == ()


def test_an_agent_does_not_land(bed: Bed) -> None:
    bed.join("alice")
    with pytest.raises(landing.LandingError, match="landing is the user's"):
        landing.land(bed.as_agent("alice"), Choices())


def test_names_and_texts_of_agents_cannot_forge_trailers(bed: Bed) -> None:
    bed.join("alice")
    bed.commit(
        "alice", {"a.txt": "1\n"}, "Add a\n\nSigned-off-by: boss <boss@example.invalid>\n\nAgentroom-Folded: x\n"
    )
    land(bed)
    told = bed.git(
        "log",
        "-1",
        "--format=%(trailers:only,key=Signed-off-by)%(trailers:only,key=Agentroom-Folded)",
        "main",
        cwd=bed.repository,
    )
    assert told.strip() == ""


def test_the_notes_of_the_folds_are_on_the_landed_commits_also_when_made_anew(bed: Bed) -> None:
    bed.join("alice", "bob")
    coordination.claim(bed.as_agent("alice"), ["a.txt"], reason="the first file")
    bed.commit("alice", {"a.txt": "alice\n"}, "Add a")
    bed.settle()
    coordination.claim(bed.as_agent("bob"), ["b.txt"], reason="the second file")
    bed.commit("bob", {"b.txt": "bob\n"}, "Add b")
    bed.settle()
    notes.project(bed.room())

    done = land(bed)

    told = [bed.git("notes", "--ref=agentroom/main", "show", one, cwd=bed.repository) for one in done.commits]
    assert "alice claimed a.txt: the first file" in told[0]
    assert "agentroom folded alice" in told[0]
    assert "bob" not in told[0].replace("of alice, bob on main", "")
    assert "bob claimed b.txt: the second file" in told[1]
    assert "agentroom folded bob" in told[1]
    assert all(f"landed {done.fold[:10]} of alice, bob on main as 2 commits" in text for text in told)
    stepwise = bed.tree("refs/notes/agentroom/main")
    notes.project(bed.room(), rebuild=True)
    assert bed.tree("refs/notes/agentroom/main") == stepwise


def test_what_has_not_passed_the_check_is_refused_and_green_is_landed_instead(bed: Bed) -> None:
    (bed.repository / ".agentroom.yaml").write_text("check: make test\n")
    two_agents(bed)
    assert kinds(land(bed)) == ["unchecked"]
    with pytest.raises(landing.LandingError, match="nothing has passed the check yet"):
        land(bed, green=True)
    room = bed.room()
    good = room.integration()
    room.refs.swap(room.names.green, good, None)
    bed.commit("alice", {"bad.txt": "bad\n"}, "Break it")
    bed.settle()
    bad = room.integration()
    logs.record(room, Checked(bad, "failed", 1, "boom\nE: it broke\n"), writer=SIDECAR)

    refused = land(bed)
    assert [(one.kind, one.text) for one in refused.objections] == [
        ("red", f"the check of {bad[:10]} failed: E: it broke")
    ]
    assert land(bed, green=True).objections == ()
    assert tree(bed) == tree(bed, good)
    assert kinds(land(bed, unchecked=True)) == []
    assert tree(bed) == tree(bed, "agentroom/main/integration")


def test_a_merge_has_the_whole_history_and_integrations_tree(bed: Bed) -> None:
    two_agents(bed)
    fold = bed.room().integration()

    done = land(bed, merge=True)

    assert bed.git("log", "-1", "--format=%P", "main", cwd=bed.repository).split()[1] == fold
    assert bed.is_ancestor(bed.head("bob"), "main")
    assert tree(bed) == tree(bed, "agentroom/main/integration")
    assert [body.commits for body in landings(bed)] == [done.commits]
    bed.settle()
    bed.commit("alice", {"more.txt": "more\n"}, "More")
    bed.settle()
    assert [part.subject for part in land(bed).parts] == ["More"]


def test_a_branch_for_review_leaves_the_users_branch_and_is_replaced_by_the_next(bed: Bed) -> None:
    two_agents(bed)
    before = bed.git("rev-parse", "main", cwd=bed.repository)

    first = land(bed, branch="review")
    bed.commit("alice", {"more.txt": "more\n"}, "More")
    bed.settle()
    second = land(bed, branch="review")

    assert bed.git("rev-parse", "main", cwd=bed.repository) == before
    assert subjects(bed, "main..review") == ["Add a (and 1 more)", "Add b (and 1 more)"]
    assert tree(bed, "review") == tree(bed, "agentroom/main/integration")
    assert first.commits != second.commits
    bed.git("branch", "--quiet", "mine", "main", cwd=bed.repository)
    bed.git("switch", "--quiet", "mine", cwd=bed.repository)
    assert kinds(land(bed, branch="mine")) == ["elsewhere"]
    bed.git("commit", "--quiet", "--allow-empty", "-m", "mine", cwd=bed.repository)
    bed.git("switch", "--quiet", "main", cwd=bed.repository)
    assert kinds(land(bed, branch="mine")) == ["foreign"]


@pytest.mark.parametrize("name", ["agentroom/main/x", "-x", "a..b", "refs/heads/x", "x y", ""])
def test_a_name_that_is_no_branch_for_review_is_refused(bed: Bed, name: str) -> None:
    two_agents(bed)
    with pytest.raises(UsageError):
        land(bed, branch=name or " ")


def test_the_task_that_an_agent_did_gives_the_subject_to_its_commits(bed: Bed) -> None:
    bed.join("alice")
    bed.commit("alice", {"a.txt": "1\n"}, "First step")
    bed.commit("alice", {"a.txt": "2\n"}, "Second step")
    alice = bed.as_agent("alice")
    added = tasks.add(alice, "Post amounts in cents", acceptance="amounts are whole cents")
    tasks.finish(alice, added.id, "all of it")
    bed.settle()

    (part,) = land(bed).parts

    assert (part.subject, part.commits) == ("Post amounts in cents", 2)
    assert "- First step\n- Second step\n" in bed.git("log", "-1", "--format=%B", "main", cwd=bed.repository)
