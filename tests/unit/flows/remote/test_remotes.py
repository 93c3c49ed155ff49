"""Addresses that are valid on another machine, and errors for all others."""

import pytest

from flows.remote import remotes
from tasks.runtime.errors import BreathlineError
from tests import toy


@pytest.fixture
def project(tmp_path):
    folder = toy.make(tmp_path / "project")
    toy.call(folder, "git", "remote", "add", "origin", "../origin.git")
    toy.call(folder, "dvc", "remote", "add", "--default", "store", str(tmp_path / "store"))
    return folder


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("https://user:secret@example.org/a/b.git", "https://example.org/a/b.git"),
        ("https://token@example.org:8443/b.git", "https://example.org:8443/b.git"),
        ("ssh://git@example.org:22/b.git", "ssh://git@example.org:22/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
    ],
)
def test_an_address_is_sent_without_its_secrets(project, here, there):
    toy.call(project, "git", "remote", "set-url", "origin", here)
    assert remotes.shared_remotes(project).repository == there


def test_a_local_remote_gets_an_absolute_path(project):
    (project.parent / "origin.git").mkdir()
    found = remotes.shared_remotes(project)
    assert found.repository == str(project.parent / "origin.git")
    assert (found.git, found.dvc) == ("origin", "store")


def test_remotes_that_a_worker_could_not_use_are_refused(project):
    for commands, message in (
        (["dvc remote modify store url ../store"], "relative to this clone"),
        (["dvc remote modify --local store url s3://bucket"], r"config\.local, which workers do not have"),
        (["dvc config --unset core.remote"], "no default DVC remote"),
        (["git remote rename origin here", "git remote add there ../there.git"], "none of them called origin"),
    ):
        for command in commands:
            toy.call(project, *command.split())
        with pytest.raises(BreathlineError, match=message):
            remotes.shared_remotes(project)
