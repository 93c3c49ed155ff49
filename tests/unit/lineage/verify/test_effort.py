"""Work of a verification: each folder, log and file of settings is read once, whatever the number of stages."""

import os
import subprocess
from collections import Counter

import pytest

from lineage import log_lines
from lineage.verify import verification
from tasks.runtime import yaml_files


def counting(monkeypatch, counts, owner, name):
    """Count the calls of a function, by its name."""
    function = getattr(owner, name)

    def counted(*arguments, **options):
        counts[name] += 1
        return function(*arguments, **options)

    monkeypatch.setattr(owner, name, counted)


@pytest.mark.slow
def test_a_verification_reads_each_thing_once(small_run, monkeypatch):
    counts = Counter()
    for owner, name in ((os, "walk"), (log_lines, "entries"), (yaml_files, "parse"), (subprocess, "run")):
        counting(monkeypatch, counts, owner, name)
    assert verification.verify(small_run).findings == []
    # Folders of outs, inputs and code, once for hashes and, of outs and inputs, once for hidden files.
    assert counts["walk"] <= 60
    assert counts["entries"] <= 3
    assert counts["parse"] <= 12
    assert counts["run"] <= 30  # commands of Git
