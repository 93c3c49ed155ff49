"""Changed parts of an example page, each with the line that names what is wrong."""

import re
from collections.abc import Callable

from tests.recompute.inventory import TILES

BETWEEN = "exchanged"  # text that is on no page
SEED = r"<tr>(?:(?!<tr>).)*student seed 2</th>.*?</tr>"
EXAMPLE, ERRORS = r"<article(?:(?!<article).)*?</article>", "Most confident errors of each class"
IMAGES = r'(<img src=")([^"]*)("[^>]*>.*?<img src=")([^"]*)'
INVENTED = "<p>The student finds 95 % of all crackles.</p></section>"


def exchanged(label: str, one: str, other: str) -> tuple[str, Callable[[re.Match[str]], str]]:
    """Return the pattern of a figure, and a function that exchanges two texts of it."""

    def replace(found: re.Match[str]) -> str:
        html = found[0].replace(f">{one}<", BETWEEN).replace(f">{other}<", f">{one}<")
        return html.replace(BETWEEN, f">{other}<")

    return rf'aria-label="{label}.*?</svg>', replace


# The section, the pattern of its part, the part that replaces it, and the line.
CHANGES = [
    ("results", r'<section id="results".*?</section>', "", "section: 0 times, expected 1"),
    ("results", r'<section id="results".*?</section>', r"\g<0>\g<0>", "section: 2 times, expected 1"),
    ("results", "<svg.*</svg>", "", "figure Strict and lenient.*: 0 times, expected 2"),
    ("results", "<svg.*?</svg>", "", "figure Strict and lenient.*: 1 times, expected 2"),
    ("results", '<div class="tiles">.*?(?=<p)', "", f"text .*{TILES[0]}.*: 0 times, expected 1"),
    ("results", "<table.*?</table>", "", "4 tables, expected 5; missing: .*"),
    ("results", SEED, "", "table Epoch.*: 8 rows, expected 9"),
    ("results", SEED, r"\g<0>\g<0>", "table Epoch.*: 10 rows, expected 9"),
    ("results", "(>student seed 2)<", r"\1 (degenerate)<", "table .*: row student seed 2 .*, expected .* 2"),
    ("results", "<th[^>]*>Sp<", "<th>PPV<", r"table .*: columns \['PPV'.*, expected \['Sp'.*"),
    ("results", r"(<td>\d\d\.\d <small>)±", r"\1to", "student, mean of 2 seeds, Score: .* should have ±"),
    ("results", "a dash: fewer than 3", "a dash: fewer than 5", "unknown number in: .* fewer than 5 .*"),
    (
        "results",
        *exchanged("Strict and", "ensemble of teachers", "baseline plain"),
        ".*: text ens.*, expected base.*",
    ),
    ("classes", "(>)normal(</th><th[^>]*>)crackle<", r"\1crackle\2normal<", "table Confusion.*: columns .*"),
    (
        "classes",
        *exchanged("ROC", "normal (area 0.89)", "crackle (area 0.89)"),
        ".*: text crackle .*, expected nor.*",
    ),
    ("classes", ">false positive rate<", ">recall<", "ROC .*: text recall, expected false positive rate"),
    ("classes", r'(="ROC.*?clip-path[^>]*: )var\(--c0\)', r"\1var(--c5)", "ROC .*: the colour of normal .*"),
    ("classes", r'<path d="([^"]*" clip-path[^>]*c0)', r'<path e="\1', "ROC .*: argument of type .*"),
    ("further_metrics", r"65\.6 %", "95 %", "at a prevalence .*: shown .* 95 %, recomputed 65.62"),
    ("further_metrics", "</section>", INVENTED, "unknown number in: .*95.*"),
    ("corpora", ">official<", ">fold 7<", "one, test: shown fold 7, recomputed official"),
    ("groups", "fewer than 3", "fewer than 5", "unknown number in: .* fewer than 5 .*"),
    ("decision_rules", *exchanged("Net", "student", "ensemble"), "Net benefit .*: text ensemble, expected student"),
    ("decision_rules", "(<svg.*?</svg>)(.*?)(<svg.*?</svg>)", r"\3\2\1", "order of figures: Net.*; Strict.*"),
    (
        "recordings",
        "(.*<h2.*?</h2>)(.*)(<div.*?>Per patient<.*</div>)",
        r"\1\3\2",
        "table Per pat.*: expected Per rec.*",
    ),
    ("recordings", "Results per recording", "Results per patient", "text <h2.*: 0 times, expected 1"),
    ("gallery", rf"({EXAMPLE})(\s*)({EXAMPLE})", r"\3\2\1", f"{ERRORS}: (.*), (.*), (.*), expected (?!\\1).*"),
    ("gallery", '<div class="muted">', "<div>", f"{ERRORS}: , .*, expected .*"),
    ("gallery", EXAMPLE, "", f"{ERRORS}: .*, expected .*"),
    ("gallery", EXAMPLE, r"\g<0>\g<0>", f"{ERRORS}: (.*), \\1, .*, expected .*"),
    (
        "gallery",
        "Most uncertain",
        "Least uncertain",
        "headings .*; Least uncertain; .*, expected .*; Most uncertain; .*",
    ),
    ("gallery", '(alt="log-mel energies of \\w+)', r"\1_1", ".*: beside it .*_1; .*, expected .*"),
    ("gallery", "(audit trace \\w+)", r"\1_1", ".*: beside it .*_1; .*, expected .*"),
    ("gallery", '(aria-label="sound of )', r"\1silence and ", ".*: beside it .*silence.*, expected .*"),
    ("gallery", "score of wheeze depends", "score of both depends", ".*: beside it .* both .*, expected .* wheeze .*"),
    ("gallery", IMAGES, r"\1\4\3\4", ".*: the spectrogram of another cycle"),
    ("gallery", IMAGES, r"\1\2\3\2", ".*: the map of another cycle"),
    ("gallery", IMAGES.replace("<img", "<audio[^>]*"), r"\1\4\3\2", ".*: the sound of another cycle"),
    ("gallery", '(src="data:audio[^,]*,)[^"]*', r"\1AAAA", ".*: a damaged picture or sound"),
    ("maps", "True class: crackle", "True class: both", ".*_001: True class: crackle. .*: wheeze. "),
    (
        "maps",
        ">student/2: deletion",
        ">teacher/a: deletion",
        "figure deletion .*: below .* teacher/a: .*, expected stu.*",
    ),
    ("maps", ">seconds<", ">minutes<", "Layer-CAM of .* by student/2: .*seconds.*"),
    (
        "maps",
        r'(="Layer-CAM of .*?)>0\.2<',
        r"\1>0.5<",
        "Layer-CAM of .* by student/2: 0.5 is at .* pixels, expected .*",
    ),
    ("maps", ">1,000<", ">2,000<", "Layer-CAM of .* by student/2: texts .*; 2,000; .*"),
    ("training", "<h3>Loss on", "<h3>Score on", "figure Training loss.*: below .* Score on.*, expected Loss on.*"),
    ("training", ">scratch<", ">imagenet<", "teacher/a, initial weights: shown imagenet, recomputed scratch"),
    ("training", *exchanged("Training", "student/2", "teacher/a"), "Training .*: text student/2, expected teacher/a"),
    ("data_checks", ">one</th>", ">theirs</th>", "theirs: 'theirs'"),
    ("data_checks", ">one</a>", ">two</a>", "one, Data Docs: shown two, recomputed one"),
]
