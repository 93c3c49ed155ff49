"""Line ends in a clone with `core.autocrlf=true`: CRLF changed the hashes of all deps, and every stage ran again."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


def test_a_clone_with_autocrlf_has_the_same_bytes(tmp_path):
    project, clone = tmp_path / "project", tmp_path / "clone"
    project.mkdir()
    for name in (".gitattributes", "params.yaml", "dvc.yaml", "tasks/evaluate.py"):
        (project / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, project / name)
    (project / "a.wav").write_bytes(b"RIFF\r\n\n\0")
    git(project, "init")
    git(project, "add", "--all")
    git(project, "commit", "-m", "a")
    git(tmp_path, "-c", "core.autocrlf=true", "clone", str(project), str(clone))
    for path in project.rglob("*.*"):
        if path.is_file() and ".git/" not in str(path):
            assert (clone / path.relative_to(project)).read_bytes() == path.read_bytes(), path
