"""Packages of the stages as CycloneDX components: version, licence, author, and the hashes of the lock file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.utils import parseaddr
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lineage.environment import read_lock
from lineage.project import Project
from tasks.runtime.files import sha256

LOCK = Path("requirements.lock")
# A pinned package, with the lines of hashes that follow it.
PINNED = re.compile(r"^([A-Za-z0-9][^\\\n]*==[^\\\n]*)((?:\\\n\s+--hash=sha256:\w+\s*)*)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:(\w+)")
# Names of licences among the classifiers of packages that mean one licence of the SPDX list.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
Component = dict[str, Any]


@dataclass(frozen=True)
class Pin:
    """A package in the lock file."""

    version: str
    hashes: tuple[str, ...]  # SHA-256 of each file that may be installed


def packages(project: Project) -> Iterator[Component]:
    """Yield the packages of all stages; a package that changed between stages, once for each version."""
    lock, records = project.root / LOCK, project.records
    text = read_lock(lock) if lock.is_file() else ""
    locked = {python: pins(text, python) for python in {made["environment"]["python"] for made in records.values()}}
    same = {made["environment"]["lock_sha256"] for made in records.values()} == {sha256(lock) if text else None}
    found: dict[tuple[str, str], list[str]] = {}
    for stage, made in records.items():
        for name, version in made["environment"]["packages"].items():
            found.setdefault((canonicalize_name(name), version), []).append(stage)
    for (name, version), stages in sorted(found.items()):
        if name == "breathline":
            continue
        pin = locked[records[stages[0]]["environment"]["python"]].get(name)
        facts = {"breathline:lock": _comparison(pin, version) if same else "the lock has changed since"}
        if len(stages) < len(records):
            facts["breathline:stages"] = ", ".join(stages)
        purl = f"pkg:pypi/{name}@{version}"
        component: Component = {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}
        if same and pin is not None and pin.version == version and pin.hashes:
            component["externalReferences"] = [_files(purl, pin)]
        yield component | _installed(name, version) | {"properties": properties(facts)}


def pins(text: str, python: str) -> dict[str, Pin]:
    """Return the locked packages for a version of Python; a lock file may list a package twice, with markers."""
    environment = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    found: dict[str, Pin] = {}
    for line, hashes in PINNED.findall(text):
        wanted = Requirement(line)
        if wanted.marker is None or wanted.marker.evaluate(environment):
            version = str(wanted.specifier).removeprefix("==")
            found[canonicalize_name(wanted.name)] = Pin(version, tuple(HASH.findall(hashes)))
    return found


def properties(facts: Mapping[str, str]) -> list[dict[str, str]]:
    """Return facts as properties of a component."""
    return [{"name": name, "value": value} for name, value in facts.items()]


def _comparison(pin: Pin | None, version: str) -> str:
    if pin is None:
        return "not in the lock"
    return "as locked" if pin.version == version else f"differs: {pin.version}"


def _files(purl: str, pin: Pin) -> dict[str, Any]:
    """Return the files of a package; which of them was installed depends on the machine."""
    hashes = [{"alg": "SHA-256", "content": digest} for digest in sorted(pin.hashes)]
    return {"type": "distribution", "url": purl, "comment": "files that the lock file allows", "hashes": hashes}


def _installed(name: str, version: str) -> dict[str, Any]:
    """Return licence and author of a package as installed now; empty if another version is installed."""
    try:
        about = HeaderParser().parsestr(metadata.distribution(name).read_text("METADATA") or "")
    except metadata.PackageNotFoundError:
        return {}
    if about["Version"] != version:
        return {}
    found: dict[str, Any] = {}
    if licence := _licence(about):
        found["licenses"] = [licence]
    fields = (_field(about, key) for key in ("Author", "Maintainer", "Author-email", "Maintainer-email"))
    if author := next(filter(None, map(_name, fields)), None):
        found["authors"] = [{"name": author}]
    return found


def _licence(about: Message) -> dict[str, Any] | None:
    """Return the licence of a package by its SPDX id where it has one, else by its own words."""
    words = _field(about, "License")
    classifiers = [str(line) for line in about.get_all("Classifier") or []]
    listed = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License")]
    known = CLASSIFIERS.get(listed[0]) if len(listed) == 1 else None
    for text in (_field(about, "License-Expression"), words, known):
        try:
            expression = canonicalize_license_expression(text or "")
        except InvalidLicenseExpression:
            continue
        listed_by_spdx = not re.search(r"[ +]|^LicenseRef-", expression)
        return {"license": {"id": expression}} if listed_by_spdx else {"expression": expression}
    name = words if words and "\n" not in words else " and ".join(listed)
    return {"license": {"name": name}} if name else None


def _name(text: str) -> str:
    """Return the name in a field; empty for an address alone, which names nobody, and for several lines."""
    named = parseaddr(text)[0]
    return named or ("" if "@" in text or "\n" in text else text)


def _field(about: Message, key: str) -> str:
    return str(about.get(key, "")).strip()
