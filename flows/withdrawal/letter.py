"""Letter to the data protection officer: what was erased, the proof, and what cannot be erased from here."""

import re
from collections.abc import Iterator
from pathlib import Path

from flows.withdrawal.run import Outcome
from lineage.git import ask_git
from tasks.artifacts import WITHDRAWALS, CorpusFolders
from tasks.corpora import settings
from tasks.corpora.settings import DownloadSettings
from tasks.runtime import params, templates
from tasks.runtime.files import write_text
from tasks.runtime.words import counted, listed

# What no search of this machine finds.
ELSEWHERE = (
    (
        "exports that were handed out",
        "exported models, pages, tables of predictions, cards, uploads to hubs",
        "recall or replace them; those in `reports/audit` were erased and can be written again",
    ),
    (
        "deployed models",
        "servers, images and devices with a model that had learned from the patient",
        "replace the model by one of the current run",
    ),
    ("Prefect", "its database: logs, artifacts and results of flow runs", "remove the flow runs of before"),
    ("backups and snapshots", "of the disk; erased blocks until they are overwritten", "by the rules of the place"),
)


def write(root: Path, outcome: Outcome) -> Path:
    """Write the letter, and return its path below the project."""
    plan = outcome.plan
    path = WITHDRAWALS / f"{outcome.at[:10]}-{plan.corpus.name}-{plan.patient}.md"
    (root / WITHDRAWALS).mkdir(parents=True, exist_ok=True)
    write_text(root / path, render(root, outcome))
    return path


def render(root: Path, outcome: Outcome) -> str:
    """Return the letter as Markdown."""
    text = templates.render(
        __package__,
        "letter.md.j2",
        outcome=outcome,
        plan=outcome.plan,
        erased=outcome.erased,
        counted=counted,
        learned=sorted(set(outcome.plan.known.learned.values())),
        points=list(_points(root, outcome)),
    )
    return text.rstrip() + "\n"


def _points(root: Path, outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Yield what cannot be erased from here: what it is, where it is, and what to do."""
    found = outcome.stores
    what = "remove the recordings, annotations and table rows of the patient there"
    yield "the source of the recordings", _source(root, outcome.plan.corpus), what
    for file in found.files:
        yield "a file that no stage made", f"`{file.path}`: {file.what}", "decide whether to remove it"
    yield from _remotes(outcome)
    if found.cached.commits:
        commits = counted(len(found.cached.commits), "commit")
        where = f"{commits} with a `dvc.lock` of runs with the patient: hashes and figures, no recording"
        yield "Git's history", where, "keep as evidence, or rewrite the history (`git filter-repo`)"
    if found.in_git:
        what = "check whether these are data of the patient, or lists and examples that were published"
        yield "names of recordings in Git", listed([f"`{path}`" for path in found.in_git], 20), what
    where = "`params.yaml` and its history, `source.json` and record of `download`"
    yield "the number of the patient", where, "it stays, so that the gap can be accounted for"
    for tag in found.versions:
        where = f"tag `{tag}`: its run read data of the patient; its files are no longer here"
        yield "a version of a model", where, "withdraw it where it is used"
    if found.log_entries:
        where = f"entries {', '.join(found.log_entries)} name a recording in the text of an error"
        yield "the event log", where, "a chain of hashes cannot lose entries: keep it, or begin a new log"
    where = "`.lineage/withdrawals/`: hashes only, no name, no sound"
    yield "hashes of the patient's files", where, "keep, so that data that come back are recognised; or remove the file"
    fetched = (ask_git(root, "remote", "--verbose") or "").splitlines()
    remotes = sorted({_without_password(line.split()[1]) for line in fetched if line.endswith("(fetch)")})
    where = "; ".join([*remotes, "whoever has cloned or pulled the project"])
    yield "Git remotes, other clones and their caches", where, "run the same command there, with the new `params.yaml`"
    yield from ELSEWHERE


def _remotes(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Yield the remotes of DVC that were not erased from."""
    for remote in outcome.plan.remotes:
        where = f"`{remote.name}`, {_without_password(remote.url)}"
        if remote.erased:
            continue
        if remote.cache is None:
            what = f"`dvc gc --workspace --cloud --remote {remote.name}` erases all but the current run"
        else:
            where += f": {counted(outcome.left_in_remotes[remote.name], 'object')}"
            what = f"`breathline withdraw {outcome.plan.name} --remote {remote.name}`"
        yield "a remote of DVC", where, what


def _source(root: Path, corpus: CorpusFolders) -> str:
    """Return the source of a corpus in words."""
    configured = settings.configured(params.read(root / params.PARAMS))
    given: DownloadSettings = next(found for one, found in configured.items() if one == corpus)
    if given.path is not None:
        return f"the {given.source} `{given.path}`"
    return f"the dataset {given.dataset} ({given.source})" if given.dataset else "the publisher of the corpus"


def _without_password(url: str) -> str:
    return re.sub(r"(?<=://)[^/@]+@", "", url)
