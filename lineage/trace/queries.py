"""What is asked about, in the words in which it is asked, and the answer."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any

from lineage.project import Project
from lineage.trace import byte_layout, consistency
from lineage.trace.catalogue import Catalogue
from lineage.trace.cycle_nodes import has_soft_label
from lineage.trace.evaluation_nodes import at, keys
from lineage.trace.project_data import METRICS, SCORES, SOFT_LABELS, Evidence
from lineage.trace.provenance_graph import Direction, Edge, Node, Trace
from lineage.trace.rerun_list import reruns
from lineage.trace.stage_nodes import Stages
from lineage.trace.traversal import Kind, kinds, neighbours, walk
from tasks.runtime.errors import BreathlineError

SCORE = "score"
EXAMPLES = "score, student.val.sp.mean, data/student/1, a cycle_id, a recording_id, patient:101, a file, a stage"


class Questions:
    """Answers questions about a project.

    Args:
        project: With its records.
    """

    def __init__(self, project: Project) -> None:
        self.evidence = Evidence(project)
        self.catalogue = Catalogue(self.evidence)
        self.kinds: dict[str, Kind] = kinds(self.evidence, self.catalogue)
        self.whole: dict[str, Kind] = {**self.kinds, "stage": Stages(self.evidence, whole=True)}

    def ask(self, what: str) -> Trace:
        """Return what made a metric, a model, a prediction or a file, or what a recording or a patient influenced.

        Args:
            what: ``score`` or a key of the metrics; a model's folder or file; a `cycle_id`; a `recording_id`, its wav
                file or annotation; ``patient:<number>``; any other out, or a stage.

        Raises:
            BreathlineError: There is no such thing; the error tells what may have been meant.
        """
        root, first, direction = self._root(what)
        nodes, edges = walk(self.whole if root.kind == "stage" else self.kinds, root, first, direction)
        forward = direction == "forward"
        notes = [*consistency.of(self.evidence), *consistency.cautions(root, self.evidence)]
        if root.kind == "stage" and root.name != what:
            notes.append(f"{what} is an out of {root.name}: this is what made that stage's outs")
        if root.kind == "row":
            nodes |= self._exposed(root, nodes)
        return Trace(
            question=what,
            direction=direction,
            root=root.id,
            nodes=nodes,
            edges=edges,
            notes=tuple(notes),
            reruns=tuple(
                reruns(self.evidence.project, self.catalogue.models.values(), nodes, edges) if forward else ()
            ),
        )

    def _root(self, what: str) -> tuple[Node, list[Edge], Direction]:
        """Return the node that is meant, the edges to begin with, and the direction of the question."""
        if (found := self._single(what)) is not None:
            direction: Direction = "forward" if found.startswith(("recording:", "patient:")) else "backward"
            kind, _, name = found.partition(":")
            return self.kinds[kind].node(name), neighbours(self.kinds, found, direction), direction
        if what in self.evidence.cycles:
            ends = list(self._ends(what))
            return self._row(what, ends), [Edge(end, f"row:{what}", how) for end, how in ends], "backward"
        if weights := self._weights(what):
            root = Node(f"model:{what}", what, {"path": what, "weights": weights})
            return root, [Edge(f"weights:{name}", root.id, "holds") for name in weights], "backward"
        if (maker := self._maker(what)) is not None:
            kind, _, name = maker.partition(":")
            return self.kinds[kind].node(name), neighbours(self.whole, maker, "backward"), "backward"
        candidates = list(self._candidates())
        close = get_close_matches(what, candidates, n=5, cutoff=0.5) or [one for one in candidates if what in one][:5]
        hint = f"did you mean {', '.join(close)}?" if close else f"ask about: {EXAMPLES}"
        raise BreathlineError(f"There is nothing called `{what}` here.", hint=hint)

    def _single(self, what: str) -> str | None:
        """Return the id of the one node that is meant, if it is one."""
        prefix, _, name = what.partition(":")
        if prefix == "patient" and name in self.evidence.recordings_of:
            return what
        recording = byte_layout.recording(what) or what
        if recording in self.evidence.recordings:
            return f"recording:{recording}"
        if what == SOFT_LABELS and self.catalogue.labelled:
            return "soft_labels:train"
        if what in self.catalogue.figures:
            return f"figures:{what}"
        key = self._metric(what)
        return f"metric:{key}" if key is not None else None

    def _metric(self, what: str) -> str | None:
        """Return the key in metrics.json that is meant; ``score`` is the student's strict Score."""
        metrics = self.evidence.json(METRICS)
        if what == SCORE and metrics:
            return f"student.{metrics['selections'][0]}.score_strict.mean"
        if what in keys(metrics):
            return what
        if what not in keys(self.evidence.json(SCORES)):
            return None
        # scores.json puts the selection first, and of the student the means alone.
        selection, model, figure = what.split(".", 2)
        key = f"{model}.{selection}.{figure}"
        return f"{key}.mean" if isinstance(at(metrics, key), dict) else key

    def _weights(self, what: str) -> list[str]:
        """Return the names of the weights below a path, such as ``data/student/1`` or ``teacher/t1``."""
        wanted = what.rstrip("/")
        found = []
        for model in self.catalogue.models.values():
            for name, selection in zip(model.weights, model.selections, strict=True):
                path = f"{model.folder}/{selection}.safetensors"
                given = {path, name, model.folder, model.name, model.folder.removeprefix("data/")}
                if wanted in given | {model.folder.rpartition("/")[0], model.name.partition("/")[0]}:
                    found.append(name)
        return found

    def _maker(self, what: str) -> str | None:
        """Return the id of a stage by its name, or of what stands for an out or something in it."""
        project, path = self.evidence.project, what.rstrip("/")
        if path in project.stages:
            return f"stage:{path}"
        stage = project.maker(path)
        if stage is None:
            return None
        if path in project.stages[stage].outs or self.evidence.made(path):
            return "reports:evaluate" if stage == "evaluate" and path.startswith("reports/") else f"stage:{stage}"
        if self.evidence.exists(path):
            hint = f"`breathline audit verify` tells more; `breathline audit trace {stage}` what made its other outs"
            raise BreathlineError("No stage says that it made this.", where=path, hint=hint)
        return None

    def _ends(self, cycle: str) -> Iterator[tuple[str, str]]:
        """Yield what came of a cycle, each with its role: its predictions, or its soft label, or else the cycle."""
        if self.evidence.judged and self.evidence.subsets.get(cycle) == "test":
            # Students first: they are what is asked about.
            for model, selection in sorted(self.evidence.judged, key=lambda pair: (pair[0][:3] != "stu", pair)):
                yield f"prediction:{model}/{selection}/{cycle}", "predicted"
        elif has_soft_label(self.evidence, self.catalogue, cycle):
            yield f"soft_label:{cycle}", "labelled"
        else:
            yield f"cycle:{cycle}", "extracted"

    def _row(self, cycle: str, ends: list[tuple[str, str]]) -> Node:
        row = self.evidence.cycles[cycle]
        subset = self.evidence.subsets.get(cycle)
        what = f"{len(ends)} predictions of" if subset == "test" and len(ends) > 1 else "what became of"
        facts = {"cycle_id": cycle, "patient_id": row["patient_id"], "subset": subset}
        return Node(f"row:{cycle}", f"{what} {cycle}", facts)

    def _exposed(self, root: Node, nodes: dict[str, Node]) -> dict[str, Node]:
        """Return the models of a trace, with how much each has seen of the patient whose cycle is asked about."""
        patient, found = root.facts["patient_id"], {}
        for node in nodes.values():
            if node.kind != "weights":
                continue
            model = self.catalogue.models[node.name.rpartition("/")[0]]
            seen = {
                name: sum(
                    self.evidence.cycles[cycle]["patient_id"] == patient for cycle in self.catalogue.members(name)
                )
                for name in (model.trained_on, *model.judges(node.name.rpartition("/")[2]))
            }
            facts: dict[str, Any] = {**node.facts, f"cycles_of_patient_{patient}": seen}
            learned = seen[model.trained_on]
            words = (
                f"learned from {learned} cycles of patient {patient}"
                if learned
                else f"never learned from patient {patient}"
            )
            found[node.id] = Node(node.id, f"{node.label}, {words}", facts, node.group)
        return found

    def _candidates(self) -> Iterator[str]:
        yield SCORE
        yield from self.catalogue.figures
        yield from keys(self.evidence.json(METRICS))
        yield from (model.folder for model in self.catalogue.models.values())
        yield from (f"patient:{patient}" for patient in self.evidence.recordings_of)
        yield from self.evidence.recordings
        yield from self.evidence.cycles
