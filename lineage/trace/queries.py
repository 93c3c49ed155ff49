"""Trace queries: from the words of a question to its trace."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lineage.corpora import SEPARATOR, qualified
from lineage.project import Project
from lineage.trace.catalogue import Catalogue
from lineage.trace.consistency import cautions, contradictions
from lineage.trace.cycle_nodes import has_soft_label
from lineage.trace.evaluation_nodes import EVALUATE, REPORT, value_at
from lineage.trace.project_data import ProjectData
from lineage.trace.provenance_graph import Direction, Edge, Node, Trace
from lineage.trace.rerun_list import reruns
from lineage.trace.stage_nodes import Stages
from lineage.trace.traversal import neighbours, node_types, traverse
from models.file_names import SELECTION
from tasks.artifacts import AUDIO, EXPORTS, METRICS, SCORES, SOFT_LABELS, STUDENTS, CorpusFolders
from tasks.runtime.artifact_reading import damaged
from tasks.runtime.errors import BreathlineError
from tasks.runtime.params import flatten

SCORE = "score"
EXAMPLES = "score, student.val.sp.mean, data/student/1, a cycle_id, a recording_id, patient:101, a file, a stage"


class TraceQueries:
    """Answers to questions about a project."""

    def __init__(self, project: Project) -> None:
        self.data = ProjectData(project)
        self.catalogue = Catalogue(self.data)
        self.types = node_types(self.data, self.catalogue)
        stages = Stages(self.data, self.catalogue, all_upstream=True)
        self.types_of_stages = {**self.types, "stage": stages}

    def ask(self, what: str) -> Trace:
        """Return the causes of a metric, model, prediction or file, or the effects of a recording or patient.

        Args:
            what: ``score`` or a key of the metrics; a model's folder or file; a `cycle_id`; a `recording_id`, its wav
                file or annotation; ``patient:<id>``; any other out, or a stage. The name of the corpus and a colon
                before an id tell apart ids that two corpora share.

        Raises:
            BreathlineError: The project does not have it; the message names similar ones.
        """
        root, first, direction = self._root(what)
        types = self.types_of_stages if root.kind == "stage" else self.types
        nodes, edges = traverse(types, root, first, direction)
        notes = [*contradictions(self.data), *cautions(root, self.data)]
        if root.kind == "stage" and root.name != what:
            notes.append(f"{what} is an out of {root.name}: this is what made that stage's outs")
        if root.kind == "row":
            nodes |= self._with_exposure(root, nodes)
        notes += self._homonyms(what, root)
        corpus = self._corpus(root)
        found = (
            reruns(self.data.project, self.catalogue, corpus, nodes, edges) if direction == "forward" and corpus else []
        )
        return Trace(what, direction, root.id, nodes, edges, tuple(notes), tuple(found))

    def _root(self, what: str) -> tuple[Node, list[Edge], Direction]:
        """Return the node of a question, its first edges, and the direction."""
        if (found := self._single(what)) is not None:
            direction: Direction = "forward" if found.startswith(("recording:", "patient:")) else "backward"
            kind, _, name = found.partition(":")
            return self.types[kind].node(name), neighbours(self.types, found, direction), direction
        if (cycle := self._id(what, self.data.cycles)) is not None:
            ends = list(self._ends(cycle))
            return self._row(cycle, ends), [Edge(end, f"row:{cycle}", how) for end, how in ends], "backward"
        if weights := self._weights(what):
            root = Node(f"model:{what}", what, {"path": what, "weights": weights})
            return root, [Edge(f"weights:{name}", root.id, "holds") for name in weights], "backward"
        if (maker := self._maker(what)) is not None:
            kind, _, name = maker.partition(":")
            return self.types[kind].node(name), neighbours(self.types_of_stages, maker, "backward"), "backward"
        if what == SCORE:
            raise damaged(METRICS, "the file is missing")
        candidates = list(self._candidates())
        close = get_close_matches(what, candidates, n=5, cutoff=0.5) or [one for one in candidates if what in one][:5]
        hint = f"did you mean {', '.join(close)}?" if close else f"ask about: {EXAMPLES}"
        raise BreathlineError(f"There is nothing called `{what}` here.", hint=hint)

    def _single(self, what: str) -> str | None:
        """Return the id of the single node that a question names, or None."""
        prefix, _, name = what.partition(":")
        if prefix == "patient" and (patient := self._id(name, self.data.recordings_of)) is not None:
            return f"patient:{patient}"
        path = Path(what)
        corpus = next((one for one in self.data.corpora.values() if path.parent == one.raw / AUDIO), None)
        recording = self._id(qualified(corpus, path.stem) if corpus else what, self.data.recordings)
        if recording is not None:
            return f"recording:{recording}"
        if what == str(SOFT_LABELS) and self.catalogue.labelled:
            return "soft_labels:train"
        if what in self.catalogue.figure_groups:
            return f"figures:{what}"
        key = self._metric(what)
        return f"metric:{key}" if key is not None else None

    def _id(self, what: str, known: Collection[str]) -> str | None:
        """Return the id that a question means: as it is, with its corpus before it, or without a corpus.

        Raises:
            BreathlineError: Several external corpora have the id, and no corpus to learn from.
        """
        name, _, rest = what.partition(SEPARATOR)
        corpus = self.data.corpora.get(name) if rest else None
        if corpus is not None and corpus.role == "training":
            what = rest
        if what in known:
            return what
        others = self._in_external(what, known)
        if len(others) > 1:
            hint = f"name one of them: {', '.join(others)}"
            raise BreathlineError(
                f"{len(others)} external corpora have `{what}`.", where="params.yaml: external", hint=hint
            )
        return others[0] if others else None

    def _in_external(self, id_: str, known: Collection[str]) -> list[str]:
        """Return the ids of the rows of external corpora with this name."""
        return [one for corpus in self.data.external if (one := qualified(corpus, id_)) in known]

    def _homonyms(self, what: str, root: Node) -> Iterator[str]:
        """Yield a note for each external corpus that has the same id, if the question names no corpus."""
        if any(f"{name}{SEPARATOR}" in what for name in self.data.corpora):
            return
        known: dict[str, Collection[str]]
        known = {"patient": self.data.recordings_of, "recording": self.data.recordings, "row": self.data.cycles}
        for other in self._in_external(root.name, known[root.kind]) if root.kind in known else ():
            name = f"patient:{other}" if root.kind == "patient" else other
            yield f"the external corpus {other.partition(SEPARATOR)[0]} has one of this name as well: ask about {name}"

    def _corpus(self, root: Node) -> CorpusFolders | None:
        """Return the corpus of a recording or patient; None for other nodes."""
        if root.kind == "patient":
            return self.data.corpus_of_recording(self.data.recordings_of[root.name][0])
        return self.data.corpus_of_recording(root.name) if root.kind == "recording" else None

    def _metric(self, what: str) -> str | None:
        """Return the key in metrics.json that a question names; ``score`` is the student's strict Score."""
        metrics = self.data.json(METRICS)
        if what == SCORE and metrics:
            return f"student.{metrics['selections'][0]}.score_strict.mean"
        if what in flatten(metrics):
            return what
        if what not in flatten(self.data.json(SCORES)):
            return None
        # The keys of scores.json begin with the selection, and the student's figures are means.
        sections = (f"external.{corpus.name}." for corpus in self.data.external)
        section = next((one for one in sections if what.startswith(one)), "")
        selection, model, figure = what.removeprefix(section).split(".", 2)
        key = f"{section}{model}.{selection}.{figure}"
        return f"{key}.mean" if isinstance(value_at(metrics, key), dict) else key

    def _weights(self, what: str) -> list[str]:
        """Return the names of the weights below a path, such as ``data/student/1`` or ``teacher/t1``.

        The folder of an export leads to the weights of its student.
        """
        wanted = what.rstrip("/")
        found = []
        for model in self.catalogue.models.values():
            for name in model.weights:
                path = f"{model.folder}/{name.rpartition('/')[2]}.safetensors"
                given = {path, name, model.folder, model.name, model.folder.removeprefix("data/")}
                if name.rpartition("/")[2] == SELECTION and Path(model.folder).parent == STUDENTS:
                    given.add((EXPORTS / Path(model.folder).name).as_posix())
                if wanted in given | {model.folder.rpartition("/")[0], model.name.partition("/")[0]}:
                    found.append(name)
        return found

    def _maker(self, what: str) -> str | None:
        """Return the id of a stage by its name, or of the node that represents an out or a path in it."""
        project, path = self.data.project, what.rstrip("/")
        if path in project.stages:
            return f"stage:{path}"
        stage = project.maker(path)
        if stage is None:
            return None
        if path in project.stages[stage].outs or self.data.is_recorded(path):
            shows = stage in (EVALUATE, REPORT) and path.startswith("reports/")
            return f"reports:{stage}" if shows else f"stage:{stage}"
        if self.data.exists(path):
            hint = f"`breathline audit verify` says more; `breathline audit trace {stage}` shows the stage's outs"
            raise BreathlineError("No record names this file.", where=path, hint=hint)
        return None

    def _ends(self, cycle: str) -> Iterator[tuple[str, str]]:
        """Yield the last artifacts of a cycle with their roles: predictions, or else its soft label, or the cycle."""
        if self.data.predicted_models and self.data.is_tested(cycle):
            # Students come first, because questions are mostly about them.
            for model, selection in sorted(self.data.predicted_models, key=lambda pair: (pair[0][:3] != "stu", pair)):
                yield f"prediction:{model}/{selection}/{cycle}", "predicted"
        elif has_soft_label(self.data, self.catalogue, cycle):
            yield f"soft_label:{cycle}", "labelled"
        else:
            yield f"cycle:{cycle}", "extracted"

    def _row(self, cycle: str, ends: list[tuple[str, str]]) -> Node:
        row = self.data.cycles[cycle]
        subset = self.data.subsets.get(cycle)
        what = f"{len(ends)} predictions of" if self.data.is_tested(cycle) and len(ends) > 1 else "what became of"
        facts = {"cycle_id": cycle, "patient_id": row["patient_id"], "subset": subset}
        return Node(f"row:{cycle}", f"{what} {cycle}", facts)

    def _with_exposure(self, root: Node, nodes: dict[str, Node]) -> dict[str, Node]:
        """Return the models of a trace, with the number of cycles of the root's patient that they have seen."""
        patient, found, patients = root.facts["patient_id"], {}, self.data.cycles.values_of("patient_id")
        for node in nodes.values():
            if node.kind != "weights":
                continue
            name, _, selection = node.name.rpartition("/")
            model = self.catalogue.models[name]
            seen = {
                one: sum(patients[cycle] == patient for cycle in self.catalogue.members(one))
                for one in (model.trained_on, *model.selection_sets(selection))
            }
            facts: dict[str, Any] = {**node.facts, f"cycles_of_patient_{patient}": seen}
            learned = seen[model.trained_on]
            words = f"learned from {learned} cycles of" if learned else "never learned from"
            found[node.id] = Node(node.id, f"{node.label}, {words} patient {patient}", facts, node.group)
        return found

    def _candidates(self) -> Iterator[str]:
        yield SCORE
        yield from self.catalogue.figure_groups
        yield from flatten(self.data.json(METRICS))
        yield from (model.folder for model in self.catalogue.models.values())
        yield from (f"patient:{patient}" for patient in self.data.recordings_of)
        yield from self.data.recordings
        yield from self.data.cycles
