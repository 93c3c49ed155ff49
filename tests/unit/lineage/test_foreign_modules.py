"""Modules from outside of the project: refused unless allowed, then recorded."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from lineage import events, foreign_modules, record, recorder
from lineage.verify import stage_modules
from lineage.verify.audited_project import AuditedProject
from tasks.runtime.errors import BreathlineError
from tasks.runtime.files import sha256
from tests import toy

ROOT = Path(__file__).parents[3]
ACCEPTED, SO_FAR = foreign_modules.accepted, foreign_modules.so_far  # tests/conftest.py replaces them
STANDARD = Path(sysconfig.get_path("stdlib"))


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Return a function that imports files, by name of the module, for a project in `tmp_path/project`."""
    (tmp_path / "project/tasks").mkdir(parents=True)
    monkeypatch.delenv(foreign_modules.ALLOWED, raising=False)

    def load(**files):
        for path in files.values():
            if not path.exists() and not path.parent.is_file():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("x = 1\n")
        modules = {name: SimpleNamespace(__file__=str(path)) for name, path in files.items()}
        modules |= {"json": json, "numpy": sys.modules.get("numpy", json), "built_in": SimpleNamespace()}
        modules["torch._ops"] = SimpleNamespace(__file__="_ops.py")
        fake = SimpleNamespace(modules=modules, path=["", str(tmp_path / "path"), str(tmp_path)])
        monkeypatch.setattr(foreign_modules, "sys", fake)
        return lambda: ACCEPTED(tmp_path / "project").hashes

    return load


def test_modules_of_project_and_installation_are_not_foreign(imported, tmp_path):
    project = tmp_path / "project"
    assert (
        imported(work=project / "tasks/work.py", stage=project / "cli/stage.py", pytest=Path(pytest.__file__))() == {}
    )


FOREIGN = {
    "a folder of PYTHONPATH": "path/helper.py",
    "a folder that is only called so": "path/site-packages/helper.py",
    "another clone": "clone/tasks/helper.py",
    "the top folder of the project": "project/helper.py",
    "a folder of data": "project/data/helper.py",
}


@pytest.mark.parametrize("case", FOREIGN)
def test_a_foreign_module_is_refused_unless_its_folder_is_allowed(imported, tmp_path, monkeypatch, case):
    file = tmp_path / FOREIGN[case]
    accepted = imported(helper=file)
    with pytest.raises(BreathlineError, match="has imported `helper` from outside of the project's packages:") as error:
        accepted()
    assert error.value.where == file
    folder = error.value.hint.rpartition("=")[2]
    assert file.is_relative_to(folder)
    for allowed in (folder, os.pathsep.join(["/nowhere", str(file.parent)])):
        monkeypatch.setenv(foreign_modules.ALLOWED, allowed)
        assert accepted() == {str(file): sha256(file)}
    monkeypatch.setenv(foreign_modules.ALLOWED, str(tmp_path / "other"))
    with pytest.raises(BreathlineError, match="helper"):
        accepted()


def test_a_module_of_an_archive_is_recorded_by_the_archive(imported, tmp_path, monkeypatch):
    archive = tmp_path / "path" / "more.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("helper.py", "x = 1\n")
    monkeypatch.setenv(foreign_modules.ALLOWED, str(archive.parent))
    assert imported(helper=archive / "helper.py")() == {str(archive): sha256(archive)}


def test_several_foreign_modules_are_one_error(imported, tmp_path):
    files = {f"helper{number}": tmp_path / f"path/helper{number}.py" for number in range(5)}
    with pytest.raises(BreathlineError, match=r"`helper0`.*, and 4 more files"):
        imported(**files)()


def test_a_startup_module_is_recorded_wherever_it_is(imported, tmp_path, monkeypatch):
    installed = Path(sysconfig.get_path("purelib")) / "sitecustomize.py"
    for file in (tmp_path / "path/sitecustomize.py", tmp_path / "python3.11/usercustomize.py"):
        with pytest.raises(BreathlineError, match="customize"):
            imported(**{file.stem: file})()
    monkeypatch.setattr(foreign_modules.Path, "exists", lambda path: True)
    monkeypatch.setattr(foreign_modules.Path, "is_file", lambda path: True)
    monkeypatch.setattr(foreign_modules, "sha256", lambda path: "hash")
    with pytest.raises(BreathlineError, match="sitecustomize"):
        imported(sitecustomize=installed)()
    standard = STANDARD / "sitecustomize.py"  # as on Debian and Ubuntu
    assert imported(sitecustomize=standard)() == {str(standard): "hash"}


def test_modules_that_torch_compiles_are_not_foreign_unless_an_import_finds_them(imported, tmp_path, monkeypatch):
    """`torch.compile` loads what it generates by its path; the same folder in PYTHONPATH is another thing."""
    folder = tmp_path / "project/../../torchinductor_anna"
    monkeypatch.setenv(foreign_modules.COMPILED, str(folder))
    accepted = imported(**{"torch._inductor.runtime.compile_tasks.cab": folder / "ab/cab.py"})
    assert accepted() == {}
    foreign_modules.sys.path.append(str(folder / "ab"))
    with pytest.raises(BreathlineError, match="compile_tasks"):
        accepted()


def test_a_command_is_not_foreign_and_a_module_beside_it_is(imported, tmp_path, monkeypatch):
    installed = sysconfig.get_path
    scripts = {"scripts": str(tmp_path / "scripts")}
    monkeypatch.setattr(foreign_modules.sysconfig, "get_path", lambda name: scripts.get(name) or installed(name))
    assert imported(__main__=tmp_path / "scripts/dvc")() == {}
    with pytest.raises(BreathlineError, match="soundfile"):
        imported(soundfile=tmp_path / "scripts/soundfile.py")()


def test_packages_that_another_environment_shares_are_installed(tmp_path):
    (tmp_path / "shared.pth").write_text(f"import sys\n{tmp_path}/other/site-packages\n{tmp_path}/clone\nrelative\n")
    assert foreign_modules._shared([str(tmp_path)]) == [f"{tmp_path}/other/site-packages"]


PROBE = """if True:
    import sys
    from pathlib import Path
    from lineage import foreign_modules
    if sys.argv[1:]:
        __import__(sys.argv[1])
    print(foreign_modules.accepted(Path.cwd()).hashes)
"""


@pytest.mark.parametrize("name", ["sitecustomize", "helper", ""])
def test_python_itself_is_asked(tmp_path, name):
    """A real process imports a module of PYTHONPATH, by itself or by an import."""
    if name:
        (tmp_path / f"{name}.py").write_text("x = 1\n")
    command = [sys.executable, "-c", PROBE, *([name] if name == "helper" else [])]

    def run(**env):
        env = {**toy.ENV, "PYTHONPATH": str(tmp_path), **env}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)

    if name:
        assert f"Python has imported `{name}` from outside" in run().stderr
        assert f"{tmp_path}/{name}.py" in run(**{foreign_modules.ALLOWED: str(tmp_path)}).stdout
    else:
        assert run().returncode == 0


@pytest.mark.slow
def test_a_stage_records_foreign_modules_and_keeps_the_work_that_imported_late_ones(small_run, tmp_path, monkeypatch):
    root = shutil.copytree(small_run, tmp_path / "project", symlinks=True)
    decided = record.read(root, "evaluate")["decisions"]
    allowed = foreign_modules.ForeignModules({"/opt/debugger.py": "0" * 64}, (), ())
    late = foreign_modules.ForeignModules({"/opt/late.py": "1" * 64}, ("/opt/late.py",), ())
    monkeypatch.setattr(foreign_modules, "accepted", lambda root: allowed)
    monkeypatch.setattr(foreign_modules, "so_far", lambda root: late)
    with recorder.recorded(root, "evaluate", decided):
        pass
    found = record.read(root, "evaluate")
    assert found["foreign"] == {"/opt/debugger.py": "0" * 64, "/opt/late.py": "1" * 64}
    assert (found["refused"], events.read(root)[-1]["status"]) == (["/opt/late.py"], "done")
    (one,) = [one for one in stage_modules.check(AuditedProject(root)) if one.kind == "module-foreign"][:1]
    assert (one.severity, one.where, one.stages) == ("error", "/opt/late.py", ("evaluate",))

    def refuse(root):
        raise BreathlineError("Python has imported `late`.")

    monkeypatch.setattr(foreign_modules, "accepted", refuse)
    with pytest.raises(BreathlineError, match="late"), recorder.recorded(root, "evaluate", decided):
        pytest.fail("the stage does not begin")
