"""Zero-byte and cut artifacts ended stages and commands with tracebacks of libraries."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.errors import BreathlineError
from tests.pipeline import in_process
from tests.unit.tasks import damaged
from tests.unit.tasks.damaged import DAMAGES
from tests.unit.tasks.misfits import READERS, misfits

ICBHI = CorpusFolders("training", "icbhi")
# Text is valid wherever it ends: only its hash, which DVC compares, tells that it is cut.
READABLE = {("wav", "cut"), ("txt", "empty"), ("txt", "cut"), ("", "cut"), ("csv", "cut")}
# Artifacts in the deps of a stage that it does not read, and why.
UNREAD = {
    ("fbank", artifacts.VERDICTS): "a gate: `validate` has ended well if it is there",
    ("soft_labels", "history.csv"): "of a teacher, beside its weights",
    ("explain", "history.csv"): "of a model, beside its weights",
    ("export", "history.csv"): "of a model, beside its weights",
    ("report", "history.csv"): "of a model, beside its card; the table of the plot has it",
    ("report", "*.safetensors"): "of a model, beside its card",
    ("report", artifacts.EXTERNAL_CORPORA): "beside the tables of the external corpora, which the metrics name",
    ("report", artifacts.EXTERNAL_VALIDATED): "beside the verdicts of the external corpora, which the metrics name",
    ("report", artifacts.EMBEDDINGS): "read where embeddings were measured (tests/unit/tasks/reporting)",
}


@pytest.fixture(scope="module")
def project(small_project, tmp_path_factory) -> Path:
    return damaged.build(small_project, tmp_path_factory.mktemp("damaged") / "project")


def unread(stage: str, artifact: artifacts.Artifact) -> bool:
    group = stage.partition("@")[0]
    return bool({(group, artifact.pattern), (group, artifact.pattern.name)} & UNREAD.keys())


@contextmanager
def damaging(path: Path, damage: str) -> Iterator[None]:
    """Damage a file within the block."""
    whole = path.read_bytes()
    try:
        DAMAGES[damage](path)
        yield
    finally:
        path.write_bytes(whole)


def check_stage(project: Path, stage: str, file: Path, damage: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Assert that a stage ends with an error that names the file and the next step."""
    with damaging(project / file, damage), pytest.raises(SystemExit) as ended:
        in_process.run(stage)
    printed = capfd.readouterr().err
    case = f"{stage}, {file}, {damage}:\n{printed}"
    assert ended.value.code == 1, case
    named = file.stem if file.parent == ICBHI.raw / artifacts.AUDIO else str(file)  # a recording is named by its id
    assert named in "".join(printed.split()), case
    assert "next:" in printed, case
    assert "Traceback" not in printed, case


def cases(project: Path) -> Iterator[tuple[str, Path, str]]:
    """Yield stage, file and damage of each case, by the catalogue."""
    for stage, artifact, file in damaged.inputs(project):
        for damage in DAMAGES:
            drawn = stage != "report" or file.name != "confusion.csv"  # DVC alone draws it
            if drawn and not unread(stage, artifact) and (artifact.format, damage) not in READABLE:
                yield stage, file, damage


@pytest.fixture
def inside(project, monkeypatch) -> Path:
    monkeypatch.chdir(project)
    return project


@pytest.mark.slow
def test_each_artifact_that_a_stage_reads_is_named_when_it_is_damaged(inside, capfd):
    """One kind of damage for each artifact and stage; all kinds, and the slow `report`, are in the long test."""
    damages = itertools.cycle(DAMAGES)
    quick = (case for case in cases(inside) if case[0] != "report")
    for _, group in itertools.groupby(quick, key=lambda case: case[:2]):
        wanted = next(damages)
        found = list(group)
        stage, file, damage = next((case for case in found if case[2] == wanted), found[0])
        check_stage(inside, stage, file, damage, capfd)


@pytest.mark.long  # about 200 starts of a stage
@pytest.mark.timeout(1800)
def test_each_kind_of_damage_of_each_artifact_is_named(inside, capfd):
    for stage, file, damage in cases(inside):
        check_stage(inside, stage, file, damage, capfd)


@pytest.mark.parametrize("file", READERS)
def test_a_whole_file_with_other_content_is_named(inside, file):
    reader, path = READERS[file], Path(file)
    reader.read()
    whole = path.read_bytes()
    for name, change in misfits(path, reader):
        try:
            change(path)
            with pytest.raises(BreathlineError) as caught:
                reader.read()
        except BaseException as error:
            error.add_note(f"{file}: {name}")
            raise
        finally:
            path.write_bytes(whole)
        error = caught.value
        # Where an array and its index do not belong together, the index is named.
        named = {path, path.with_name("index.parquet")} if path.suffix == ".npy" else {path}
        assert Path(str(error.where)) in named, f"{name}: {error}"
        assert "checkout" in str(error.hint) or "extract" in str(error.hint), f"{name}: {error}"
        assert len(str(error)) < 1000, f"{name}: {error}"


CYCLE, RECORDING = "105_1b1_Tc_sc_Meditron_000", "data/raw/icbhi/audio/105_1b1_Tc_sc_Meditron.wav"
TRACED = ("score", CYCLE, "patient:102", "data/student/1", "fbank@icbhi-ast", "data/soft_labels/soft_labels.parquet")
COMMANDS = {
    "report": ["report"],
    **{f"trace {what}": ["audit", "trace", what] for what in TRACED},
    "manifest": ["audit", "manifest"],
    "verify": ["audit", "verify"],
    "diff": ["audit", "diff", ".", "."],
    "absent": ["audit", "absent", "patient:101", "--before", "."],
    **{
        f"export {kind}": ["audit", "export", kind, "--out", "exported"]
        for kind in ("openlineage", "prov", "croissant", "in-toto", "cyclonedx", "model-card", "data-card")
    },
    "predict": ["predict", RECORDING, "--model", "data/student"],
}


def check_command(project: Path, command: str, file: Path, damage: str) -> str:
    """Assert that a command has no traceback, and that its error, if it has one, names the file; return the output."""
    with damaging(project / file, damage):
        done = CliRunner().invoke(app, COMMANDS[command])
    case = f"{command}, {file}, {damage}: {done.output}"
    assert done.exception is None or isinstance(done.exception, SystemExit), f"{case}\n{done.exc_info}"
    if "Error: " in done.output:
        missing_record = file.parent == artifacts.RECORDS and damage == "missing"  # its stage has not run yet
        assert missing_record or file.name in "".join(done.output.split()), case
    return done.output


@pytest.mark.parametrize(
    ("command", "file"),
    [
        ("report", artifacts.METRICS),
        ("trace score", artifacts.METRICS),
        ("trace score", artifacts.RECORDS / "evaluate.json"),
        ("trace patient:102", artifacts.RECORDINGS),
        (f"trace {CYCLE}", artifacts.CYCLES),
        (f"trace {CYCLE}", artifacts.PREDICTIONS),
        (f"trace {CYCLE}", ICBHI.tables / artifacts.CORPUS.name),
        ("manifest", ICBHI.raw / artifacts.SOURCE),
    ],
)
def test_the_artifact_that_a_command_needs_is_named(inside, command, file):
    for damage in DAMAGES.keys() - {"missing"}:  # a missing one may not be made yet
        assert "Error: " in check_command(inside, command, file, damage), damage


def of_commands(project: Path) -> list[Path]:
    """Return a file of each artifact of the catalogue, and the record of each kind of stage."""
    files = [next(iter(sorted(project.glob(str(one.pattern)))), None) for one in artifacts.CATALOGUE]
    records = {path.stem.partition("@")[0]: path for path in sorted(project.glob(f"{artifacts.RECORDS}/*.json"))}
    return [path.relative_to(project) for path in (*files, *records.values()) if path is not None]


@pytest.mark.long  # about 700 commands
@pytest.mark.timeout(3600)
def test_no_command_ends_with_a_traceback(inside):
    damages = itertools.cycle(DAMAGES)
    for file, command in itertools.product(of_commands(inside), COMMANDS):
        check_command(inside, command, file, next(damages))
