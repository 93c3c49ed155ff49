"""Versions of a toy model: tags as DVC and GTO read them, refusals, and files of a version."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
from dvc.repo import Repo

from flows import gto_tags, registry
from lineage import anchors, events
from tasks.runtime.errors import BreathlineError
from tests import toy

GRAPH = """\
stages:
  train:
    foreach: [1, 2]
    do:
      cmd: >-
        mkdir -p data/student/${item} && echo '{"seed":${item}}' > data/student/${item}/model.json &&
        cp src.txt data/student/${item}/val.safetensors
      deps: [src.txt]
      outs: ["data/student/${item}"]
  evaluate:
    cmd: >-
      mkdir -p reports &&
      echo '{"val":{"student":{"score_strict":'$(cat src.txt)',"score_lenient":70}}}' > reports/scores.json
    deps: [data/student]
    metrics:
      - reports/scores.json: {cache: false}
artifacts:
  student: {path: data/student, type: model}
"""

pytestmark = pytest.mark.slow


def train(folder: Path, score: str) -> None:
    (folder / "src.txt").write_text(f"{score}\n")
    toy.call(folder, "dvc", "repro", "--quiet")


def tags(folder: Path) -> list[str]:
    return toy.call(folder, "git", "tag", "--list", "--sort=taggerdate").split()


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Return a project with two versions of a model: the first in staging, the second in production."""
    folder = toy.make(tmp_path_factory.mktemp("registry") / "project", GRAPH)
    toy.call(folder, "dvc", "remote", "add", "--quiet", "--default", "store", str(folder.parent / "store"))
    (folder / ".gitignore").write_text("/data/\n/reports/\n")
    toy.commit(folder, "start")
    train(folder, "51.5")
    registry.promote(folder, stage="staging")
    train(folder, "54.25")
    before = toy.call(folder, "git", "status", "--porcelain", "--branch")
    registry.promote(folder)
    assert toy.call(folder, "git", "status", "--porcelain", "--branch") == before, "versions stand beside the branch"
    return folder


@pytest.fixture
def project(made, tmp_path) -> Path:
    return shutil.copytree(made, tmp_path / "project", symlinks=True)


def test_versions_are_tags_in_gtos_format_on_commits_that_dvc_can_read(made):
    assert tags(made) == ["student@v1.0.0", "student#staging#1", "student@v1.1.0", "student#production#2"]
    first, second = registry.versions(made)
    assert (str(first), first.stages) == ("student@v1.0.0", ("staging",))
    assert first.scores["val.student.score_strict"] == 51.5
    assert (str(second), second.stages) == ("student@v1.1.0", ("production",))
    tag = toy.call(made, "git", "tag", "--list", "student@v1.1.0", "--format=%(objecttype) %(contents:subject)")
    assert tag == "tag student v1.1.0: strict Score 54.25, lenient Score 70.00\n"
    held = toy.call(made, "git", "ls-tree", "-r", "--name-only", second.commit).split()
    assert set(held) >= {"dvc.yaml", "dvc.lock", "params.yaml", "reports/scores.json", "src.txt"}
    assert not [name for name in held if name.startswith("data/")]


def test_a_version_and_its_registry_stage_hold_an_anchor_of_the_event_log(project):
    assert list(anchors.read(project)) == [], "the toy has no log"
    for stage in ("pool", "evaluate"):
        events.append(project, {"event": "start", "stage": stage})
    commit = toy.call(project, "git", "rev-parse", "HEAD").strip()
    gto_tags.register(project, "student", "v2.0.0", commit, "student v2.0.0")
    registry.assign(project, "student@v2.0.0", "staging")
    first, last = events.read(project)
    found = list(anchors.read(project))
    assert {one.tag for one in found} == {"student@v2.0.0", "student#staging#3"}
    assert {(one.log, one.number, one.digest) for one in found} == {(first["hash"], 2, last["hash"])}
    subject = toy.call(project, "git", "tag", "--list", "student@v2.0.0", "--format=%(contents:subject)")
    assert subject == "student v2.0.0\n"
    assert str(registry.find(project, "student#staging")) == "student@v2.0.0", "GTO reads the tags as before"


@pytest.mark.parametrize(("asked", "score"), [(["--rev", "v1.0.0"], "51.5"), (["--stage", "production"], "54.25")])
def test_dvc_gets_the_files_of_a_version(made, tmp_path, asked, score):
    toy.call(tmp_path, "dvc", "artifacts", "get", str(made), "student", *asked, "--out", "got")
    assert (tmp_path / "got" / "2" / "val.safetensors").read_text().strip() == score


def test_an_older_version_goes_back_into_a_stage_and_dvc_and_gto_agree(project):
    older, _ = registry.versions(project)
    assert registry.assign(project, str(older), "production").stages == ("production", "staging")
    assert tags(project)[-2:] == ["student#production!#3", "student#production#4"]
    assert [one.stages for one in registry.versions(project)] == [("production", "staging"), ()]
    with Repo(str(project)) as repo:
        assert repo.artifacts.get_rev("student", stage="production") == older.commit
    registry.assign(project, "student@v1.1.0", "production")
    assert [one.stages for one in registry.versions(project)] == [("staging",), ("production",)]
    with pytest.raises(BreathlineError, match="is already in production"):
        registry.assign(project, "student@v1.1.0", "production")
    with pytest.raises(BreathlineError, match="`in use` is no valid name"):
        registry.assign(project, "student@v1.1.0", "in use")


def test_numbers_rise_and_a_removed_number_is_not_used_again(project):
    commit = registry.versions(project)[-1].commit
    toy.call(project, "git", "tag", "-a", "-m", "withdrawn", "student@v1.1.0!#9", commit)
    assert [one.version for one in registry.versions(project)] == ["v1.0.0"]
    found = gto_tags.read(project, "student")
    numbers = [gto_tags.next_version(found, bump) for bump in ("major", "minor", "patch")]
    assert numbers == ["v2.0.0", "v1.2.0", "v1.1.1"]
    assert gto_tags.next_version(None, "major") == "v1.0.0"


def test_release_checks_refuse_a_version(project):
    with pytest.raises(BreathlineError, match="The model is unchanged since student@v1"):
        registry.promote(project)
    verdict = project / "data" / "validation" / "demo" / "results.json"
    verdict.parent.mkdir(parents=True)
    verdict.write_text(json.dumps({"success": False}))
    with pytest.raises(
        BreathlineError, match=r"The validation of the corpus demo failed(.|\n)*data_docs/demo/index.html"
    ):
        registry.promote(project)
    verdict.write_text(json.dumps({"success": True}))
    toy.call(project, "git", "rm", "--quiet", "--cached", "src.txt")
    with pytest.raises(BreathlineError, match=r"Git does not know(.|\n)*where: src.txt"):
        registry.promote(project)
    toy.call(project, "git", "add", "src.txt")
    given = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(given + "corpora:\n  mine:\n    table: {file: corpora/mine.csv}\n")
    (project / "corpora").mkdir()
    (project / "corpora" / "mine.csv").touch()  # of own recordings: a dep of no stage
    with pytest.raises(BreathlineError, match=r"Git does not know(.|\n)*where: corpora/mine.csv"):
        registry.promote(project)
    (project / "params.yaml").write_text(given)
    (project / "src.txt").write_text("60\n")
    with pytest.raises(BreathlineError, match="train@1, train@2, evaluate"):
        registry.promote(project)
    assert len(tags(project)) == 4


def test_a_model_is_found_by_each_of_its_names_and_the_project_does_not_change(project):
    older, newer = registry.versions(project)
    (project / "src.txt").write_text("99\n")
    before = {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()}
    first = ("student@v1.0.0", "student#staging", older.commit[:12])
    second = ("student#production", "student", "student@v1.1.0^{commit}", "data/student", "data/student/1")
    for what, score in (dict.fromkeys(first, "51.5") | dict.fromkeys(second, "54.25")).items():
        folder = registry.fetch(project, what)
        assert (folder / "val.safetensors").read_text().strip() == score, what
        assert json.loads((folder / "model.json").read_text())["seed"] == 1
    assert json.loads((registry.fetch(project, "student", seed=2) / "model.json").read_text())["seed"] == 2
    assert registry.resolve(project, "student").label == f"{newer} (production)"
    assert {path: path.read_bytes() for path in (project / "data").rglob("*") if path.is_file()} == before


def test_a_damaged_copy_of_a_version_is_made_again_and_a_damaged_cache_is_refused(project):
    weights = registry.fetch(project, "student@v1.0.0") / "val.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(b"X" + content[1:])
    assert (registry.fetch(project, "student@v1.0.0") / "val.safetensors").read_bytes() == content

    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    (cached,) = (project / ".dvc/cache").rglob(md5[2:])
    cached.chmod(0o644)
    cached.write_bytes(b"X" + content[1:])
    shutil.rmtree(project / ".dvc/tmp/models")
    with pytest.raises(BreathlineError, match=r"a damaged file of student at(.|\n)*delete this file") as refused:
        registry.fetch(project, "student@v1.0.0")
    assert Path(str(refused.value.where)) == cached


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("student@v7.0.0", "student@v7.0.0 does not exist"),
        ("student#test", "student#test does not exist"),
        ("nonsense", "no version, no Git revision and no folder"),
    ],
)
def test_the_error_for_an_unknown_version_lists_the_versions(made, what, message):
    with pytest.raises(BreathlineError, match=message) as refused:
        registry.fetch(made, what)
    assert refused.value.hint == "versions: student@v1.0.0 #staging, student@v1.1.0 #production"
    with pytest.raises(BreathlineError, match=r"no model of seed 7(.|\n)*seeds: 1, 2"):
        registry.fetch(made, "student", seed=7)


def test_another_clone_gets_the_model_from_the_remote_after_a_move(made, project, tmp_path):
    clone, old, new = tmp_path / "clone", made.parent / "store", tmp_path / "moved"
    toy.call(tmp_path, "git", "clone", "--quiet", str(project), str(clone))
    with pytest.raises(BreathlineError, match=r"Neither DVC's cache nor its remote(.|\n)*dvc push --all-tags"):
        registry.fetch(clone, "student@v1.0.0")
    toy.call(project, "dvc", "push", "--quiet", "--all-tags")
    old.rename(new)
    toy.call(clone, "dvc", "remote", "modify", "store", "url", str(new))
    before = toy.call(clone, "git", "status", "--porcelain")
    folder = registry.fetch(clone, "student@v1.0.0")
    assert (folder / "val.safetensors").read_text() == "51.5\n"
    assert toy.call(clone, "git", "status", "--porcelain") == before
