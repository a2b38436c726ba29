"""The README leads to every page of the documentation, and to nothing that is not there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINKS = set(re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text()))


def test_it_links_every_page() -> None:
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").glob("*.md")}
    assert pages
    assert pages <= set(re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text().partition("## More")[2]))


def test_every_link_leads_somewhere() -> None:
    assert [link for link in sorted(LINKS) if "://" not in link and not (ROOT / link).exists()] == []
