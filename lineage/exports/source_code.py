"""Addresses of the source code: the Git remote of a project, a commit and a file in it."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import quote, urlsplit

from lineage.git import address_without_password, ask_git, prefix

WEB = ("http", "https")
# Git's short form of an SSH address, such as ``git@github.com:owner/project.git``.
SHORT_SSH = re.compile(r"(?P<host>([^@/:]+@)?[^@/:]+):(?P<path>[^/].*)")
FORGES = ("github.com", "gitlab.com")  # hosts that show a file of a commit at /blob/COMMIT/PATH
BRANCH = re.compile(r"refs/remotes/[^/]+/(?!HEAD$)(.+)")


@dataclass(frozen=True)
class Repository:
    """The Git repository of a project, as others can reach it."""

    root: Path  # root of the project

    @cached_property
    def url(self) -> str | None:
        """The URL of the Git remote `origin`, or of the only remote, without a password.

        None without a remote, and for a remote in a local folder, which others cannot reach.
        """
        names = (ask_git(self.root, "remote") or "").split()
        name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
        given = ask_git(self.root, "remote", "get-url", name) if name else None
        if not given:
            return None
        if "://" not in given and (short := SHORT_SSH.fullmatch(given)):
            given = f"ssh://{short['host']}/{quote(short['path'])}"
        address = address_without_password(given)
        parts = urlsplit(address or "")
        if parts.scheme == "ssh" and parts.hostname in FORGES:
            address = f"https://{parts.hostname}{parts.path}"  # the same repository, as slsa-verifier names it
        elif address is None or parts.scheme not in WEB:
            return address
        # The web address of a repository, as slsa-verifier compares it, has no `.git`.
        return address.rstrip("/").removesuffix(".git")

    def uri(self, commit: str) -> str | None:
        """Return the URI of a commit, such as ``git+https://host/owner/project@refs/heads/main``.

        The ref is a branch of the remote that has the commit, or a tag of it. Without either, it is the commit itself.
        An `@` in a tag is encoded, since readers of the URI search the first one.
        """
        return None if self.url is None else f"git+{self.url}@{self._ref(commit) or commit}"

    def file_url(self, commit: str, path: str) -> str | None:
        """Return the URL of a file of the project at a commit."""
        inside = quote(f"{self._prefix}{path}")
        if self.url is None:
            return None
        if urlsplit(self.url).hostname in FORGES and urlsplit(self.url).scheme in WEB:
            return f"{self.url}/blob/{commit}/{inside}"
        return f"git+{self.url}@{commit}#{inside}"

    @cached_property
    def _prefix(self) -> str:
        return prefix(self.root)

    def _ref(self, commit: str) -> str | None:
        names = "--format=%(refname)"
        found = (ask_git(self.root, "for-each-ref", names, f"--contains={commit}", "refs/remotes") or "").split()
        branches = [f"refs/heads/{match[1]}" for match in map(BRANCH.fullmatch, found) if match]
        tags = (ask_git(self.root, "for-each-ref", names, f"--points-at={commit}", "refs/tags") or "").split()
        return next(map(quote, [*branches, *tags]), None)
