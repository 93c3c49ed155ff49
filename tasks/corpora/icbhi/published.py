"""Published results of four lung sounds on the official split of the complete ICBHI 2017 database, in percent.

Results of different definitions (strict, lenient) and of differently chosen epochs are never in one row or table.
"""

from __future__ import annotations

from typing import Literal

from tasks.runtime.corpus_facts import Published

_PATCHMIX = ("patchmix_cl", "patchmix_cl_published")
_Row = tuple[str, ...]  # method, Sp, Se, Score, and recipes of the same method


def _published(
    definition: Literal["strict", "lenient"], selection: Literal["paper", "val"], *rows: _Row
) -> list[Published]:
    """Return the results of one definition of sensitivity and one choice of the epoch."""
    of = {"labels": "lungsound_4", "split": "official"}
    return [
        Published(
            method=method,
            sp=sp,
            se=se,
            score=score,
            recipes=tuple(recipes),
            definition=definition,
            selection=selection,
            **of,
        )
        for method, sp, se, score, *recipes in rows
    ]


PUBLISHED = (
    *_published(  # the epoch chosen on the test set
        "strict",
        "paper",
        ("ResNet18, fine-tuned (Toikkanen & Kim, 2025)", "76.70", "33.47", "55.09 ± 0.82"),
        ("ResNet18 distilled from 5 (Toikkanen & Kim, 2025)", "81.41", "31.11", "56.26 ± 0.85", "kd_resnet18"),
        ("EfficientNet, fine-tuned (Toikkanen & Kim, 2025)", "78.21", "34.44", "56.33 ± 0.43"),
        ("CNN6, fine-tuned (Toikkanen & Kim, 2025)", "77.00", "37.35", "57.17 ± 0.81"),
        ("EfficientNet distilled from 5 (Toikkanen & Kim, 2025)", "79.26", "36.09", "57.68 ± 1.48", "kd_efficientnet"),
        ("CNN6 distilled from 5 (Toikkanen & Kim, 2025)", "85.57", "30.77", "58.17 ± 0.60", "kd_cnn6"),
        ("AST, fine-tuned (2023)", "77.14", "41.97", "59.55 ± 0.88", "ast_ce"),
        (
            "AST distilled from 5 (Toikkanen & Kim, 2025)",
            "79.24",
            "42.92",
            "61.08 ± 1.26",
            "kd_ensemble",
            "kd_ensemble_clap",
        ),
        ("Patch-Mix CL, an independent rerun (2026)", "–", "–", "61.49 ± 0.91", *_PATCHMIX),
        ("Patch-Mix CL (Bae et al., 2023)", "81.66", "43.07", "62.37 ± 0.61", *_PATCHMIX),
        ("BTS, with metadata as text (2024)", "81.40", "45.67", "63.54 ± 0.80"),
        ("BTS-d, distilled from 15 (Toikkanen & Kim, 2025)", "82.89", "45.90", "64.39 ± 0.42"),
    ),
    *_published(  # the test set used once, after the training
        "strict",
        "val",
        ("AST, frozen, with a head (2026)", "–", "–", "54.7 ± 1.3"),
        ("Patch-Mix CL, an independent rerun, last epoch (2026)", "–", "–", "59.59 ± 0.47", *_PATCHMIX),
    ),
    *_published(
        "lenient",
        "paper",
        ("AST, fine-tuned", "77.14", "56.40", "66.77", "ast_ce"),
        ("SAM + AST (2025; epoch chosen by the lenient Score)", "67.89", "68.31", "68.10", "sam_ast"),
        ("SAM + AST, an independent rerun", "82.84", "54.46", "68.65", "sam_ast"),
        ("Patch-Mix CL", "81.66", "55.77", "68.71", *_PATCHMIX),
        ("SG-SCL", "79.87", "57.97", "68.93"),
    ),
)
