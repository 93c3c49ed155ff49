"""Classes of the labels in a user's recordings."""

from collections import Counter

from tasks.corpora.table import labels
from tasks.own_data.problems import Problems, rows
from tasks.own_data.request import Draft, Request
from tasks.own_data.segments import Annotated, Segment
from tasks.runtime.words import counted, listed, quoted


def choose(request: Request, annotated: Annotated, draft: Draft, problems: Problems) -> dict[str, str]:
    """Return the class of each label, as `labels.plain` writes it; labels without a class are problems."""
    given = {labels.plain(label): kind for label, kind in request.classes.items()}
    counts: Counter[str] = Counter()
    first: dict[str, Segment] = {}
    lines: dict[str, list[int]] = {}
    for one in annotated.segments:
        if one.label is None:  # the missing labels are a problem of the whole source
            continue
        name = labels.plain(one.label)
        counts[name] += 1
        first.setdefault(name, one)
        lines.setdefault(name, []).append(one.line)
    for name, kind in given.items():
        option = f"--label {name}={kind}"
        if name not in counts:
            hint = f"the labels are: {listed(list(counts), 20)}"
            problems.add(option, f"no segment has the label {quoted(name)}", hint)
        if kind not in labels.CHOICES:
            problems.add(option, f"{quoted(kind)} is no class", f"use one of: {', '.join(labels.CHOICES)}")
    if len(counts) > labels.MAX_LABELS:
        what = f"{len(counts)} different labels, such as {listed(list(counts))}; {labels.MAX_LABELS} are the most"
        source = next(iter(first.values())).source
        problems.add(source, what, "name the right column by --map label=COLUMN")
        return {}
    found: dict[str, str] = {}
    for name, count in counts.items():
        chosen = given.get(name) or labels.usual_class(name)
        if chosen:
            found[name] = chosen
            meaning = "left out" if chosen == labels.LEFT_OUT else chosen
            draft.decide(f"label {quoted(name)}", f"{meaning} ({counted(count, 'segment')})", guessed=name not in given)
            continue
        draft.unknown_labels[name] = count
        place = f"in {rows(lines[name])}" if annotated.format is None else f"in {count} segments"
        what = f"the label {quoted(name)} {place} has no known class" if name else f"the label is empty {place}"
        choices = "|".join(labels.CHOICES)
        problems.add(first[name].source, what, f'name it by --label "{name}={choices}"', line=first[name].line)
    return found
