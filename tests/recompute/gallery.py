"""Gallery of cycles: which cycles it must show, from the predictions, and what is beside each."""

import re
from collections.abc import Iterator
from html import unescape
from shlex import quote

import polars as pl

from tests.recompute import mapped, media
from tests.recompute.html_page import text
from tests.recompute.numbers import numbers
from tests.recompute.run import Run

ERRORS, UNCERTAIN, DEVICES = 2, 4, 6  # errors of a class, uncertain cycles, and devices of which an error is shown
GROUP = re.compile(r'<h3 class="of-gallery">([^<]*)</h3>(.*?)(?=<h3|\Z)', re.DOTALL)
ARTICLE = re.compile(r"<article.*?</article>", re.DOTALL)
CYCLE = r'<div class="muted">([^<]*)<br>'
EXAMPLE = (
    r'<article.*?<div class="verdict \w+">(?P<verdict>.*?)</div>\s*<div class="muted">(?P<cycle>[^<]*)<br>(?P<n>.*?)'
    r"<details>.*?</article>"
)


def choice(run: Run) -> list[tuple[str, list[str]]]:
    """Return the headings of the gallery, and the cycles below each."""
    rows = _predictions(run)
    wrong = rows.filter(pl.col("label") != pl.col("predicted"))
    right = rows.filter(pl.col("label") == pl.col("predicted"))
    sure = {"by": ["sure", "cycle_id"], "descending": [True, False]}
    doubtful = {"by": ["margin", "cycle_id"]}
    by_device = rows.group_by("device").len().sort("len", "device", descending=[True, False])["device"].head(DEVICES)
    classes = range(len(run.classes))
    found, shown = list[tuple[str, list[str]]](), list[str]()
    for title, parts, order, most in (
        ("Most confident errors of each class", [wrong.filter(label=at) for at in classes], sure, ERRORS),
        ("Most uncertain", [rows], doubtful, UNCERTAIN),
        ("Most confident error of each device", [wrong.filter(device=name) for name in by_device], sure, 1),
        ("Most confident right predictions of each class", [right.filter(label=at) for at in classes], sure, 1),
    ):
        before = len(shown)
        for part in parts:
            shown += part.filter(~pl.col("cycle_id").is_in(shown)).sort(**order)["cycle_id"].head(most).to_list()
        found += [(title, shown[before:])] if shown[before:] else []
    return found


def _predictions(run: Run) -> pl.DataFrame:
    """Return the predictions of the first student with the probability of its class, and the margin to the next."""
    rows = run.test.filter(model=run.first_student, selection="val")
    given = pl.concat_list(run.columns)
    return rows.with_columns(
        device=pl.col("device") if "device" in rows.columns else pl.lit(""),
        sure=given.list.get(pl.col("predicted").cast(pl.Int64)),
        margin=given.list.max() - given.list.sort(descending=True).list.get(1),
    )


def differences(run: Run, html: str) -> Iterator[str]:
    """Yield a line for each heading with other cycles than it must have, and for each wrong name beside a cycle."""
    expected = dict(choice(run))
    groups = [(unescape(match[1]), ARTICLE.findall(match[2])) for match in GROUP.finditer(html)]
    if [title for title, _ in groups] != list(expected):
        yield f"headings {'; '.join(title for title, _ in groups) or 'none'}, expected {'; '.join(expected)}"
    maps = _maps(run)
    explains = dict(maps.select("cycle_id", "target").rows())
    known_media = media.sources(run, [cycle for _, cycles in choice(run) for cycle in cycles], maps)
    for title, articles in groups:
        shown = [unescape("".join(re.findall(CYCLE, article))) for article in articles]
        if shown != (known := expected.get(title, [])):
            yield f"{title}: {', '.join(shown) or 'none'}, expected {', '.join(known) or 'none'}"
        for cycle, article in zip(shown, articles, strict=True):
            known = {f"log-mel energies of {cycle}", f"sound of {cycle}", f"breathline audit trace {quote(cycle)}"}
            known |= {f"parts on which the score of {explains[cycle]} depends"} if cycle in explains else set()
            names = re.findall(r' (?:alt|aria-label)="([^"]*)"|<code>([^<]*)</code>', article)
            beside = {unescape(one or other) for one, other in names}
            # Beyond the largest size of the page, a cycle has no sound.
            if beside | {f"sound of {cycle}"} != known:
                yield f"{cycle}: beside it {'; '.join(sorted(beside))}, expected {'; '.join(sorted(known))}"
            elif cycle in known_media:
                try:
                    wrong = list(media.differences(known_media[cycle], article))
                except (OSError, RuntimeError, LookupError, ValueError):
                    wrong = ["a damaged picture or sound"]
                yield from (f"{cycle}: {one}" for one in wrong)


def _maps(run: Run) -> pl.DataFrame:
    """Return the maps of the first student by the method with most of them; of equal ones, the first listed."""
    maps = pl.read_parquet(run.root / "data/explanation/maps.parquet").filter(model=run.first_student)
    number = dict(maps.group_by("method").len().rows())
    return maps.filter(method=max(mapped.METHODS.values(), key=lambda name: number.get(name, 0)))


def example(run: Run, match: re.Match[str]) -> list[float]:
    """Return the numbers beside a cycle of the gallery: its duration, and each probability as a width and a number.

    Raises:
        LookupError: The cycle has another class, or is predicted to have another one.
    """
    (row,) = run.test.filter(model=run.first_student, selection="val", cycle_id=unescape(match["cycle"])).iter_rows(
        named=True
    )
    actual, called = (run.classes[row[key]] for key in ("label", "predicted"))
    if (expected := f"✓ {actual}" if actual == called else f"✗ {actual}, predicted {called}") != text(match["verdict"]):
        raise LookupError(f"{row['cycle_id']}: {expected}")
    cycles = pl.read_parquet(run.root / "data/cycles/cycles.parquet").filter(cycle_id=row["cycle_id"])
    shares = [100 * row[name] for name in run.columns]
    device = numbers(row["device"]) if "device" in row else []
    bars = [[*numbers(name), share, share] for name, share in zip(run.classes, shares, strict=True)]
    return [cycles["duration_s"][0], *device, *(one for bar in bars for one in bar)]


def first_student(run: Run, _: re.Match[str]) -> list[float]:
    return numbers(run.first_student)


# As in `others`.
PROSE = (
    ("gallery", EXAMPLE, example),
    ("gallery", r"Test cycles of (?P<n>\S+) as input", first_student),
)
