"""The doctor misses the record of an open contest, and has it back."""

from agentroom_git.room import contests
from agentroom_git.room.doctor import contested
from agentroom_git.room.doctor.finding import Finding
from rooms import Bed, edited, numbered


def test_a_record_whose_ref_was_deleted_is_named_and_put_back(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered()})
    bed.settle()
    for name in ("alice", "bob"):
        bed.commit(name, {"f.txt": edited(numbered(), 5, name)})
    bed.settle()
    (before,) = contests.open_records(bed.room())
    ref = f"refs/agentroom/main/contested/{before.id}"
    assert list(contested.examine_contested(bed.room(), fix=False)) == []

    bed.git("update-ref", "-d", ref, cwd=bed.repository)

    (found,) = contested.examine_contested(bed.room(), fix=False)
    assert found.level == "problem"
    assert found.text.startswith(f"{ref} is gone, with the versions of what is contested: f.txt lines 5-5 (text)")
    assert found.remedy == "agentroom doctor --fix folds it once more and puts it back"
    assert contests.open_records(bed.room()) == []

    assert list(contested.examine_contested(bed.room(), fix=True)) == [Finding("ok", f"put back {ref}", "")]

    (after,) = contests.open_records(bed.room())
    assert (after.sides, after.base, after.agents, after.start) == (
        before.sides, before.base, before.agents, before.start,
    )  # fmt: skip


def test_a_deleted_record_of_what_is_closed_is_not_missed(bed: Bed) -> None:
    bed.join("alice", "bob")
    bed.commit("alice", {"f.txt": numbered()})
    bed.settle()
    for name in ("alice", "bob"):
        bed.commit(name, {"f.txt": edited(numbered(), 5, name)})
    bed.settle()
    (record,) = contests.open_records(bed.room())
    contests.resolve(bed.room(), record.id, "base")

    bed.git("update-ref", "-d", f"refs/agentroom/main/contested/{record.id}", cwd=bed.repository)

    assert list(contested.examine_contested(bed.room(), fix=False)) == []
