from flows.publish import verification
from lineage.verify.findings import Finding, Report, Sample
from tests.unit.flows.publish.rendered import cells

CHANGED = {"kind": "out-changed", "where": "data/a|b", "what": "seed: 1 → *2*", "stages": ("train_teacher@t1",)}
OUT = Finding(**CHANGED, downstream=("soft_labels", "train_student@1", "train_student@2"))
MODULE = Finding(kind="module-changed", where="tasks/a.py", what="an uncommitted edit", stages=("extract",))
NOTE = Finding(kind="git-dirty", where=".", what="the tree differs", severity="note")


def report(*findings):
    return Report(findings=findings, checks={}, files=1110, bytes=1_100_000_000)


def test_damage_comes_first_and_later_changes_are_listed_separately():
    found = report(OUT, MODULE, NOTE)
    places = "Not as recorded in 1 place (out-changed): 1,110 files (1.10 GB) read"
    assert verification.headline(found) == f"{places}; 1 change since the run; 1 note."
    text = verification.show(found, "breathline audit verify")
    assert text.startswith("✗ **Not as recorded")
    header = ["kind", "where", "what", "downstream"]
    assert cells(text) == [
        header,
        ["out-changed", "data/a¦b", "seed: 1 → *2*", "soft_labels, train_student (2)"],
        header,
        ["module-changed", "tasks/a.py", "an uncommitted edit", ""],
        header,
        ["git-dirty", ".", "the tree differs", ""],
    ]
    places = [text.index(f"### {title}") for title in ("Not as recorded", "Changed since", "Notes", "What next")]
    assert places == sorted(places)


def test_the_next_step_is_given_once_for_each_family():
    swapped, added = (Finding(kind=kind, where="data/x", what="…") for kind in ("model-swapped", "out-added"))
    computed = Finding(kind="computed-anew", where="cycles", what="…", severity="note")
    steps = verification.show(report(OUT, added, swapped, MODULE, NOTE, computed), "verify").partition("What next")[2]
    families = [line.split(":")[0] for line in steps.splitlines() if line.startswith("- ")]
    assert families == ["- **out**", "- **content**", "- **changed since the run**", "- **git**"]


def test_without_damage_all_is_as_recorded():
    assert verification.headline(report()) == "All as recorded: 1,110 files (1.10 GB) read."
    assert verification.headline(report(MODULE)).endswith("read; 1 change since the run.")
    text = verification.show(report(), "breathline audit verify")
    assert text.startswith("✓ **All as recorded")
    assert cells(text) == []
    assert "What next" not in text


def test_ten_findings_of_a_kind_are_shown_and_the_others_counted():
    many = [Finding(kind="out-changed", where=f"data/{number}", what="…") for number in range(12)]
    text = verification.show(report(*many), "breathline audit verify")
    assert len(cells(text)) == 11
    assert "And 2 more of the kind `out-changed`." in text
    assert "`breathline audit verify --all`" in text


def test_a_line_names_downstream_stages_and_the_command_repeats_the_verification():
    assert verification.line(OUT).endswith("→ *2*; downstream: soft_labels, train_student@1, train_student@2")
    assert verification.command(None, elsewhere=True) == "breathline audit verify --elsewhere"
    told = verification.command(Sample(sample=5, seed=9), elsewhere=False)
    assert told == "breathline audit verify --deep --sample 5 --seed 9"
    told = verification.command(Sample(sample=5, seed=9, retrain=2), elsewhere=False)
    assert told == "breathline audit verify --deep --sample 5 --seed 9 --retrain 2"
