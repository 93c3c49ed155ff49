"""The data sets of cycles and of features in Croissant 1.1, MLCommons' JSON-LD for data sets (mlcommons.org/croissant).

Files are named relative to where the description will lie, with their hashes; each column of each Parquet table is a
field, typed as its file says. With the vocabulary of Croissant RAI 1.0 for origin, use, limits and personal data.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lineage import files
from lineage.exports import corpora, origin
from lineage.project import Project
from tasks.runtime.errors import BreathlineError

SPEC = "http://mlcommons.org/croissant/1.1"
TABLE, ARRAY, JSON = "application/x-parquet", "application/x-npy", "application/json"
MEDIA = {".parquet": TABLE, ".npy": ARRAY, ".json": JSON}
TYPES = {
    pa.string(): "sc:Text",
    pa.int8(): "cr:Int8",
    pa.int32(): "cr:Int32",
    pa.int64(): "cr:Int64",
    pa.float32(): "cr:Float32",
    pa.float64(): "cr:Float64",
}
_TERMS = (
    "citeAs",
    "column",
    "containedIn",
    "equivalentProperty",
    "extract",
    "field",
    "fileProperty",
    "fileObject",
    "fileSet",
    "format",
    "includes",
    "isArray",
    "arrayShape",
    "isLiveDataset",
    "jsonPath",
    "key",
    "md5",
    "parentField",
    "path",
    "recordSet",
    "references",
    "regex",
    "repeated",
    "replace",
    "samplingRate",
    "separator",
    "source",
    "subField",
    "transform",
)
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _TERMS},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}


def datasets(project: Project, out: Path) -> dict[str, dict[str, Any]]:
    """Return a description of each data set, by the name of its file.

    Args:
        project: The project.
        out: The folder that the descriptions will lie in.

    Raises:
        BreathlineError: There are no cycles yet, or one of their files is not here.
    """
    if "extract" not in project.records:
        raise BreathlineError("There are no cycles yet.", where=project.root / "data/cycles", hint="`breathline run`")
    made = {name: made for name, made in project.records.items() if name == "extract" or name.startswith("fbank@")}
    export = _Export(project, out)
    return {f"{_name(stage)}.croissant.json": export.dataset(stage, found["outputs"]) for stage, found in made.items()}


def _name(stage: str) -> str:
    return "cycles" if stage == "extract" else f"fbank_{stage.partition('@')[2]}"


class _Export:
    def __init__(self, project: Project, out: Path) -> None:
        self.root, self.out, self.corpus = project.root.resolve(), out.resolve(), corpora.of(project)
        self.summary = json.loads((project.root / "data/cycles/summary.json").read_text(encoding="utf-8"))
        self.commands = {name: made["command"] for name, made in project.records.items()}
        self.made = origin.makers(project)

    def dataset(self, stage: str, outputs: list[Mapping[str, Any]]) -> dict[str, Any]:
        held = files.flat([dict(out) for out in outputs])
        corpus, run = self.corpus, self.made.get(stage)
        # Of this version: the day on which it was made. What was made elsewhere bears none.
        optional = {
            "citeAs": corpus.citation or corpus.name,
            "datePublished": str(run.end["at"])[:10] if run and run.end else None,
        }
        return {
            "@context": CONTEXT,
            "@type": "sc:Dataset",
            "conformsTo": [SPEC, corpora.RAI],
            "name": _name(stage),
            "description": self._description(stage),
            "url": corpus.url or f"{origin.URN}:{corpus.kind}",
            "license": corpus.url or "https://spdx.org/licenses/MIT",
            "version": "1.0.0+" + origin.identifier("".join(sorted(file["sha256"] for file in held.values())))[:8],
            "creator": {"@type": "sc:Organization", "name": corpus.name},
            **{key: value for key, value in optional.items() if value},
            "rai:dataCollection": f"{corpus.description} {corpus.licence}",
            "rai:dataPreprocessingProtocol": [f"{stage}: {self.commands[stage]}"],
            "rai:dataUseCases": list(corpora.INTENDED),
            "rai:dataLimitations": list(corpus.limits),
            "rai:personalSensitiveInformation": list(corpus.personal),
            "distribution": [self._file(path, file) for path, file in held.items()],
            "recordSet": [self._table(path) for path in held if path.endswith(".parquet")],
        }

    def _description(self, stage: str) -> str:
        if stage == "extract":
            cycles, recordings = self.summary["cycles"], self.summary["recordings"]
            return f"{cycles} breath cycles of {recordings} recordings with labels and waveforms. {self.corpus.name}."
        frontend = stage.partition("@")[2]
        found = json.loads((self.root / "data/fbank" / frontend / "statistics.json").read_text(encoding="utf-8"))
        shape = f"({found['cycles']}, {found['frames']}, {found['mels']}) float16"
        return (
            f"Features of all breath cycles by the front end `{frontend}`: features.npy {shape}, normalised. "
            f"Row `row` of it belongs to the `cycle_id` beside it in the index. {self.corpus.name}."
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
        if not (self.root / path).is_file():
            raise BreathlineError("A table is recorded, but not here.", where=path, hint="`dvc pull`, or `dvc repro`")
        return {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "key": {"@id": f"{name}/{key}"},
            "field": [self._field(path, name, field) for field in pq.read_schema(self.root / path)],
        }

    def _field(self, path: str, table: str, field: pa.Field) -> dict[str, Any]:
        listed = pa.types.is_list(field.type)
        found: dict[str, Any] = {
            "@type": "cr:Field",
            "@id": f"{table}/{field.name}",
            "name": field.name,
            "dataType": TYPES[field.type.value_type if listed else field.type],
            "source": {"fileObject": {"@id": path}, "extract": {"column": field.name}},
        }
        if listed:
            found |= {"isArray": True, "arrayShape": "-1"}
        if path == "data/cycles/cycles.parquet" and field.name == "recording_id":
            # Between these two alone: mlcroissant cannot follow a reference to a table that refers on.
            found["references"] = {"field": {"@id": "data/cycles/recordings/recording_id"}}
        return found
