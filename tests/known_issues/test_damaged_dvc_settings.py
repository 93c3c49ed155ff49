"""Damaged `.dvc/config`: `run` ended with a traceback of a parser."""

import pytest

from flows import graph, write_access
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n[core]\n", "[core\n    remote = store\n", "\xff\xfe\n"])
def test_damaged_settings_are_named(tmp_path, text):
    folder = toy.make(tmp_path / "project")
    (folder / ".dvc" / "config").write_text(text, encoding="latin-1")
    for look in (write_access.check, graph.read):
        with pytest.raises(BreathlineError) as refused:
            look(folder)
        assert "config" in str(refused.value)
        assert "git checkout .dvc/config" in str(refused.value.hint)
