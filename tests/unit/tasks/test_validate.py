"""The whole stage: its files, its messages, and its errors."""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tasks.artifacts import CorpusFolders
from tasks.checks import gx
from tasks.checks.runner import run
from tasks.checks.settings import CheckSettings, Severity
from tasks.corpora.icbhi import facts as icbhi
from tasks.runtime import corpus_facts, params, schemas
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import write_json, write_table
from tasks.validate import validate
from tests.unit.tasks.checks.tables import ROOT, SETTINGS, Tables, clean
from tests.unit.tasks.checks.tables import facts as facts_of
from tests.unit.tasks.corpora.icbhi.complete import complete_tables

FOLDERS = CorpusFolders("training", "icbhi")
EXTRACTED, VERDICTS, DATA_DOCS = FOLDERS.tables, FOLDERS.verdicts, FOLDERS.data_docs


def store(corpus: Tables, folder: Path) -> None:
    for table in ("recordings", "cycles"):
        write_table(folder / f"{table}.parquet", corpus.arrow(table))
    write_json(folder / "summary.json", corpus.summary)
    corpus_facts.write(folder, replace(corpus.facts, format="icbhi"))


def written(folder: Path) -> dict[str, bytes]:
    files = [folder / VERDICTS, *(folder / DATA_DOCS).iterdir()]
    return {path.name: path.read_bytes() for path in files}


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Return a project with errors in eleven rows and with warnings, in a folder with a space and an umlaut."""
    project = tmp_path / "größe 1"
    corpus = clean()
    for row in range(11):
        corpus.put("cycles", row, end_s=20.5 + row / 10)
    corpus.put("recordings", 0, icbhi_weight_kg=None, icbhi_name_in_split="101_1b1_Al_sc_LittC2SE")
    corpus.put("recordings", 1, icbhi_weight_kg=None, fold=None)
    corpus.put("recordings", 2, age=None)
    store(corpus, project / EXTRACTED)
    shutil.copy(ROOT / "params.yaml", project)
    return project


@pytest.mark.slow  # starts two processes, about 6 s
def test_an_error_ends_the_process_after_writing_files_that_are_equal_in_all_processes(faulty, tmp_path):
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "1", "COLUMNS": "200"}
    command = [sys.executable, "-m", "tasks.validate", "icbhi"]
    done = subprocess.run(command, cwd=faulty, env=env, capture_output=True, text=True, check=False)
    printed = done.stderr
    assert done.returncode == 1, printed
    assert "cycles.inside_audio (expect_cycle_inside_audio): No cycle ends more than 0.05 s" in printed
    assert "fails for 11 of 24 cycles: 101_1b1_Al_sc_Meditron_000, 101_1b1_Al_sc_Meditron_001" in printed
    assert "102_1b1_Al_sc_Meditron_001, …" in printed  # the tenth
    assert "correct the recording's annotation file" in printed
    assert f"{DATA_DOCS / 'index.html'} and {VERDICTS}" in printed
    assert "The split file calls every recording by its own name." in printed
    assert "Traceback" not in printed
    with pytest.raises(BreathlineError, match="inside_audio"):
        validate(faulty / EXTRACTED, tmp_path / VERDICTS, tmp_path / DATA_DOCS, SETTINGS)
    assert written(faulty) == written(tmp_path)


@pytest.mark.slow
def test_results_have_a_verdict_on_every_expectation_and_the_pages_need_no_internet(tmp_path):
    corpus = clean()
    row = corpus.put("cycles", 3, end_s=10.6, duration_s=2.6)
    corpus.put("recordings", 1, clipped_fraction=0.2)
    store(corpus, tmp_path / EXTRACTED)
    returned = validate(tmp_path / EXTRACTED, tmp_path / VERDICTS, tmp_path / DATA_DOCS, SETTINGS)
    read = json.loads((tmp_path / VERDICTS).read_text())
    assert read == returned
    assert read["success"]
    assert read["totals"] == {"expectations": len(read["expectations"]), "holding": 107, "warnings": 1, "errors": 0}
    [warning] = [one for one in read["expectations"] if not one["success"]]
    assert (warning["suite"], warning["name"], warning["severity"]) == ("recordings", "quality_clipping", "warning")
    assert (warning["columns"], warning["rows"], warning["unexpected"]) == (["clipped_fraction"], 6, 1)
    assert warning["first"] == ["101_2b1_Tc_mc_AKGC417L"]
    assert row == "101_1b1_Al_sc_Meditron_003"  # within the tolerance: no cycle after it
    pages = {path.name: path.read_text() for path in (tmp_path / DATA_DOCS).iterdir()}
    assert sorted(pages) == ["cycles.html", "index.html", "recordings.html"]
    assert "quality_clipping" in pages["index.html"]
    assert "0.2</div>" in pages["recordings.html"]
    assert not re.search(r"https?:|<script|<link|@import|url\(", "".join(pages.values()))


@pytest.mark.slow  # validates twice: 3 s
def test_a_family_can_be_made_a_warning_or_an_error(faulty, tmp_path):
    lenient = replace(SETTINGS, severity=replace(SETTINGS.severity, times="warning", references="warning"))
    found = validate(faulty / EXTRACTED, tmp_path / VERDICTS, tmp_path / DATA_DOCS, lenient)
    assert found["totals"]["errors"] == 0
    strict = replace(lenient, severity=replace(lenient.severity, oddities="error"))
    with pytest.raises(BreathlineError, match=r"^1 required expectation does not hold:\n- recordings.name_in_split"):
        validate(faulty / EXTRACTED, tmp_path / VERDICTS, tmp_path / DATA_DOCS, strict)


def test_tables_of_other_columns_or_types_are_refused(tmp_path):
    corpus = clean()
    store(corpus, tmp_path)
    other = corpus.arrow("cycles").drop_columns("fold").rename_columns({"start_s": "start"})
    write_table(tmp_path / "cycles.parquet", other)
    with pytest.raises(BreathlineError, match=r"fold \(int8\), start \(double\), start_s \(double\)"):
        validate(tmp_path, tmp_path / VERDICTS, tmp_path / DATA_DOCS, SETTINGS)
    assert not (tmp_path / VERDICTS).exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"severity": {"names": "error"}}, "validate.severity.required is missing"),
        (
            {"severity": asdict(SETTINGS.severity) | {"times": "fatal"}},
            'times is "fatal"; allowed: error, warning',
        ),
        ({"max_clipped_fraction": 0.1}, "validate.max_clipped_fraction is unknown"),
    ],
)
def test_wrong_settings_are_named(change, message):
    with pytest.raises(BreathlineError, match=message):
        params.parse(CheckSettings, asdict(SETTINGS) | change, "validate")


@pytest.mark.slow
def test_every_family_has_checks():
    tables = clean()
    verdicts, _ = run(tables.frames(), tables.suites(), SETTINGS.severity)
    assert {verdict.family for verdict in verdicts} == set(Severity.__annotations__) - {"__pydantic_config__"}


@pytest.mark.slow
def test_the_stage_opens_no_connection(tmp_path, monkeypatch):
    opened: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: opened.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: opened.append(host) or [])
    monkeypatch.delenv("GX_ANALYTICS_ENABLED", raising=False)  # releases since 1.24 do not read it
    store(clean(), tmp_path / EXTRACTED)
    validate(tmp_path / EXTRACTED, tmp_path / VERDICTS, tmp_path / DATA_DOCS, SETTINGS)
    assert opened == []


@pytest.mark.slow
def test_only_the_checks_import_great_expectations_and_its_analytics_are_off():
    importing = set()
    for path in (path for package in ("cli", "flows", "models", "tasks") for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            if any(module.split(".")[0] == "great_expectations" for module in modules):
                importing.add(path.relative_to(ROOT).parent.as_posix())
    assert importing == {"tasks/checks"}
    assert gx.context().variables.analytics_enabled is False


@pytest.mark.slow
@pytest.mark.real
def test_the_complete_database_passes_with_warnings(real_icbhi):
    """All annotations and metadata, with invented measures of sound, since few recordings are available."""
    measures = {**dict.fromkeys(schemas.QUALITY, 0.01), "sample_rate": 4000, "subtype": "PCM_16", "bit_depth": 16}
    recordings, cycles, metadata = complete_tables(real_icbhi, **measures, channels=1)
    checked = Tables(recordings, cycles, {"missing": list(metadata.missing)}, facts_of(icbhi.COMPLETE))
    verdicts, _ = run(checked.frames(), checked.suites(), SETTINGS.severity)
    failing = {verdict.name: verdict for verdict in verdicts if not verdict.success}
    assert {name: verdict.severity for name, verdict in failing.items() if verdict.severity == "error"} == {}
    # Of nine the body size is unknown: seven of whom nothing is known, and two of whom only the weight is.
    unknown = {"age_known": 1, "sex_known": 1, "body_size_known": 9}
    others = {"name_in_split_right": 1, "patients_disjoint": 2, "not_short": 41, "not_long": 15}
    assert {name: verdict.distinct for name, verdict in failing.items()} == unknown | others
    assert failing["patients_disjoint"].first == ["156", "218"]
