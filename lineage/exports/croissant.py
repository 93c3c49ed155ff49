"""Cycles and features of each corpus as data sets in Croissant 1.1, the JSON-LD format of MLCommons.

The format is described at mlcommons.org/croissant.

Files are listed with their hashes, relative to the folder of the description. Each column of a Parquet table is a typed
field. Origin, use, limits and personal data are described in the vocabulary of Croissant RAI 1.0.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from lineage.exports import corpora, croissant_rai, stage_runs
from lineage.exports.corpora import Part
from lineage.exports.request import Request
from lineage.files import by_path
from lineage.project import Project
from models import file_names
from models.file_reading import open_table
from tasks import artifacts
from tasks.artifacts import CorpusFolders
from tasks.runtime.artifact_reading import as_artifact_error, read_json
from tasks.runtime.corpus_facts import CorpusFacts

SPEC = "http://mlcommons.org/croissant/1.1"
MEDIA = {".parquet": "application/x-parquet", ".npy": "application/x-npy", ".json": "application/json"}
CONTEXT = Path(__file__).with_name("croissant_context.json")  # the JSON-LD context of Croissant 1.1


def files(request: Request) -> dict[str, str]:
    """Return a description of the cycles of each corpus, and one of its features of each front end.

    The names of the files have the name of the corpus, unless it is the only one to learn from.

    Raises:
        BreathlineError: There are no cycles yet, or one of their files is missing.
    """
    project = request.project
    builder = _Builder(project, request.out)
    found = {}
    for stage in project.records:
        work, corpus, frontend = artifacts.corpus_of(stage) or (None, None, None)
        if corpus is not None and work in ("extract", "fbank"):
            dataset = builder.dataset(stage, corpus, frontend)
            found[f"{dataset['name']}.croissant.json"] = stage_runs.as_json(dataset)
    return found


class _Builder:
    def __init__(self, project: Project, out: Path) -> None:
        self.project, self.root, self.out = project, project.root.resolve(), out.resolve()
        self.parts = {part.folders: part for part in corpora.parts(project)}
        self.runs = stage_runs.recorded_runs(project)

    def dataset(self, stage: str, folders: CorpusFolders, frontend: str | None) -> dict[str, Any]:
        made = self.project.records[stage]
        outs = by_path(made["outputs"])
        part, run = self.parts[folders], self.runs.get(stage)
        corpus = part.facts
        # The day on which this version was made; unknown if that was on another machine.
        optional = {
            "citeAs": corpus.citation or corpus.identity.statement,
            "license": corpus.licence and corpus.licence.url,
            "datePublished": str(run.end["at"])[:10] if run and run.end else None,
        }
        return {
            "@context": read_json(CONTEXT),
            "@type": "sc:Dataset",
            "conformsTo": [SPEC, corpora.RAI],
            "name": self._name(part, frontend),
            "description": self._description(part, frontend),
            "url": corpus.homepage or f"{stage_runs.URN}:{corpus.identity.name}",
            "version": "1.0.0+" + stage_runs.identifier("".join(sorted(file["sha256"] for file in outs.values())))[:8],
            "creator": _creators(corpus),
            **{key: value for key, value in optional.items() if value},
            **croissant_rai.properties(self.project, part, made),
            "distribution": [self._file(path, file) for path, file in outs.items()],
            "recordSet": [self._table(path, folders) for path in outs if path.endswith(".parquet")],
        }

    def _name(self, part: Part, frontend: str | None) -> str:
        """Return the name of a data set, with its corpus unless that is the only one to learn from."""
        alone = not part.external and sum(not one.external for one in self.parts.values()) == 1
        names = ["cycles" if frontend is None else "fbank", None if alone else part.folders.name, frontend]
        return "_".join(filter(None, names))

    def _description(self, part: Part, frontend: str | None) -> str:
        statement = f"{part.facts.identity.statement}." + (f" {corpora.TESTED_ONLY}" if part.external else "")
        if frontend is None:
            counts = f"{part.cycles} breath cycles of {part.recordings} recordings with labels and waveforms."
            return f"{counts} {statement}"
        found = read_json(self.root / part.folders.features(frontend) / file_names.STATISTICS)
        shape = f"({found['cycles']}, {found['frames']}, {found['mels']}) float16"
        return (
            f"Features of all breath cycles by the front end `{frontend}`: features.npy {shape}, normalised. "
            f"Row `row` of it belongs to the `cycle_id` beside it in the index. {statement}"
        )

    def _file(self, path: str, file: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path,
            "contentUrl": Path(os.path.relpath(self.root / path, self.out)).as_posix(),
            "contentSize": f"{file['bytes']} B",
            "encodingFormat": MEDIA[Path(path).suffix],
            "sha256": file["sha256"],
        }

    def _table(self, path: str, folders: CorpusFolders) -> dict[str, Any]:
        name, key = path.removesuffix(".parquet"), "recording_id" if Path(path).stem == "recordings" else "cycle_id"
        with as_artifact_error(), open_table(corpora.existing_table(self.project, path)) as table:
            columns = table.schema_arrow
        return {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "key": {"@id": f"{name}/{key}"},
            "field": [self._field(path, name, field, folders) for field in columns],
        }

    def _field(self, path: str, table: str, field: pa.Field, folders: CorpusFolders) -> dict[str, Any]:
        listed = pa.types.is_list(field.type)
        kind = field.type.value_type if listed else field.type
        found: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{table}/{field.name}",
            "name": field.name,
            # `sc` is schema.org, `cr` has types such as Int8 and Float32.
            "dataType": "sc:Text" if pa.types.is_string(kind) else f"cr:{kind.to_pandas_dtype().__name__.title()}",
            "source": {"fileObject": {"@id": path}, "extract": {"column": field.name}},
        }
        if listed:
            found |= {"isArray": True, "arrayShape": "-1"}
        if path == (folders.tables / artifacts.CYCLES.name).as_posix() and field.name == "recording_id":
            # Only here: mlcroissant cannot follow a reference to a table that has references itself.
            found["references"] = {"field": {"@id": f"{folders.tables / artifacts.RECORDINGS.stem}/recording_id"}}
        return found


def _creators(corpus: CorpusFacts) -> list[dict[str, str]]:
    """Return the creators of a corpus. The standard asks for one, also where nobody is known."""
    kind = "sc:Person" if corpus.creators and not corpus.generated else "sc:Organization"
    return [{"@type": kind, "name": name} for name in corpus.creators or ["unknown"]]
