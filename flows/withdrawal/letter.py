"""Letter to the data protection officer: what was erased, the proof, and what cannot be erased from here."""

from collections.abc import Iterator
from pathlib import Path

from flows.withdrawal.run import Outcome
from lineage.git import address_without_password, ask_git
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
        "recall or replace them; `breathline audit export` writes new ones",
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
    for link in outcome.links:
        yield "a linked place", link, "it was neither searched nor erased: look there, and remove data of the patient"
    for path in outcome.plan.downloads:
        yield "a copy of the download", f"`{path}`, for all projects of this account", "remove the folder"
    yield from _remotes(outcome)
    yield from _git(root, outcome)
    where = "`params.yaml` and its history, `source.json` and record of `download`"
    yield "the number of the patient", where, "it stays, so that the gap can be accounted for"
    for tag in found.versions:
        where = f"tag `{tag}`: its run read data of the patient; its files are no longer here"
        yield "a version of a model", where, "withdraw it where it is used"
    if found.log_entries:
        where = f"entries {', '.join(found.log_entries)} name a recording in the text of an error"
        yield "the event log", where, "a chain of hashes cannot lose entries: keep it, or begin a new log"
    where = "`.lineage/withdrawals/`: no name, no sound; who has the recordings can find the patient by the hashes"
    what = "keep, so that data that come back are recognised; or remove the folder, with the key of the pseudonyms"
    yield "hashes of the patient's files", where, what
    yield from ELSEWHERE


def _git(root: Path, outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Yield what Git has: files, objects without a reference, runs, published names, remotes."""
    found = outcome.stores.in_git
    rewrite = "rewrite the history (`git filter-repo`), and push it to all remotes"
    for file in found.files:
        yield (
            "a file in Git, also of earlier commits",
            f"`{file.path}`: {file.what}",
            f"if it is the patient's: {rewrite}",
        )
    collect = "`git reflog expire --expire-unreachable=now --all`, then `git gc --prune=now`"
    if found.unreachable:
        where = listed([f"`{one.path}`: {one.what}" for one in found.unreachable], 20)
        yield "objects of Git that no reference names", where, collect
    if outcome.erased.experiments:
        where = f"commits of {counted(outcome.erased.experiments, 'erased experiment')}: settings, figures and hashes"
        yield "objects of Git that no reference names", where, f"Git removes them later; at once: {collect}"
    if commits := outcome.stores.cached.commits:
        where = f"{counted(len(commits), 'commit')} with a `dvc.lock` of runs with the patient: hashes and figures"
        yield "Git's history", where, f"keep as evidence, or {rewrite}"
    if found.examples:
        where = listed([f"`{path}`" for path in found.examples], 20)
        yield "names of recordings in Breathline's code", where, "lists and examples that are published with the code"
    fetched = (ask_git(root, "remote", "--verbose") or "").splitlines()
    urls = {line.split()[1] for line in fetched if line.endswith("(fetch)")}
    where = "; ".join([*sorted(map(_address, urls)), "whoever has cloned or pulled the project"])
    yield "Git remotes, other clones and their caches", where, "run the same command there, with the new `params.yaml`"


def _remotes(outcome: Outcome) -> Iterator[tuple[str, str, str]]:
    """Yield the remotes of DVC that were not erased from."""
    for remote in outcome.plan.remotes:
        if remote.erased:
            continue
        state = outcome.remotes.get(remote.name, "nothing found")
        if remote.cache is None:
            what = f"`dvc gc --workspace --cloud --remote {remote.name}` erases all but the current run"
        else:
            what = f"`breathline withdraw {outcome.plan.name} --remote {remote.name}`"
        yield "a remote of DVC", f"`{remote.name}`, {_address(remote.url)}: {state}", what


def _source(root: Path, corpus: CorpusFolders) -> str:
    """Return the source of a corpus in words."""
    configured = settings.configured(params.read(root / params.PARAMS))
    given: DownloadSettings = next(found for one, found in configured.items() if one == corpus)
    if given.path is not None:
        return f"the {given.source} `{given.path}`"
    return f"the dataset {given.dataset} ({given.source})" if given.dataset else "the publisher of the corpus"


def _address(url: str) -> str:
    try:
        return address_without_password(url) or url
    except ValueError:
        return "an address that cannot be read"
