"""Line ends in a clone with `core.autocrlf=true`: CRLF changed the hashes of all deps, and every stage ran again."""

import io

import pytest
from ruamel.yaml import YAML

from tasks.runtime import params
from tests import toy


@pytest.mark.slow
def test_a_clone_with_autocrlf_has_the_same_bytes(tmp_path):
    project, clone = toy.checkout(toy.ROOT, tmp_path / "project"), tmp_path / "clone"
    kept = {
        "corpus/101.wav": b"RIFF\r\n\n\0",
        "corpus/101.txt": b"0.0\t1.0\t0\t0\r\n",
        "corpus/102.txt": b"0.0\t1.0\t0\t0\n",
    }
    for name, content in kept.items():
        (project / name).parent.mkdir(exist_ok=True)
        (project / name).write_bytes(content)
    toy.call(project, "git", "add", "--force", "corpus")  # .gitignore names sound files
    toy.commit(project, "start")
    toy.call(tmp_path, "git", "-c", "core.autocrlf=true", "clone", "--quiet", str(project), str(clone))
    names = toy.call(project, "git", "ls-files", "-z").split("\0")[:-1]
    assert len(names) > 500
    assert kept.keys() <= set(names)
    assert not [name for name in names if (clone / name).read_bytes() != (project / name).read_bytes()]
    texts = [name for name in names if name not in kept and not name.endswith(".webp")]
    assert not [name for name in texts if b"\r" in (project / name).read_bytes()]


def test_parameters_that_an_editor_saved_with_crlf_have_the_same_values(tmp_path):
    text = (toy.ROOT / "params.yaml").read_bytes()
    (tmp_path / "params.yaml").write_bytes(text.replace(b"\n", b"\r\n"))
    assert params.read(tmp_path / "params.yaml") == YAML(typ="safe").load(io.BytesIO(text))
