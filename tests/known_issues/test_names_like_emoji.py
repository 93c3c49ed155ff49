"""Names between colons: rich shows `:hospital:` as a picture unless it is told not to."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_console_turns_names_into_pictures():
    calls = [
        f"{path.relative_to(ROOT)}: {call}"
        for room in ("breathline", "cli", "flows", "lineage", "tasks")
        for path in sorted((ROOT / room).rglob("*.py"))
        for call in re.findall(r"\bConsole\([^()]*\)", path.read_text(encoding="utf-8"))
    ]
    assert [call for call in calls if "emoji=False" not in call] == []
    commands = [call for call in calls if call.startswith("cli/")]
    assert commands == [], "they use `make_console` of tasks/runtime/consoles.py"
