"""Data sets of cycles and of features in Croissant 1.1, the JSON-LD format of MLCommons (mlcommons.org/croissant).

Files are listed with their hashes, relative to the folder of the description. Each column of a Parquet table is a typed
field. Origin, use, limits and personal data are described in the vocabulary of Croissant RAI 1.0.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from lineage.exports import corpora, stage_runs
from lineage.exports.request import Request
from lineage.files import by_path
from lineage.project import Project
from models import file_names
from models.file_reading import open_table
from tasks import artifacts
from tasks.runtime.artifact_reading import as_artifact_error, read_json

SPEC = "http://mlcommons.org/croissant/1.1"
MEDIA = {".parquet": "application/x-parquet", ".npy": "application/x-npy", ".json": "application/json"}
CONTEXT = Path(__file__).with_name("croissant_context.json")  # the JSON-LD context of Croissant 1.1


def files(request: Request) -> dict[str, str]:
    """Return a description of the cycles, and one of the features of each front end.

    Raises:
        BreathlineError: There are no cycles yet, or one of their files is missing.
    """
    project = request.project
    builder = _Builder(project, request.out)
    stages = [name for name in project.records if name == "extract" or name.startswith("fbank@")]
    return {f"{_name(stage)}.croissant.json": stage_runs.as_json(builder.dataset(stage)) for stage in stages}


def _name(stage: str) -> str:
    return "cycles" if stage == "extract" else f"fbank_{stage.partition('@')[2]}"


class _Builder:
    def __init__(self, project: Project, out: Path) -> None:
        self.project, self.root, self.out = project, project.root.resolve(), out.resolve()
        self.corpus = corpora.read(project)
        self.runs = stage_runs.recorded_runs(project)

    def dataset(self, stage: str) -> dict[str, Any]:
        made = self.project.records[stage]
        outs = by_path(made["outputs"])
        corpus, run = self.corpus, self.runs.get(stage)
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
            "name": _name(stage),
            "description": self._description(stage),
            "url": corpus.homepage or f"{stage_runs.URN}:{corpus.identity.name}",
            "version": "1.0.0+" + stage_runs.identifier("".join(sorted(file["sha256"] for file in outs.values())))[:8],
            "creator": {"@type": "sc:Organization", "name": corpus.title},
            **{key: value for key, value in optional.items() if value},
            "rai:dataCollection": f"{corpus.description} {corpora.terms(corpus)}",
            "rai:dataPreprocessingProtocol": [f"{stage}: {made['command']}"],
            "rai:dataUseCases": list(corpora.INTENDED),
            "rai:dataLimitations": list(corpus.limits),
            "rai:personalSensitiveInformation": list(corpus.personal),
            "distribution": [self._file(path, file) for path, file in outs.items()],
            "recordSet": [self._table(path) for path in outs if path.endswith(".parquet")],
        }

    def _description(self, stage: str) -> str:
        if stage == "extract":
            summary = read_json(self.root / artifacts.SUMMARY)
            cycles, recordings = summary["cycles"], summary["recordings"]
            counts = f"{cycles} breath cycles of {recordings} recordings with labels and waveforms."
            return f"{counts} {self.corpus.identity.statement}."
        frontend = stage.partition("@")[2]
        found = read_json(self.root / artifacts.FEATURE_CACHES / frontend / file_names.STATISTICS)
        shape = f"({found['cycles']}, {found['frames']}, {found['mels']}) float16"
        return (
            f"Features of all breath cycles by the front end `{frontend}`: features.npy {shape}, normalised. "
            f"Row `row` of it belongs to the `cycle_id` beside it in the index. {self.corpus.identity.statement}."
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

    def _table(self, path: str) -> dict[str, Any]:
        name, key = path.removesuffix(".parquet"), "recording_id" if "recordings" in path else "cycle_id"
        with as_artifact_error(), open_table(corpora.existing_table(self.project, path)) as table:
            columns = table.schema_arrow
        return {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "key": {"@id": f"{name}/{key}"},
            "field": [self._field(path, name, field) for field in columns],
        }

    def _field(self, path: str, table: str, field: pa.Field) -> dict[str, Any]:
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
        if path == artifacts.CYCLES.as_posix() and field.name == "recording_id":
            # Only here: mlcroissant cannot follow a reference to a table that has references itself.
            found["references"] = {"field": {"@id": "data/cycles/recordings/recording_id"}}
        return found
