"""A stage is run again from its record: equal outs, other ones, and runs that are not possible here."""

import shutil

import pytest

from lineage import events, machine
from lineage.reproduction import model_agreement
from lineage.reproduction.model_agreement import Agreement
from lineage.reproduction.run import FOLDER
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256, write_json
from tests import toy
from tests.unit.lineage.reproduction import adding


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    return adding.build(tmp_path_factory.mktemp("adding") / "project")


@pytest.fixture
def project(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "project")


COMMAND = """diff --git a/dvc.yaml b/dvc.yaml
--- a/dvc.yaml
+++ b/dvc.yaml
@@ -4 +4 @@
-    cmd: python tasks/add.py "$DVC_STAGE"
+    cmd: true"""


def recorded_on(root, cpu):
    """Let the event log say that the stage ran on a processor."""
    entries = events.read(root)
    for name in (events.LOG, events.HEAD):
        (root / name).unlink()
    start = events.append(root, {"event": "start", "stage": adding.STAGE, **machine.hardware(), "cpu": cpu})
    digest = sha256(root / f"data/lineage/{adding.STAGE}.json")
    events.append(root, {**entries[-1], "start": start, "record": digest})


@pytest.mark.parametrize("what", [adding.STAGE, "student/1", "data/student/1", "data/student/1/weights.bin"])
def test_an_untouched_run_gives_equal_bytes_and_leaves_the_project_as_it_was(project, what):
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and ".git/" not in str(path)}
    found = adding.reproduced(project, what)
    assert (found.verdict, found.files, found.differences, found.folder) == ("reproduced", 2, (), None)
    assert found.code[0].startswith("commit ")
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file() and ".git/" not in str(path)}
    assert {path for path in after if path not in before} == {project / FOLDER / f"{adding.STAGE}.lock"}
    assert all(after[path] == data for path, data in before.items())


def test_uncommitted_code_is_taken_from_the_record(project):
    extra, new = project / "tasks/extra.py", project / "tasks/new.py"
    extra.write_text("from new import FACTOR\n\n\n")
    new.write_text("FACTOR = 2\n")
    (project / "icon.bin").write_bytes(bytes(range(256)))
    toy.call(project, "git", "add", "icon.bin")
    adding.run(project)
    extra.write_text("FACTOR = 3\n")
    found = adding.reproduced(project)
    assert found.verdict == "reproduced", found
    assert "not committed" in found.code[1]
    new.unlink()
    found = adding.reproduced(project)
    assert (found.verdict, "tasks/new.py differs" in found.differences[0]) == ("not reproducible", True)


def test_an_input_comes_from_the_cache_or_else_from_an_unchanged_file(project):
    cached, file = project / ".dvc/cache", project / "data/numbers/a"
    file.write_text("1")
    assert adding.reproduced(project).verdict == "reproduced"
    file.write_text("20")
    shutil.rmtree(cached)
    assert adding.reproduced(project).verdict == "reproduced"
    file.write_text("1")
    found = adding.reproduced(project)
    assert found.verdict == "not reproducible"
    assert "data/numbers/a of train_student@1 is not here as it was" in found.differences[0]


def test_the_folder_is_kept_on_request(project):
    found = adding.reproduced(project, keep=True)
    assert (project / FOLDER / adding.STAGE / "data/student/1/weights.bin").read_text() == "42"
    assert found.folder == str(project / FOLDER / adding.STAGE)


def test_a_run_of_a_workspace_takes_its_code_from_the_repository_of_the_project(project):
    """A workspace is no Git repository: its origin names that of the project."""
    workspace = project / ".leaderboard/other"
    for name in ("tasks", "data/numbers"):
        shutil.copytree(project / name, workspace / name)
    for name in ("dvc.yaml", "requirements.lock"):
        shutil.copy(project / name, workspace)
    (workspace / "params.yaml").write_text("seeds: [1]\nfactor: 1\nother: 2\n")
    (project / ".git/info/exclude").write_text(".leaderboard\n")
    commit = toy.call(project, "git", "rev-parse", "HEAD").strip()
    origin = {"project": str(project), "prefix": "", "git": str(project / ".git"), "commit": commit, "left_out": []}
    write_json(workspace / ".lineage/origin.json", origin)
    adding.run(workspace)
    found = adding.reproduced(workspace)
    assert found.verdict == "reproduced", found
    assert "not committed" in found.code[1]


REFUSALS = {
    "no Git": (lambda found: found.update(git=None), "names no Git commit"),
    "an unknown commit": (
        lambda found: found["git"].update(commit="0" * 40),
        "No branch, tag or reflog has the commit",
    ),
    "changes that do not fit": (
        lambda found: found["git"].update(diff="--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b", diff_sha256="0" * 64),
        "do not fit its commit",
    ),
    "another module": (lambda found: found["modules"].update({"tasks/add.py": "0" * 64}), "tasks/add.py differs"),
    "another command": (lambda found: found.update(command="touch pwned"), "another command"),
    "another value": (lambda found: found["params"].update(factor=2), "another value of `factor`"),
    "an unknown key": (lambda found: found["params"].update(other=2), "other"),
    "another Python": (lambda found: found["environment"].update(python="2.7.18"), "Python: 2.7.18 →"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_run_is_refused_if_its_code_or_environment_is_not_here(project, case):
    edit, words = REFUSALS[case]
    adding.change(project, edit)
    found = adding.reproduced(project)
    assert (found.verdict, words in found.differences[0]) == ("not reproducible", True), found
    assert found.hint


def test_a_commit_that_no_branch_holds_is_refused(project):
    toy.call(project, "git", "commit", "--quiet", "--amend", "--allow-empty", "-m", "Other words")
    assert adding.reproduced(project).verdict == "reproduced"  # the reflog still has it
    toy.call(project, "git", "reflog", "expire", "--expire=now", "--all")
    assert adding.reproduced(project).verdict == "not reproducible"


def test_other_packages_are_allowed_on_request_and_told(project):
    adding.change(project, lambda found: found["environment"].update(python="2.7.18"))
    found = adding.reproduced(project, anyway=True)
    assert (found.verdict, found.conditions[0][:14]) == ("reproduced", "Python: 2.7.18")


def test_a_failing_command_is_no_contradiction(project, monkeypatch):
    monkeypatch.setenv("NOISE", "none")
    found = adding.reproduced(project)
    assert found.verdict == "not reproducible"
    assert "failed with status 1" in found.differences[0]
    assert "invalid literal" in found.differences[0]


BINARY = """diff --git a/data/student/1/weights.bin b/data/student/1/weights.bin
new file mode 100644
--- /dev/null
+++ b/data/student/1/weights.bin
@@ -0,0 +1 @@
+99
\\ No newline at end of file"""
FORGED = {
    "the command, and the outs among the changes": lambda found: (
        found["git"].update(diff=f"{COMMAND}\n{BINARY}", diff_sha256="0" * 64),
        found.update(command="true"),
    ),
    "the outs among the untracked files": lambda found: found["git"].update(
        untracked={"data/student/1/weights.bin": found["outputs"][0]["files"][1]["sha256"]}
    ),
    "the outs among the inputs": lambda found: found["inputs"].append(
        {"path": "data/student/1/weights.bin", "sha256": found["outputs"][0]["files"][1]["sha256"]}
    ),
    "an input outside of the project": lambda found: found["inputs"].append(
        {"path": "../pwned", "sha256": found["inputs"][0]["files"][0]["sha256"]}
    ),
}


@pytest.mark.parametrize("case", FORGED)
def test_outs_come_from_the_run_alone_and_files_stay_in_the_folder(project, case):
    adding.exchange(project)
    adding.change(project, FORGED[case])
    recorded_on(project, machine.hardware()["cpu"])
    assert adding.reproduced(project).verdict in ("differs", "not reproducible")
    assert not list(project.rglob("pwned"))


def test_unknown_hardware_is_no_reason_for_the_tolerance(project, monkeypatch):
    adding.exchange(project)
    adding.change(project, lambda found: found.update(note="a record that the log does not have"))
    monkeypatch.setattr(model_agreement, "agreement", lambda *_: Agreement(cycles=9, mean=0.01, changed=0.01))
    found = adding.reproduced(project)
    assert (found.verdict, "hardware of the run is not in the event log" in found.differences[0]) == (
        "not reproducible",
        True,
    )
    assert adding.reproduced(project, anyway=True).verdict == "within tolerance"


def test_a_model_replaced_along_with_its_record_is_found(project):
    adding.exchange(project)
    recorded_on(project, machine.hardware()["cpu"])
    found = adding.reproduced(project)
    assert found.verdict == "differs"
    assert found.differences[0].startswith("data/student/1/weights.bin: SHA-256 ")
    assert (project / FOLDER / adding.STAGE).is_dir()


def test_a_model_replaced_without_its_record_is_found(project):
    (project / "data/student/1/weights.bin").write_text("99")
    found = adding.reproduced(project)
    assert (found.verdict, "not the one that the record names" in found.differences[0]) == ("differs", True)


def test_other_decisions_and_files_are_found(project):
    adding.change(project, lambda found: found["decisions"].update(total=43))
    adding.change(project, lambda found: found["outputs"][0]["files"].append({"path": "data/x", "sha256": "0" * 64}))
    assert adding.reproduced(project).differences == (
        "data/x: the run made it, the reproduction did not",
        "record: other decisions (total)",
    )


@pytest.mark.parametrize(
    ("mean", "changed", "verdict"),
    [(0.01, 0.02, "within tolerance"), (0.06, 0.02, "differs"), (0.01, 0.06, "differs")],
)
def test_weights_of_other_hardware_are_compared_by_predictions(project, monkeypatch, mean, changed, verdict):
    recorded_on(project, "another processor")
    monkeypatch.setenv("NOISE", "1")
    monkeypatch.setattr(model_agreement, "agreement", lambda *_: Agreement(cycles=9, mean=mean, changed=changed))
    adding.change(project, lambda found: found["decisions"].update(total=42))
    found = adding.reproduced(project)
    assert found.verdict == verdict
    assert found.conditions[0].startswith("processor: another processor →")
    assert "predictions of 9 validation and test cycles" in found.differences[-1]


def test_unsteady_training_on_the_same_hardware_is_a_contradiction(project, monkeypatch):
    monkeypatch.setenv("NOISE", "1")
    assert (adding.reproduced(project).verdict, adding.reproduced(project).conditions) == ("differs", ())


def test_a_stage_does_not_reproduce_a_stage(project, monkeypatch):
    monkeypatch.setenv("DVC_STAGE", "evaluate")
    with pytest.raises(BreathlineError, match="cannot reproduce"):
        adding.reproduced(project)
