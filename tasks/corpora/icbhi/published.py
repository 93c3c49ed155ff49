"""Published results of four lung sounds on the official split of the complete ICBHI 2017 database, in percent.

Results of different definitions (strict, lenient) and of differently chosen epochs are never in one row or table.
"""

from __future__ import annotations

from functools import partial

from tasks.runtime.corpus_facts import Published

_of = partial(Published, labels="lungsound_4", split="official")
_STRICT_PAPER = partial(_of, definition="strict", selection="paper")  # the epoch chosen on the test set
_STRICT_VAL = partial(_of, definition="strict", selection="val")  # the test set used once, after the training
_LENIENT_PAPER = partial(_of, definition="lenient", selection="paper")
_PATCHMIX = ("patchmix_cl", "patchmix_cl_published")

PUBLISHED = (
    _STRICT_PAPER(method="ResNet18, fine-tuned (Toikkanen & Kim, 2025)", sp="76.70", se="33.47", score="55.09 ± 0.82"),
    _STRICT_PAPER(
        method="ResNet18 distilled from 5 (Toikkanen & Kim, 2025)",
        sp="81.41",
        se="31.11",
        score="56.26 ± 0.85",
        recipes=("kd_resnet18",),
    ),
    _STRICT_PAPER(
        method="EfficientNet, fine-tuned (Toikkanen & Kim, 2025)", sp="78.21", se="34.44", score="56.33 ± 0.43"
    ),
    _STRICT_PAPER(method="CNN6, fine-tuned (Toikkanen & Kim, 2025)", sp="77.00", se="37.35", score="57.17 ± 0.81"),
    _STRICT_PAPER(
        method="EfficientNet distilled from 5 (Toikkanen & Kim, 2025)",
        sp="79.26",
        se="36.09",
        score="57.68 ± 1.48",
        recipes=("kd_efficientnet",),
    ),
    _STRICT_PAPER(
        method="CNN6 distilled from 5 (Toikkanen & Kim, 2025)",
        sp="85.57",
        se="30.77",
        score="58.17 ± 0.60",
        recipes=("kd_cnn6",),
    ),
    _STRICT_PAPER(method="AST, fine-tuned (2023)", sp="77.14", se="41.97", score="59.55 ± 0.88", recipes=("ast_ce",)),
    _STRICT_PAPER(
        method="AST distilled from 5 (Toikkanen & Kim, 2025)",
        sp="79.24",
        se="42.92",
        score="61.08 ± 1.26",
        recipes=("kd_ensemble", "kd_ensemble_clap"),
    ),
    _STRICT_PAPER(
        method="Patch-Mix CL, an independent rerun (2026)", sp="–", se="–", score="61.49 ± 0.91", recipes=_PATCHMIX
    ),
    _STRICT_PAPER(
        method="Patch-Mix CL (Bae et al., 2023)", sp="81.66", se="43.07", score="62.37 ± 0.61", recipes=_PATCHMIX
    ),
    _STRICT_PAPER(method="BTS, with metadata as text (2024)", sp="81.40", se="45.67", score="63.54 ± 0.80"),
    _STRICT_PAPER(
        method="BTS-d, distilled from 15 (Toikkanen & Kim, 2025)", sp="82.89", se="45.90", score="64.39 ± 0.42"
    ),
    _STRICT_VAL(method="AST, frozen, with a head (2026)", sp="–", se="–", score="54.7 ± 1.3"),
    _STRICT_VAL(
        method="Patch-Mix CL, an independent rerun, last epoch (2026)",
        sp="–",
        se="–",
        score="59.59 ± 0.47",
        recipes=_PATCHMIX,
    ),
    _LENIENT_PAPER(method="AST, fine-tuned", sp="77.14", se="56.40", score="66.77", recipes=("ast_ce",)),
    _LENIENT_PAPER(
        method="SAM + AST (2025; epoch chosen by the lenient Score)",
        sp="67.89",
        se="68.31",
        score="68.10",
        recipes=("sam_ast",),
    ),
    _LENIENT_PAPER(
        method="SAM + AST, an independent rerun", sp="82.84", se="54.46", score="68.65", recipes=("sam_ast",)
    ),
    _LENIENT_PAPER(method="Patch-Mix CL", sp="81.66", se="55.77", score="68.71", recipes=_PATCHMIX),
    _LENIENT_PAPER(method="SG-SCL", sp="79.87", se="57.97", score="68.93"),
)
