"""Script for the hashes of cycles in docs/how-to/audit.md, and the findings in docs/reference/audit.md."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import soundfile

from tasks.extract import extract

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/how-to/audit.md").read_text(encoding="utf-8")
FINDING = re.compile(r"""\b(?:Finding|note)\(\s*"([a-z-]+)\"""")
STEREO, FLOAT, DOUBLE, BEYOND = (f"{name}_1b1_Tc_sc_Meditron" for name in ("101", "103", "104", "105"))
RATE = 4000


@pytest.fixture
def corpus(small_project, tmp_path):
    """Return tables and audio of recordings in several encodings; one cycle ends behind its recording, one is empty."""
    raw = Path(shutil.copytree(small_project / "data/raw/icbhi", tmp_path / "raw"))
    draw = np.random.default_rng(0)
    for name, subtype, channels in (
        (STEREO, "PCM_24", 2),
        (FLOAT, "FLOAT", 1),
        (DOUBLE, "DOUBLE", 2),
        (BEYOND, "PCM_U8", 1),
    ):
        samples = draw.uniform(-0.5, 0.5, (4 * RATE, channels))
        soundfile.write(raw / f"audio/{name}.wav", samples, RATE, subtype=subtype)
    (raw / f"audio/{BEYOND}.txt").write_text("0.5\t9.5\t0\t0\n9.6\t9.9\t1\t0\n")
    extract(raw, tmp_path / "tables", tmp_path / "waveforms", rates=[16_000], workers=1)
    return tmp_path / "tables", raw / "audio"


def run(corpus, monkeypatch, capsys):
    """Return the cycles that have another hash, as the script prints."""
    script = re.search(r"```python\n(.*?)```", TEXT.partition("## Recomputing the hash of a cycle\n")[2], re.DOTALL)[1]
    assert sum(map(bool, script.splitlines())) == 10
    monkeypatch.setattr(sys, "argv", ["hash_cycles.py", *map(str, corpus)])
    exec(compile(script, "hash_cycles.py", "exec"), {})  # noqa: S102 - the script of the document
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert len(rows) == 13
    return [name for name, equal in rows if equal == "False"]


def test_the_script_finds_the_hash_of_every_cycle(corpus, monkeypatch, capsys):
    tables, audio = corpus
    capsys.readouterr()
    cycles = pl.read_parquet(tables / "cycles.parquet")
    assert (cycles.height, cycles["audio_sha256"].null_count()) == (13, 1)
    assert run(corpus, monkeypatch, capsys) == []
    samples, _ = soundfile.read(audio / f"{FLOAT}.wav", dtype="float32")
    samples[int(1.5 * RATE)] += np.float32(1e-6)
    soundfile.write(audio / f"{FLOAT}.wav", samples, RATE, subtype="FLOAT")
    assert run(corpus, monkeypatch, capsys) == [f"{FLOAT}_001"]


def test_the_reference_has_every_finding():
    page = (ROOT / "docs/reference/audit.md").read_text(encoding="utf-8")
    shown = {
        kind for row in re.findall(r"^\| (.*?) \|", page, re.MULTILINE) for kind in re.findall(r"`([a-z-]+)`", row)
    }
    shown |= {f"{kind}-run" for kind in shown if kind.startswith("git-")}
    modules = (ROOT / "lineage/verify").glob("*.py")
    made = {kind for path in modules for kind in FINDING.findall(path.read_text(encoding="utf-8"))}
    assert len(made) > 60
    assert not made - shown
