import json
from datetime import timedelta

from agentroom_git.room.doctor.failures import examine_failures
from rooms import Bed


def test_what_a_hook_could_not_do_is_told_for_a_day(bed: Bed) -> None:
    bed.join("alice")
    room = bed.room()
    log = room.private / "hook" / "failed-open.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    now = room.clock.now()
    ages = (timedelta(days=2), timedelta(hours=3), timedelta(0))
    records = [{"at": (now - age).timestamp(), "agent": "alice", "error": f"E: {age.days}\x1b"} for age in ages]
    log.write_text("".join(json.dumps(one) + "\n" for one in records) + '{"at": "x"}\nnot JSON\n')

    (finding,) = examine_failures(room)

    assert finding.level == "notice"
    assert "failed 2 times within a day" in finding.text
    assert finding.text.endswith(r"for alice: E: 0\x1b")
    assert str(log) in finding.remedy


def test_where_nothing_failed_nothing_is_said(bed: Bed) -> None:
    assert list(examine_failures(bed.room())) == []
