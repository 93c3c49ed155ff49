"""Published Scores of four lung sounds on the official split of the complete database, to be set beside a run on it.

Figures of different definitions (strict, lenient) and of epochs chosen differently are never in one row or table.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """A published result, in percent; the Score with its standard deviation over seeds, where there is one."""

    method: str
    sp: str
    se: str
    score: str


# Se strict; the epoch chosen on the test set.
STRICT_PAPER = (
    Published("AST, fine-tuned (2023)", "77.14", "41.97", "59.55 ± 0.88"),
    Published("AST distilled from 5 (Toikkanen & Kim, 2025)", "79.24", "42.92", "61.08 ± 1.26"),
    Published("Patch-Mix CL, an independent rerun (2026)", "–", "–", "61.49 ± 0.91"),
    Published("Patch-Mix CL (Bae et al., 2023)", "81.66", "43.07", "62.37 ± 0.61"),
    Published("BTS, with metadata as text (2024)", "81.40", "45.67", "63.54 ± 0.80"),
    Published("BTS-d, distilled from 15 (Toikkanen & Kim, 2025)", "82.89", "45.90", "64.39 ± 0.42"),
)
# Se strict; the test set touched once, after the training.
STRICT_HONEST = (
    Published("AST, frozen, with a head (2026)", "–", "–", "54.7 ± 1.3"),
    Published("Patch-Mix CL, an independent rerun, last epoch (2026)", "–", "–", "59.59 ± 0.47"),
)
# Se lenient; the epoch chosen on the test set.
LENIENT_PAPER = (
    Published("AST, fine-tuned", "77.14", "56.40", "66.77"),
    Published("SAM + AST (2025)", "67.89", "68.31", "68.10"),
    Published("Patch-Mix CL", "81.66", "55.77", "68.71"),
    Published("SG-SCL", "79.87", "57.97", "68.93"),
)
