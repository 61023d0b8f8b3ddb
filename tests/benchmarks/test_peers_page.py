"""What reports/peers.md and findings/README.md name exists."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PEERS = ROOT / "reports" / "peers.md"
FINDINGS = ROOT / "findings"


def test_every_test_and_file_that_the_page_names_exists() -> None:
    page = PEERS.read_text(encoding="utf-8")
    tests = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) >= 8
    assert [name for name in sorted(named) if f"def {name}(" not in tests] == []
    linked = re.findall(r"\]\((\S+?)\)", page)
    assert [link for link in linked if not (PEERS.parent / link).is_file()] == []


def test_every_script_is_in_the_table_and_pins_what_it_installs() -> None:
    table = (FINDINGS / "README.md").read_text(encoding="utf-8")
    scripts = sorted(FINDINGS.glob("*.sh"))
    assert scripts
    assert set(re.findall(r"\]\((\w+\.sh)\)", table)) == {script.name for script in scripts}
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        assert "natrob" not in text.partition("set -euo pipefail")[2]
        assert re.search(r"install .*==\d", text)
        assert script.stat().st_mode & 0o111
