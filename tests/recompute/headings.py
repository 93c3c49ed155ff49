"""Headings of sections, in their order, and of figures: these follow from the text alternative of each."""

import re
from collections.abc import Iterator
from html import unescape

TITLES = {
    "results": "Results",
    "comparisons": "Tests of differences",
    "classes": "Results by class",
    "further_metrics": "Further metrics",
    "corpora": "Results by corpus",
    "recordings": "Results per recording and patient",
    "groups": "Results by group",
    "decision_rules": "Decision rules",
    "calibration": "Calibration",
    "gallery": "Cycles to look at",
    "embeddings": "What the embeddings separate",
    "maps": "What the models look at",
    "sharpness": "Sharpness",
    "training": "Training",
    "domains": "Recordings by corpus and device",
    "data_checks": "Checks of the data",
    "published": "Published figures",
    "provenance": "Provenance",
    "reading": "How to read the figures",
}
# Text alternatives, and the heading above the figure, up to small and capital letters.
HEADINGS = (
    (r"(Score over the number of teachers) .*", r"\1"),
    (r"ROC curve of (each class against the rest)", r"ROC, \1"),
    (r"(Precision over recall) .*", r"\1"),
    (r"Scores(?: by|:) (.*)", r"\1"),
    (r"Strict (sensitivity over specificity), .*", r"\1"),
    (r"Net benefit over the threshold probability", "Decision curve"),
    (r"What (.*) separates", r"\1: test cycles"),
    (r"(t-SNE|PCA) of (.*) by .*", r"\2: \1"),
    (r"(?:deletion|insertion) curves of (.*)", r"\1: deletion and insertion"),
    (r"loss along a random direction", r"\g<0>"),
    (r"loss around .*", "Loss on a plane of two random directions"),
    (r"Score over epochs", "Strict Score on the validation patients"),
    (r"Training loss over epochs", "Loss on the training cycles"),
    (r".* of (.*) by (.*)", r"\2: \1"),  # maps
)
PARTS = re.compile(r'<h3[^>]*>([^<]*)</h3>|<svg[^>]*aria-label="([^"]*)"')


def wrong(html: str) -> Iterator[str]:
    """Yield a line for each figure of a section below another heading than its own."""
    above = "none"
    for heading, label in PARTS.findall(html):
        above = unescape(heading) or above
        known = (
            re.sub(pattern, own, unescape(label)) for pattern, own in HEADINGS if re.fullmatch(pattern, unescape(label))
        )
        expected = next(known, above)
        if above.lower() != expected.lower():
            yield f"figure {unescape(label)}: below the heading {above}, expected {expected}"
