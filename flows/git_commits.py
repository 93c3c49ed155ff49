"""Git commits of the working tree, made without a change of index, branch or files.

A remote worker checks out such a commit. The tag of a model's version points at such a commit. So Git keeps exactly the
code that ran.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from lineage.git import ask_git, git

AUTHOR = {"NAME": "Breathline", "EMAIL": "breathline@localhost"}


def commit_working_tree(root: Path, message: str, *, extra_files: Sequence[str] = ("dvc.lock",)) -> str:
    """Commit tracked and added files of the working tree, and some other files, on top of HEAD.

    Args:
        root: Folder of the project, the top of a Git repository.
        message: Message of the commit.
        extra_files: Paths of files that Git may ignore or not track yet; missing files are left out.

    Returns:
        Full id of the new commit, or of HEAD if nothing differs. No ref points at a new commit: Git's garbage
        collection will remove it unless it is tagged or pushed.

    Raises:
        BreathlineError: The folder is no Git repository, or has no commit.
    """
    head = git(root, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    with tempfile.TemporaryDirectory(prefix="breathline-index-") as folder:
        copied = Path(folder) / "index"
        index = {"GIT_INDEX_FILE": str(copied)}
        own = root / git(root, "rev-parse", "--git-path", "index")
        if own.is_file():
            shutil.copyfile(own, copied)  # with files that are added and not committed yet
        else:
            git(root, "read-tree", head, env=index)
        git(root, "add", "--update", "--", ".", env=index)
        found = [name for name in extra_files if (root / name).is_file()]
        if found:
            git(root, "add", "--force", "--", *found, env=index)
        tree = git(root, "write-tree", env=index)
    if tree == git(root, "rev-parse", f"{head}^{{tree}}"):
        return head
    return git(root, "commit-tree", tree, "-p", head, "-m", message, env=author_environment(root))


def author_environment(root: Path) -> dict[str, str]:
    """Return Git's variables for the author of a commit or tag: the configured user, else Breathline.

    On a worker, Git may have no user configured.
    """
    found = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in AUTHOR.items()}
    for key, what in (("user.name", "NAME"), ("user.email", "EMAIL")):
        if value := ask_git(root, "config", key):
            found |= {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")}
    return found | {key: value for key, value in os.environ.items() if key.startswith(("GIT_AUTHOR", "GIT_COMMITTER"))}
