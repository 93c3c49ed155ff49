"""Audit of requirements.lock: ``python -m tests.lint.audit`` prints the packages with known vulnerabilities.

uv asks the database of OSV (osv.dev). The exit status is 1 if a package is vulnerable or not pinned by version and
hash, and 2 if the audit itself fails. Without a network nothing is checked: this is said, and is no failure.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement

LOCK = Path(__file__).parents[2] / "requirements.lock"
TIMEOUT_S = 120.0
# Texts of uv for a database that cannot be reached, or that is out of order.
NO_NETWORK = re.compile("error sending request|operation timed out|HTTP status server error")
HASH = re.compile("--hash=sha256:[0-9a-f]{64}")
PROJECT = '[project]\nname = "locked"\nversion = "0"\nrequires-python = ">=3.11"\n'
REGISTRY = '{ registry = "http://127.0.0.1:9/simple" }'  # nothing answers there: only the database is asked


class UnpinnedError(Exception):
    """Entry of a lock without an exact version or without a hash."""


def pinned(text: str) -> list[tuple[str, str]]:
    """Return name and version of each package in the text of a lock.

    Raises:
        UnpinnedError: An entry has no exact version or no SHA-256, or is not a requirement.
    """
    found = []
    for entry in re.sub(r"\\\n\s*", "", text).splitlines():
        if not entry.strip() or entry.startswith("#"):
            continue
        try:
            requirement = Requirement(entry.partition(" --hash")[0])
        except InvalidRequirement as error:
            raise UnpinnedError(f"{entry[:80]}: not a requirement") from error
        versions = list(requirement.specifier)
        if len(versions) != 1 or versions[0].operator != "==" or "*" in versions[0].version:
            raise UnpinnedError(f"{entry[:80]}: no exact version")
        if not HASH.search(entry):
            raise UnpinnedError(f"{entry[:80]}: no hash")
        found.append((requirement.name, versions[0].version))
    return found


def audit(packages: Sequence[tuple[str, str]], service: str | None = None) -> subprocess.CompletedProcess[str]:
    """Ask the database for packages, and return uv's process with its JSON.

    Args:
        packages: Names and versions.
        service: Address of the database; None for that of OSV.
    """
    names = [f'name = "{name}", version = "{version}"' for name, version in packages]
    entries = [f"[[package]]\n{name.replace(', ', chr(10))}\nsource = {REGISTRY}\n" for name in names]
    needs = ",\n".join(f"    {{ {name}, source = {REGISTRY} }}" for name in names)
    own = f'[[package]]\nname = "locked"\nversion = "0"\nsource = {{ virtual = "." }}\ndependencies = [\n{needs}\n]\n'
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
        lock = "\n".join(['version = 1\nrequires-python = ">=3.11"\n', *entries, own])
        (Path(folder) / "uv.lock").write_text(lock, encoding="utf-8")
        command = [str(Path(sys.executable).with_name("uv")), "audit", "--frozen", "--output-format", "json"]
        command += ["--preview-features", "audit-command,json-output", "--no-config", "--directory", folder]
        command += ["--service-url", service] if service else []
        environment = {"UV_HTTP_RETRIES": "1"} | os.environ
        return subprocess.run(
            command, capture_output=True, encoding="utf-8", check=False, timeout=TIMEOUT_S, env=environment
        )


def described(found: Mapping[str, Any]) -> str:
    """Return a vulnerability as one line: package, name of the vulnerability, subject, and versions that mend it."""
    package, fixes = found["dependency"], ", ".join(found["fix_versions"]) or "no version yet"
    what = f"{package['name']} {package['version']}: {found['id']}: {found['summary']}"
    return f"{what} (mended in {fixes}; {found['link']})"


def check(lock: Path, service: str | None = None) -> tuple[int, list[str]]:
    """Audit a lock, and return the exit status and the lines to print."""
    try:
        packages = pinned(lock.read_text(encoding="utf-8"))
    except UnpinnedError as error:
        return 1, [f"{lock.name}: {error}; run `make lock`"]
    done = audit(packages, service)
    if done.returncode not in (0, 1):
        reasons = done.stderr.strip().splitlines() or ["uv gave no reason"]
        if NO_NETWORK.search(done.stderr):
            why = reasons[-1].strip().removeprefix("error: ").removeprefix("cause: ")
            return 0, [f"Dependencies are NOT CHECKED: no network to the database of vulnerabilities ({why})."]
        return 2, ["The audit failed:", *reasons]
    result = json.loads(done.stdout)
    checked, vulnerable = result["summary"]["audited_packages"], result["vulnerabilities"]
    if checked != len(packages):
        return 2, [f"Only {checked} of {len(packages)} packages were checked."]
    summary = f"{checked} packages, {len(vulnerable)} known vulnerabilities"
    return int(bool(vulnerable)), [*map(described, vulnerable), summary]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the result of an audit, and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lint.audit", description="Audit a lock of packages.")
    parser.add_argument("lock", nargs="?", type=Path, default=LOCK)
    parser.add_argument("--service", help="address of the database; default: OSV")
    options = parser.parse_args(arguments)
    status, lines = check(options.lock, options.service)
    sys.stdout.write("\n".join(lines) + "\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
