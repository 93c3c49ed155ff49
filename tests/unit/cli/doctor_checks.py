"""Results of single checks of `breathline doctor`, and a repository for them."""

from cli.doctor import check_result
from tests import toy


def only(check, root):
    """Return the one result of a check."""
    (found,) = check_result.run([check], root)
    return found


def repository(folder):
    """Return a new Git repository with one file and no commit."""
    toy.call(folder, "git", "init", "--quiet")
    (folder / "inner").mkdir()
    (folder / "inner/params.yaml").write_text("rho: 0\n", encoding="utf-8")
    return folder


def by_topic(check, root):
    return {found.topic: found for found in check_result.run([check], root)}
