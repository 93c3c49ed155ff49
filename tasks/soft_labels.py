"""Stage `soft_labels`: logits of all teachers and soft labels of the training side."""

from typing import Any

from models.training.settings import ComputeSettings
from tasks import artifacts
from tasks.distillation.labelling import decide, label, predict_logits, table
from tasks.distillation.settings import SoftLabelSettings
from tasks.runtime import files, item_folders, params
from tasks.runtime.stage import stage
from tasks.subsets import assignment
from tasks.training import teachers
from tasks.training.torch_setup import set_up


def main() -> None:
    """Run the stage."""
    decided: dict[str, Any] = {}
    with stage("soft_labels", decided) as log:
        read = params.read()
        settings = params.parse(SoftLabelSettings, params.section(read, "soft_labels"), "soft_labels")
        compute = params.parse(ComputeSettings, params.section(read, "compute"), "compute")
        known = teachers.read(read)
        item_folders.check(artifacts.TEACHERS, known, "Trained teachers")
        assigned = assignment.from_params(read)
        set_up(compute)
        decided |= decide(known, settings, assigned, artifacts.TEACHERS)
        logits = predict_logits(
            list(known), assigned, folder=artifacts.TEACHERS, caches=artifacts.FEATURE_CACHES, compute=compute
        )
        chosen = teachers.choose(known, settings, artifacts.TEACHERS)
        soft = label({name: logits[name] for name in chosen}, known, assigned, settings) if chosen else None
        labelled = table(assigned.cycles("train", "val"), logits, soft)
        files.write_table(artifacts.SOFT_LABELS, labelled)
        source = f"{len(chosen)} teachers ({', '.join(chosen)}), {settings.exposure}" if chosen else "no teacher"
        log.info("Soft labels of %d cycles from %s", labelled.num_rows, source)


if __name__ == "__main__":
    main()
