"""Stage `download`: recordings, annotations and metadata of a corpus in `data/raw/NAME/`."""

import logging
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, replace
from pathlib import Path

from tasks import artifacts
from tasks.artifacts import CorpusFolders, Role
from tasks.corpora import completeness, datasets, exclusion, registry, source_files
from tasks.corpora.base import Corpus
from tasks.corpora.contents import Metadata
from tasks.corpora.settings import DownloadSettings, corpus_settings
from tasks.corpora.source_files import SourceFiles
from tasks.runtime import files, params
from tasks.runtime.disk_errors import disk_errors
from tasks.runtime.errors import BreathlineError
from tasks.runtime.stage import stage
from tasks.runtime.user_paths import resolve
from tasks.runtime.words import counted, listed
from tasks.sources import archive, pointers
from tasks.sources.collection import Collection, files_in, folder
from tasks.sources.copying import copy

DOWNLOADS = Path(".checkpoints/download")
SHIPPED = "the table that comes with Breathline"  # origin of metadata that the source lacks

log = logging.getLogger("download")


def open_source(settings: DownloadSettings, work: Path, downloads: Path) -> AbstractContextManager[Collection]:
    """Return the source as a context manager.

    Args:
        settings: Corpus and kind of source.
        work: A folder that is removed afterwards.
        downloads: A folder that is kept after an interruption.
    """
    if settings.dataset is not None:
        return datasets.fetched(settings, downloads)
    if settings.path is None:
        return registry.get(settings.format).publisher(settings, work, downloads)
    if settings.source == "archive":
        return archive.opened(settings.path, sha256=settings.sha256)
    return nullcontext(folder(settings.path))


def download(settings: DownloadSettings, raw: Path, downloads: Path) -> None:
    """Fetch a corpus into the folder `raw`. The folder is replaced as a whole; after an error it is unchanged.

    Args:
        settings: Corpus, source and excluded patients.
        raw: Folder of the corpus, `data/raw/NAME`.
        downloads: Folder of unfinished downloads, which is kept after an error.

    Raises:
        BreathlineError: The source or one of its files is faulty, or the disk is full; the error names it.
    """
    with _staging(raw) as work, open_source(settings, work, downloads) as collection:
        new = work / "new"
        fill(settings, registry.get(settings.format).prepare(collection, settings), new)
        if raw.exists():
            os.replace(raw, work / "old")
        os.replace(new, raw)


def fill(settings: DownloadSettings, collection: Collection, raw: Path) -> None:
    """Check the files of a source and copy them in the layout of `data/raw/NAME/`.

    Args:
        settings: Corpus, metadata folder and excluded patients.
        collection: Files of the source.
        raw: New folder in the layout of `data/raw/NAME`.

    Raises:
        BreathlineError: A file is missing, duplicated, misnamed or unreadable, or an excluded patient is unknown.
    """
    corpus = registry.chosen(settings.format, asdict(settings))
    excluded = frozenset(map(str, settings.exclude_patients))
    found = source_files.sort(collection.members, corpus)
    pointers.check([*found.audio.values(), *found.annotations.values()], collection.where)
    if found.copies:
        log.info(f"{counted(found.copies, 'file')} of the source are equal copies of others, and count once")
    alone = completeness.check_pairs(found, collection.where, settings.expect)
    if alone:
        log.warning(f"{len(alone)} annotations without a recording are not copied: {listed(alone)}")
    if found.others:
        names = listed([member.name for member in found.others])
        log.info(f"{len(found.others)} other files are not copied: {names}")

    # Completeness is checked on the whole source, before patients are excluded.
    origins = copy_metadata(settings, collection, found, corpus, raw / artifacts.METADATA)
    shipped = [name for name, origin in origins.items() if origin == SHIPPED]
    for name, content in corpus.derived_metadata({name: found.paths[name] for name in found.audio}, settings).items():
        (raw / artifacts.METADATA / name).write_bytes(content)
        origins[name] = str(collection.where)
    metadata = _read_metadata(corpus, raw / artifacts.METADATA, list(found.audio), origins)
    completeness.check_missing(metadata, collection.where, settings.expect)
    counts = exclusion.count(metadata, excluded)
    if excluded:
        corpus.remove_patients(raw / artifacts.METADATA, excluded)
        metadata = exclusion.without(metadata, excluded)
        found = found.only(metadata.recordings)
        alone = [name for name in found.annotations if name not in found.audio]
        for patient, count in counts.items():
            log.warning(f"patient {patient} is left out ({exclusion.KEY}): {count} recordings")
    recordings = {source_files.name_of(name, member): member for name, member in found.audio.items()}
    beside = zip(recordings, found.audio, strict=True)
    copied = recordings | {corpus.annotation(Path(file)).name: found.annotations[name] for file, name in beside}
    copy(copied, raw / artifacts.AUDIO)
    wavs = (raw / artifacts.AUDIO / name for name in sorted(recordings) if name.endswith(".wav"))
    completeness.check_headers(wavs, collection.where)
    identity = corpus.identify(raw / artifacts.AUDIO, list(found.audio), settings)
    corpus.check_published(metadata, identity, origins)
    completeness.check_extent(identity, sum(counts.values()), collection.where, settings.expect)
    files.write_json(
        raw / artifacts.SOURCE,
        {
            "format": corpus.name,
            "identity": asdict(identity),
            "source": settings.source,
            "archive": asdict(collection.archive) if collection.archive else None,
            "dataset": asdict(collection.dataset) if collection.dataset else None,
            "expect": settings.expect,
            "recordings": len(found.audio),
            "missing": list(metadata.missing),
            "excluded": counts,
            "corrections": [asdict(correction) for correction in metadata.corrections],
            "metadata": {
                name: files.sha256(raw / artifacts.METADATA / name) if name in origins else None
                for name in {**corpus.metadata_files, **origins}
            },
            "shipped_metadata": shipped,
            "annotations_without_recording": len(alone),
            "equal_copies": found.copies,
            "other_files": len(found.others),
        },
    )
    log.info(f"{len(found.audio)} recordings: {identity.statement}")


def copy_metadata(
    settings: DownloadSettings, collection: Collection, found: SourceFiles, corpus: Corpus, folder: Path
) -> dict[str, str]:
    """Write the metadata files under their official names, and return the origin of each.

    Raises:
        BreathlineError: A required file is missing, and the project has none for these recordings.
    """
    named = files_in(settings.metadata, recursive=False) if settings.metadata else []
    beside = files_in(collection.beside, recursive=False)
    places = [source_files.metadata_among(named, corpus), found.metadata, source_files.metadata_among(beside, corpus)]
    read = source_files.read_metadata(places, corpus)
    missing = [name for name in corpus.metadata_files if name not in read]
    shipped = corpus.shipped_metadata(missing, found.audio, found.annotations)
    if shipped:
        log.info(f"the source lacks {listed(list(shipped))}: the published values that come with Breathline are used")
    read |= {name: (content, SHIPPED) for name, content in shipped.items()}
    absent = [name for name in missing if name not in read]
    if required := [name for name in absent if corpus.metadata_files[name]]:
        raise BreathlineError(
            f"The metadata file {required[0]} is missing.",
            where="the source, the folder beside it, and the folder `metadata` of params.yaml",
            hint=corpus.missing_metadata_hint(required[0]),
        )
    if absent:
        log.info(f"metadata files that the source does not have: {listed(absent)}")
    folder.mkdir(parents=True)
    for name, (content, _) in read.items():
        (folder / name).write_bytes(content)
    return {name: origin for name, (_, origin) in read.items()}


def _read_metadata(corpus: Corpus, folder: Path, recording_ids: Sequence[str], origins: dict[str, str]) -> Metadata:
    """Return the metadata; an error names the user's file instead of its copy."""
    try:
        return corpus.read_metadata(folder, recording_ids)
    except BreathlineError as error:
        what, where = error.what, str(error.where)
        for name, origin in origins.items():
            what, where = (text.replace(str(folder / name), origin) for text in (what, where))
        raise BreathlineError(what, where=where, hint=error.hint) from error


@contextmanager
def _staging(raw: Path) -> Iterator[Path]:
    """Yield an empty folder beside `raw`, and remove it afterwards.

    Raises:
        BreathlineError: The disk or the file system reports an error.
    """
    work = raw.with_name(f".{raw.name}.staging")
    try:
        with disk_errors():
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir(parents=True)
            yield work
    except OSError as error:
        where = error.filename or raw.parent
        raise BreathlineError(
            f"The files cannot be written or read: {error.strerror or error}.",
            where=where,
            hint="check the source, then run again",
        ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main(name: str, role: Role = "training") -> None:
    """Run the stage for one corpus; the name is a key of ``corpora`` or ``external`` in params.yaml."""
    folders = CorpusFolders(role, name)
    with stage(folders.stage("download")):
        settings = corpus_settings(params.read(), name, role)
        path, metadata = (found and resolve(found) for found in (settings.path, settings.metadata))
        download(replace(settings, path=path, metadata=metadata), folders.raw, DOWNLOADS / name)


if __name__ == "__main__":
    main(*sys.argv[1:])  # type: ignore[arg-type]
