"""Facts of one corpus outside its adapter."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ADAPTERS = (ROOT / "tasks/corpora/icbhi", ROOT / "tasks/corpora/demo")
FILES = sorted(
    path
    for folder in ("cli", "flows", "lineage", "models", "tasks")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in {".py", ".j2", ".html", ".css", ".md"} and not any(path.is_relative_to(one) for one in ADAPTERS)
)
FACTS = re.compile(
    r"(?i:icbhi|patient_list_foldwise|filename_differences|filename_format|bhichallenge)"
    r"|\b(?:AKGC417L|LittC2SE|Litt3200|Meditron)\b"
    r"|['\"|](?:Tc|Al|Ar|Pl|Pr|Ll|Lr)['\"|]"
    r"|(?<![\d.])(?:156|218|920|6,?898)(?![\d.]\d|\d)|\b126 patients|226_1b1"
)
# The name of the metric, of published augmentations, and the place of the adapter.
ALLOWED = re.compile(r'ICBHI Score|icbhi_score|icbhi_sup|icbhi_ast_sup|"icbhi": "tasks\.corpora\.icbhi\.adapter"')


def test_no_module_outside_the_adapters_knows_their_corpus():
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if FACTS.search(ALLOWED.sub("", line))
    ]
    assert len(FILES) > 300
    assert found == []
