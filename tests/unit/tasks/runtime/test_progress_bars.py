"""Progress bars are shown in terminals alone."""

import io
import sys

import pytest

from tasks.runtime import progress_bars, text_streams


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Screen, True), (io.StringIO, False)])
def test_a_bar_counts_items_in_a_terminal_alone(monkeypatch, stream, shown):
    written = stream()
    monkeypatch.setattr(sys, "stderr", written)
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress_bars.track(["ab", "cd", "e"], "letters", 5, size=len)) == ["ab", "cd", "e"]
    assert ("5/5" in written.getvalue(), written.getvalue() == "") == (shown, not shown)


def test_closed_standard_error_is_no_terminal(monkeypatch):
    closed = io.StringIO()
    closed.close()
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        assert not text_streams.may_be_terminal()
