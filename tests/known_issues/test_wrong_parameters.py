"""Wrong edits of params.yaml by hand: most were found only when a stage ran, or never."""

import re
from pathlib import Path

import pytest

from tasks.parameters import judge

ROOT = Path(__file__).parents[2]
TRANSFORMER = """\
  transformer_s1:
    architecture: ast
    options: {size: tiny, depth: 2, stride: 16, pool: mean}
    frontend: ast
    weights: scratch
    seed: 1
    override: {optimizer: {lr: 0.0005}, schedule: {epochs: 4}}
"""
# The committed file, with a teacher that has patches and a front end of its own.
TEXT = (
    (ROOT / "params.yaml")
    .read_text(encoding="utf-8")
    .replace("\nfrontends:\n", "\nfrontends:\n  ast: {duration_s: 2.5}\n")
    .replace("\nsoft_labels:\n", f"{TRANSFORMER}\nsoft_labels:\n")
)


def in_section(section: str, old: str, new: str) -> str:
    """Return params.yaml with a text after the start of a section replaced."""
    start = TEXT.index(f"\n{section}:")
    place = TEXT.index(old, start)
    return TEXT[:place] + new + TEXT[place + len(old) :]


FROM, DEMO = "    source: publisher\n", "{format: demo, source: publisher}"
# Section, text, text of the edit; key at fault, and words of the message.
EDITS = [
    # unknown and missing keys, at any level
    ("student", "student:", "studnet:", "studnet", "is unknown; did you mean student?"),
    ("student", "student:", "studnet:", "student", "is missing"),
    ("student", "optimizer:", "optimiser:", "student.optimiser", "did you mean optimizer?"),
    ("student", "    rho: 0.02\n", "    roh: 0.02\n", "student.optimizer.roh", "did you mean rho?"),
    ("student", "    lr: 0.004\n", "", "student.optimizer.lr", "is missing; allowed: a number, above 0"),
    ("student", "  patience: 0\n", "", "student.patience", "is missing"),
    ("validate", "names: error", "nmaes: error", "validate.severity.nmaes", "did you mean names?"),
    ("teachers", "    override: {}", "    override: {epoch: 3}", "teachers.cnn_s1.override.epoch", "is unknown"),
    ("evaluation", "  seed: 0", "  sed: 0", "evaluation.sed", "did you mean seed?"),
    ("corpora", "patients: 60", "patient: 60", "corpora.demo.demo.patient", "did you mean patients?"),
    ("labels", "heads: {}", "heads: {hospital: lungsound_4}", "heads.hospital", "is no training corpus"),
    ("labels", "heads: {}", "heads: {hospital: lungsound_4}", "heads.demo", "is missing; allowed: lungsound_4"),
    ("labels", "heads: {}", "heads: {demo: lungsound_5}", "heads.demo", "did you mean lungsound_4?"),
    ("labels", "heads: {}", "heads: {demo: lungsound_4}", "heads", "cannot be used with teachers"),
    # types
    ("student", "rho: 0.02", 'rho: "abc"', "student.optimizer.rho", '"abc"; allowed: a number from 0'),
    ("student", "lr: 0.004", 'lr: "1e-3"', "student.optimizer.lr", "a number, above 0"),
    ("student", "lr: 0.004", "lr: 1,5", "student.optimizer.lr", "a number, above 0"),
    ("student", "epochs: 12", "epochs: 8.5", "student.schedule.epochs", "a whole number from 1"),
    ("student", "epochs: 12", "epochs: true", "student.schedule.epochs", "true; allowed: a whole number"),
    ("student", "batch_size: 8", "batch_size: null", "student.batch_size", "null; allowed: a whole number"),
    ("student", "adaptive: false", "adaptive: no", "student.optimizer.adaptive", '"no"; allowed: true or false'),
    ("student", "  optimizer:\n", "  optimizer: sam\n  x:\n", "student.optimizer", "a mapping with the keys name, lr"),
    ("student", "seeds: [1]", "seeds: 1", "student.seeds", "a list (one or more): a whole number"),
    ("student", "milestones: []", "milestones: [a]", "student.schedule.milestones[0]", "a whole number"),
    ("validate", "age: [0, 110]", "age: [0, 110, 5]", "validate.ranges.age", "a list of 2"),
    ("validate", "age: [0, 110]", "age: 110", "validate.ranges.age", "a list of 2"),
    ("corpora", "demo: {seed: 2017, patients: 60}", "demo: [1]", "corpora.demo.demo", "with the keys seed, patients"),
    # ranges
    ("student", "epochs: 12", "epochs: -1", "student.schedule.epochs", "from 1 to 1,000,000"),
    ("student", "epochs: 12", f"epochs: {10**30}", "student.schedule.epochs", "from 1 to 1,000,000"),
    ("student", "rho: 0.02", "rho: -0.05", "student.optimizer.rho", "from 0 to 1,000"),
    ("student", "momentum: 0.9", "momentum: 1", "student.optimizer.momentum", "below 1"),
    ("student", "label_smoothing: 0.0", "label_smoothing: 1.0", "student.objective.label_smoothing", "below 1"),
    ("student", "focal_gamma: 0.0", "focal_gamma: -1", "student.objective.focal_gamma", "from 0 to 10"),
    ("teacher_training", "power: 1.0", "power: 0.5", "class_weight_power", "1, because class_weights is none"),
    ("student", "batch_size: 8", "batch_size: 0", "student.batch_size", "from 1"),
    ("student", "micro_batch: null", "micro_batch: 16", "student.micro_batch", "at most batch_size, which is 8"),
    ("student", "warmup_epochs: 1", "warmup_epochs: 13", "student.schedule.warmup_epochs", "epochs, which is 12"),
    ("student", "name: cosine", "name: step", "student.schedule.milestones", "the schedule step needs"),
    ("student", "gain: 0.0", "gain: 2", "student.waveform.gain", "below 1"),
    ("student", "decay: 0.999", "decay: 1.0", "student.moving_average.decay", "below 1"),
    ("compute", "threads: 1 ", "threads: 0 ", "compute.threads", "from 1 to 1,024"),
    ("compute", "processes: 1 ", "processes: 0 ", "compute.processes", "from 1 to 1,024"),
    ("compute", "cache_gb: 4.0", "cache_gb: -1", "compute.cache_gb", "at least 0"),
    ("validation", "fraction: 0.2", "fraction: 1.2", "validation.fraction", "from 0.02 to 0.5"),
    ("validation", "fraction: 0.2", "fraction: 0.9999", "validation.fraction", "from 0.02 to 0.5"),
    ("validation", "fraction: 0.2", "fraction: 0.0001", "validation.fraction", "from 0.02 to 0.5"),
    ("validation", "seed: 0", "seed: -1", "validation.seed", "from 0 to"),
    ("validate", "age: [0, 110]", "age: [110, 0]", "validate.ranges.age", "the lowest value, then the highest"),
    ("soft_labels", "k: 3", "k: 0", "soft_labels.k", "from 1"),
    ("soft_labels", "temperature: 1.0", "temperature: 0", "soft_labels.temperature", "from 0.001"),
    ("soft_labels", "noise_variance: 0.1", "noise_variance: -0.1", "soft_labels.noise_variance", "from 0 to"),
    ("evaluation", "confidence: 0.95", "confidence: 95", "evaluation.confidence", "below 1"),
    ("evaluation", "resamples: 9999", "resamples: 0", "evaluation.resamples", "from 1"),
    ("frontends", "ast: {duration_s: 2.5}", "ast: {duration_s: 0}", "frontends.ast.duration_s", "from 0.1 to 120"),
    ("corpora", "patients: 60", "patients: 1", "corpora.demo.demo.patients", "from 2"),
    ("teachers", "    seed: 1\n", "    seed: 1\n    fold: {index: 0, of: 1}\n", "teachers.cnn_s1.fold.of", "from 2"),
    ("teachers", "    seed: 1\n", "    seed: 1\n    fold: {index: 3, of: 3}\n", "teachers.cnn_s1.fold.index", "0 to 2"),
    # choices
    ("student", "name: soft_labels", "name: soft_label", "student.objective.name", "did you mean soft_labels?"),
    ("student", "name: sam", "name: adamW", "student.optimizer.name", "did you mean adamw?"),
    ("student", "sampler: weighted", "sampler: balanced", "student.sampler", "allowed: weighted, shuffle"),
    ("student", "policy: none", "policy: icbhi", "student.specaugment.policy", "icbhi_sup"),
    ("compute", "device: auto", "device: gpu", "compute.device", "allowed: auto, cpu, cuda"),
    ("validate", "names: error", "names: fatal", "validate.severity.names", "allowed: error, warning"),
    ("corpora", "source: publisher", "source: web", "corpora.demo.source", "publisher, archive, directory"),
    # references
    ("student", "frontend: efficientat", "frontend: panns", "student.frontend", "allowed: ast, efficientat"),
    ("student", "weights: scratch", "weights: scrach", "student.weights", "did you mean scratch?"),
    ("teachers", "frontend: efficientat", "frontend: clap", "teachers.cnn_s1.frontend", "ast, efficientat"),
    ("teachers", "weights: scratch", "weights: mn04", "teachers.cnn_s1.weights", "allowed: scratch"),
    ("student", "timm/test_resnet", "asst", "student.architecture", "did you mean ast?"),
    ("student", "timm/test_resnet", "timm/resnt18", "student.architecture", "did you mean resnet18?"),
    ("student", "{width: 0.35}", "{dropuot: 0.1}", "student.options.dropuot", "did you mean dropout?"),
    ("student", "{width: 0.35}", "{dropout: 2}", "student.options.dropout", "below 1"),
    ("student", "{width: 0.35}", "{pooling: {window: 1}}", "options.pooling.window", "mean windows?"),
    ("teachers", "    seed: 1\n", "    seed: 1\n    fold: {idex: 0, of: 2}\n", "fold.idex", "did you mean index?"),
    ("student", "{width: 0.35}", "{pooling: {windows: max}}", "options.pooling.windows", "attention, mean"),
    ("student", "{width: 0.35}", "{pooling: {window_s: 2.5}}", "options.pooling.window_s", "below frontends."),
    ("student", "{width: 0.35}", "{pooling: {hop_s: 2.1}}", "options.pooling.hop_s", "at most window_s"),
    ("student", "{width: 0.35}", "{pooling: max}", "options.pooling", "with the keys windows, window_s, hop_s"),
    ("teachers", "stride: 16", "stride: 16, pooling: {window_s: 9}", "options.pooling.window_s", "which is 2.5"),
    ("teachers", "stride: 16", "stride: [1, 2, 3]", "teachers.transformer_s1.options.stride", "a list"),
    ("frontends", "  ast: {", "  asd: {", "frontends.asd", "is no front end; allowed: ast, beats"),
    ("soft_labels", "k: 3", "k: 9", "soft_labels.k", "is 9; allowed: at most the number of teachers"),
    ("soft_labels", "in_sample  ", "out_of_fold", "soft_labels.exposure", "teachers for every fold"),
    ("student", "seeds: [1]", "seeds: [1, 1]", "student.seeds", "[1, 1]; allowed: each seed once"),
    ("student", "seeds: [1]", "seeds: []", "student.seeds", "a list (one or more)"),
    ("student", "name: soft_labels", "name: patchmix", "student.objective.name", "needs patches"),
    ("teacher_training", "cross_entropy", "soft_labels", "teacher_training.objective.name", "hard labels"),
    ("teacher_training", "cross_entropy", "patchmix_cl", "teacher_training.objective.name", "needs patches"),
    ("labels", "lungsound_4", "lungsound_5", "labels", "allowed: lungsound_4, lungsound_2"),
    ("split", "official ", "oficial ", "split", "allowed: official, official-disjoint"),
    ("split", "official ", "7 ", "split", "0, 1, 2, 3, 4"),
    ("split", "official ", "official@Metitron ", "split", "did you mean Meditron?"),
    ("frontends", "frontends:\n", "frontends: {}\nold:\n", "frontends", "a mapping (one or more)"),
    ("selections", "[val]", "[paper]", "selections", "a list with val"),
    ("selections", "[val]", "[val, test]", "selections[1]", "allowed: val, paper"),
    ("corpora", "format: demo", "format: icbih", "corpora.demo.format", "did you mean icbhi?"),
    ("corpora", FROM, "    source: archive\n    path: null\n", "corpora.demo.path", "the path of a zip"),
    ("corpora", FROM, f"{FROM}    path: x.zip\n", "corpora.demo.path", "null, because the source `publisher`"),
    ("corpora", FROM, f"{FROM}    sha256: {'a' * 64}\n", "corpora.demo.sha256", "null, because the corpus demo"),
    ("corpora", FROM, f"{FROM}    metadata: x\n", "corpora.demo.metadata", "null, because the corpus demo"),
    ("corpora", FROM, f"{FROM}    mirrors: ['ftp://x']\n", "corpora.demo.mirrors[0]", "address without a password"),
    ("corpora", FROM, "    source: hub\n    dataset: null\n", "corpora.demo.dataset", "`owner/name` of the dataset"),
    ("corpora", FROM, f"{FROM}    dataset: a/b\n", "corpora.demo.dataset", "because only the sources kaggle and hub"),
    ("corpora", FROM, f"{FROM}    dataset: a/../b\n", "corpora.demo.dataset", "allowed: null or owner/name"),
    ("corpora", FROM, f"{FROM}    revision: 2\n", "corpora.demo.revision", "only the sources kaggle and hub"),
    ("corpora", FROM, f"{FROM}    revision: 1.5\n", "corpora.demo.revision", "a commit, branch or tag or a whole"),
    ("corpora", "corpora:\n", "corpora: {}\nold:\n", "corpora", "a mapping (one or more)"),
    ("external", "external: {}", f"external: {{demo: {DEMO}}}", "external.demo", "has the name of a training"),
    ("external", "external: {}", f"external: {{a b: {DEMO}}}", "external.a b", "a name of up to 64 letters"),
    ("external", "external: {}", f"external: {{x: {DEMO[:-1]}, test: a}}}}", "external.x.test", "allowed: official"),
    ("split", "official ", "{icbhi: official} ", "split.icbhi", "is no training corpus; allowed: demo"),
    ("split", "official ", "{icbhi: official} ", "split.demo", "is missing; allowed: official"),
    ("soft_labels", "noise_variance: 0.1", "noise_variance: [0.1, 0.2]", "soft_labels.noise_variance", "4 classes"),
    ("teachers", "teachers:\n", "teachers: null\nold:\n", "teachers", "null; allowed: a mapping"),
    ("teachers", "seed: 2", "seed: 1", "teachers.cnn_s2", "equals teachers.cnn_s1; allowed: another seed"),
    ("compute", "processes: 1 ", "processes: 3 ", "compute.processes", "a divisor of teacher_training.batch_size"),
    ("student", "frontend: efficientat", "frontend: [ast]", "student.frontend", '["ast"]; allowed: ast, efficientat'),
    ("student", "weights: scratch", "weights: null", "student.weights", "null; allowed: scratch"),
    ("student", "timm/test_resnet", "timm/vit_base_patch16_224", "student.architecture", "inputs of any size"),
    ("labels", "lungsound_4", "[lungsound_4]", "labels", "allowed: lungsound_4, lungsound_2"),
    ("labels", " lungsound_4 ", " ", "labels", "null; allowed: lungsound_4, lungsound_2"),
    # numbers with which no training can work
    ("student", "lr: 0.004", "lr: 1.0e308", "student.optimizer.lr", "at most 1,000"),
    ("student", "weight_decay: 0.0001", "weight_decay: 1.0e300", "student.optimizer.weight_decay", "to 1,000"),
    ("student", "rho: 0.02", "rho: 1.0e9", "student.optimizer.rho", "from 0 to 1,000"),
    ("student", "beta: 1.0", "beta: 1.0e-300", "student.objective.patchmix.beta", "from 0.001 to 1,000"),
    ("student", "noise_sd: 0.0", "noise_sd: 1.0e9", "student.waveform.noise_sd", "from 0 to 1"),
    ("soft_labels", "temperature: 1.0", "temperature: 1.0e-320", "soft_labels.temperature", "from 0.001"),
    ("teachers", "{epochs: 4}", "{epochs: 4, name: step, milestones: [7]}", "schedule.milestones", "before the last"),
    # characters that look like others, or like none
    ("student", "  patience: 0", "  pati\u200bence: 0", "student.pati", "ZERO WIDTH SPACE (U+200B); did you mean"),
    ("student", "  patience: 0", "  p\u0430tience: 0", "student.p", "CYRILLIC SMALL LETTER A (U+0430); did you mean"),
    ("student", "sampler: weighted", "sampler: “weighted”", "student.sampler", "LEFT DOUBLE QUOTATION MARK"),
    # names, and sources of weights
    ("weights", "  scratch: {", '  "x; touch pwned #": {', "weights.x; touch pwned #", "a name of up to 64 letters"),
    ("weights", "  scratch: {", '  "../../x": {', "weights.../../x", "a name of up to 64 letters"),
    ("weights", "  scratch: {", "  -x: {", "weights.-x", "a name of up to 64 letters"),
    ("weights", "  scratch: {", f"  {'x' * 65}: {{", "is not allowed as a name", "a name of up to 64 letters"),
    ("teachers", "  cnn_s1:", '  "$(id)":', "teachers.$(id)", "a name of up to 64 letters"),
    ("teachers", "  cnn_s1:", "  CNN_s2:", "teachers.CNN_s2", "upper and lower case only"),
    ("weights", "source: none", 'source: "file:///etc/passwd"', "weights.scratch.source", "hf:<organisation>"),
    ("weights", "sha256: null", "sha256: abc", "weights.scratch.sha256", "64 hexadecimal digits"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: re.sub(r"\W+", "_", f"{edit[3]} {edit[4]}"))
def test_a_wrong_edit_is_refused_with_its_line_its_key_and_what_is_allowed(tmp_path, edit):
    section, old, new, key, words = edit
    path = tmp_path / "params.yaml"
    path.write_text(in_section(section, old, new), encoding="utf-8")
    found = judge.problems(path)
    matching = [line for line in found if key in line and words in line]
    assert matching, "\n".join(found) or "accepted"
    if "is missing" in matching[0] or "[" in key:
        return
    row = path.read_text(encoding="utf-8").splitlines()[int(matching[0].split(":")[1]) - 1]
    assert key.rpartition("../")[2].split(".")[-1] in row or key not in matching[0].split(" is ")[0]


def test_the_number_of_wrong_edits():
    assert len({(section, old, new) for section, old, new, *_ in EDITS}) >= 125


def test_all_faults_are_in_one_message_each_with_its_own_line(tmp_path):
    path = tmp_path / "params.yaml"
    text = (
        in_section("student", "rho: 0.02", "rho: abc").replace("k: 3 ", "k: 0 ").replace("threads: 1 ", "threads: 0 ")
    )
    path.write_text(text)
    rows = text.splitlines()
    found = judge.problems(path)
    assert [rows[int(line.split(":")[1]) - 1].split()[0] for line in found] == ["threads:", "k:", "rho:"]


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (two, two, b",".join([b"*%c" % one] * 10))
    for one, two in zip(b"abcdefgh", b"bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b"", None, "The file is empty"),
        (b"# nothing\n", None, "The file is empty"),
        (b"- 1\n- 2\n", None, "a list; a mapping"),
        (b"labels: x\n\tsplit: y\n", 2, "indented by a tab"),
        (b"labels: x\nlabels: y\n", 2, 'given twice: "labels"'),
        (b"labels: x\n<<<<<<< HEAD\nsplit: 1\n=======\nsplit: 2\n>>>>>>> other\n", 2, "unfinished merge"),
        (b"labels: !!python/object/apply:os.system [id]\n", 1, "is read without tags"),
        (b"labels: !x y\n", 1, "is read without tags"),
        (b"labels: x\nsplit: !!bool maybe\n", 2, "is read without tags"),
        (b"labels: !!int ''\n", 1, "is read without tags"),
        (b"labels: !!float ''\n", 1, "is read without tags"),
        (b"labels: x\nsplit: 2026-13-45\n", 2, "month must be in 1..12"),
        (b"labels: [1\nsplit: 2\n", 2, "not valid YAML"),
        (b"labels: x\nsplit: \xff\n", 2, "not UTF-8"),
        (b"labels: x\nsplit: \0\n", 2, "control character U+0000"),
        ("labels: x\n".encode("utf-16"), 1, "not UTF-8"),
        (b"labels: 2026-11-28\n", 1, "read as a date; quote it"),
        (b"labels: .nan\n", 1, "a finite number is expected"),
        (b"labels: 1e999\n", 1, "a finite number is expected"),
        (b"labels: x\nsplit: " + b"9" * 5000 + b"\n", 2, "A number has 5,000 digits"),
        (b"labels: x\nsplit: {{ fold }}\n", 2, "templates are not filled in"),
        (b"labels: x\n1: y\n", None, "The key `1` is a number"),
        (b"labels: &a [*a]\n", 1, "in a circle"),
        (b"labels: " + b"[" * 40 + b"]" * 40 + b"\n", 1, "nested more than"),
        (b"labels: " + b"[" * 240_000 + b"]" * 240_000 + b"\n", 1, "nested more than"),
        (b"labels:\n" + b"- " * 240_000 + b"x\n", 2, "nested more than"),
        (b"labels: x\n---\nlabels: y\n", 2, "single document"),
        (b"labels: *x\n", 1, "undefined alias"),
        (BOMB, None, "more than 100,000 values"),
        (b"x: " + b"1" * 1_000_001, None, "at most 1,000,000 are read"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_yaml_is_refused_with_its_line(tmp_path, content, line, words):
    path = tmp_path / "params.yaml"
    path.write_bytes(content)
    (found,) = judge.problems(path)
    assert found.startswith(f"{path}:{line}: " if line else f"{path}: "), found
    assert words in found


def test_gain_and_noise_need_a_front_end_with_a_scale(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(TEXT.replace("efficientat", "fbank").replace("waveform: {gain: 0.0", "waveform: {gain: 0.1"))
    words = "waveform.gain is 0.1; allowed: 0, because the features of"
    found = [line.split(words)[0].split()[-1] for line in judge.problems(path) if words in line]
    assert found == ["teacher_training.", "student."]


def test_patch_mix_needs_whole_clips(tmp_path):
    path = tmp_path / "params.yaml"
    text = in_section("teachers", "stride: 16", "stride: 16, pooling: {window_s: 1}")
    path.write_text(text.replace("{optimizer: {lr: 0.0005}, schedule: {epochs: 4}}", "{objective: {name: patchmix}}"))
    (found,) = judge.problems(path)
    assert (
        "teachers.transformer_s1.override.objective.name is patchmix, which mixes the patches of whole clips" in found
    )
    assert "transformer_s1.options.pooling cuts clips; allowed: cross_entropy, or no pooling" in found


def test_soft_labels_need_teachers(tmp_path):
    start, end = TEXT.index("\nteachers:") + 1, TEXT.index("\nsoft_labels:")
    path = tmp_path / "params.yaml"
    path.write_text(TEXT[:start] + "teachers: {}\n" + TEXT[end:])
    (found,) = judge.problems(path)
    assert "student.objective.name is soft_labels" in found
    assert "there are no teachers; allowed: cross_entropy" in found
    teachers = TEXT[start:end].replace("    baseline: true\n", "").replace("    seed:", "    baseline: true\n    seed:")
    path.write_text(TEXT[:start] + teachers + TEXT[end:])
    (found,) = judge.problems(path)
    assert "there are no teachers but baselines; allowed: cross_entropy" in found
