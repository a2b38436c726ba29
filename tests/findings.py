"""Picking what the doctor found by how bad it is."""

from collections.abc import Iterator

from agentroom_git.room.doctor import Finding


def of_level(findings: Iterator[Finding], *levels: str) -> list[Finding]:
    return [finding for finding in findings if finding.level in levels]


def problems(findings: Iterator[Finding]) -> list[Finding]:
    return of_level(findings, "problem")


def only_one(findings: Iterator[Finding], level: str = "problem") -> Finding:
    """Return the one finding of the level, which names a remedy."""
    (found,) = of_level(findings, level)
    assert found.remedy
    return found
