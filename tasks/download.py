"""Stage `download`: recordings, annotations and metadata into `data/raw/`, whole or not at all."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from tasks import artifacts
from tasks.corpora.demo import source
from tasks.corpora.icbhi import completeness, exclusion, layout, metadata, official_site
from tasks.runtime import files, params
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import console, stage
from tasks.sources import archive, directory
from tasks.sources.collection import Collection, Member, files_in
from tasks.sources.settings import DownloadSettings

DOWNLOADS = Path(".checkpoints/download")

log = logging.getLogger("download")


def open_source(settings: DownloadSettings, work: Path, downloads: Path) -> AbstractContextManager[Collection]:
    """Return the source, to be entered.

    Args:
        settings: Which one.
        work: A folder for what is needed only meanwhile.
        downloads: A folder for what outlives an interruption.
    """
    if settings.source == "icbhi":
        return official_site.fetched(settings, downloads)
    if settings.path is None:  # the settings see to it that every other source has one
        return source.generated(settings.demo, work)
    if settings.source == "archive":
        return archive.opened(settings.path, sha256=settings.sha256)
    return directory.opened(settings.path)


def download(settings: DownloadSettings, raw: Path, downloads: Path) -> None:
    """Bring a corpus to `raw`, which is replaced when the new one is whole, and untouched if it fails.

    Raises:
        BreathlineError: The source, its files or the disk; the error names what is at fault.
    """
    with _staging(raw) as work, open_source(settings, work, downloads) as collection:
        new = work / "new"
        fill(settings, collection, new)
        if raw.exists():
            os.replace(raw, work / "old")
        os.replace(new, raw)


def fill(settings: DownloadSettings, collection: Collection, raw: Path) -> None:
    """Lay out a source's files as `data/raw/`, having made sure that they are what is expected.

    Raises:
        BreathlineError: Files are missing, there twice, misnamed or unreadable; or a patient to leave out is not there.
    """
    excluded = frozenset(map(str, settings.exclude_patients))
    sorted_files = layout.sort(collection.members)
    alone = completeness.check_pairs(sorted_files, collection.where, settings.expect)
    if alone:
        log.warning(f"{len(alone)} annotations have no recording and stay behind: {completeness.listed(alone)}")
    if sorted_files.others:
        names = completeness.listed([member.name for member in sorted_files.others])
        log.info(f"{len(sorted_files.others)} other files stay behind: {names}")

    # Whether the source is whole is asked of all of it; only then is somebody left out.
    known = copy_metadata(settings, collection, sorted_files, raw / "metadata")
    split = _read_split(raw / "metadata" / metadata.SPLIT_FILE, known)
    match = metadata.match(split, sorted_files.audio)
    corpus = completeness.check_split(
        match,
        len(sorted_files.audio),
        known[metadata.SPLIT_FILE][1],
        expect=settings.expect,
        demo=settings.source == "demo",
    )
    counts = exclusion.count(sorted_files.audio, split, excluded)
    if excluded:
        exclusion.strip(raw / "metadata", excluded)
        sorted_files, match = exclusion.without(sorted_files, excluded), exclusion.unnamed(match, excluded)
        alone = [name for name in alone if exclusion.patient_of(name) not in excluded]
        corpus = "icbhi-part" if corpus == "icbhi" else corpus
        for patient, count in counts.items():
            log.warning(f"patient {patient} is left out ({exclusion.KEY}): {count} recordings")
    recordings = {f"{name}.wav": member for name, member in sorted_files.audio.items()}
    recordings |= {f"{name}.txt": sorted_files.annotations[name] for name in sorted_files.audio}
    copy(recordings, raw / "audio")
    completeness.check_headers(sorted((raw / "audio").glob("*.wav")), collection.where)
    files.write_json(
        raw / artifacts.SOURCE.name,
        {
            "corpus": corpus,
            "source": settings.source,
            "archive": asdict(collection.archive) if collection.archive else None,
            "expect": settings.expect,
            "recordings": len(sorted_files.audio),
            "missing": match.missing,
            "excluded": counts,
            "corrections": [asdict(correction) for correction in match.corrections],
            "metadata": {
                name: files.sha256(raw / "metadata" / name) if name in known else None
                for name in (*layout.REQUIRED, *layout.OPTIONAL)
            },
            "annotations_without_recording": len(alone),
            "other_files": len(sorted_files.others),
        },
    )
    log.info(f"{len(sorted_files.audio)} recordings: {corpus}")


def copy_metadata(
    settings: DownloadSettings, collection: Collection, sorted_files: layout.Sorted, folder: Path
) -> dict[str, tuple[bytes, str]]:
    """Write the metadata files under their official names, and return their bytes and where they came from."""
    named = files_in(settings.metadata, recursive=False) if settings.metadata else []
    beside = files_in(collection.beside, recursive=False)
    known = layout.read_metadata([_metadata(named), sorted_files.metadata, _metadata(beside)])
    if metadata.FOLDS_FILE not in known:
        log.warning(f"there is no {metadata.FOLDS_FILE}: the splits 0 to 4 cannot be used")
    folder.mkdir(parents=True)
    for name, (content, _) in known.items():
        (folder / name).write_bytes(content)
    return known


def copy(members: dict[str, Member], folder: Path) -> None:
    """Copy files to a folder under new names, with a progress bar.

    Raises:
        BreathlineError: There is no room, or a file is not as long as it was said to be.
    """
    folder.mkdir(parents=True)
    total, free = sum(member.size for member in members.values()), shutil.disk_usage(folder).free
    if total > free:
        raise BreathlineError(f"{total:,} bytes are needed, and {free:,} are free.", where=folder, hint="make room")
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("recordings", total=total)
        for name, member in members.items():
            left = member.size
            with (folder / name).open("xb") as file:
                for chunk in member.chunks():
                    left -= len(chunk)
                    if left < 0:
                        break
                    file.write(chunk)
                    progress.advance(bar, len(chunk))
            if left:
                raise BreathlineError(
                    f"{name} is not as long as it was said to be.", where=member.origin, hint="fetch it again"
                )


def _metadata(members: Iterable[Member]) -> dict[str, list[Member]]:
    """Return the metadata files among a folder's files, by official name."""
    found: dict[str, list[Member]] = {}
    for member in members:
        if official := layout.official_name(member.name):
            found.setdefault(official, []).append(member)
    return found


def _read_split(path: Path, known: dict[str, tuple[bytes, str]]) -> dict[str, str]:
    """Return the split; an error names the file that the user has, not our copy of it."""
    try:
        return metadata.read_split(path)
    except BreathlineError as error:
        where = str(error.where).replace(str(path), known[path.name][1])
        raise BreathlineError(error.what, where=where, hint=error.hint) from error


@contextmanager
def _staging(raw: Path) -> Iterator[Path]:
    """Yield a folder beside `raw` that is gone afterwards, and at the start if a killed process left it.

    Raises:
        BreathlineError: What the disk or the file system says.
    """
    work = raw.with_name(f".{raw.name}.staging")
    try:
        try:
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        where = error.filename or raw.parent
        raise BreathlineError(
            f"The files cannot be written or read: {error.strerror or error}.",
            where=where,
            hint="look at disk and rights",
        ) from error


def main() -> None:
    """Run the stage."""
    with stage("download"):
        settings = params.parse(DownloadSettings, params.section(params.read(), "download"), "download")
        download(settings, artifacts.RAW, DOWNLOADS)


if __name__ == "__main__":
    main()
