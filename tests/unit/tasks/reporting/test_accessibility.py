"""Tables for keyboards and screen readers."""

from tasks.reporting.accessibility import with_roles

TABLE = "<table{}>{}<thead><tr><th></th><th>a</th></tr></thead><tbody><tr><th>b</th><td>1</td></tr></tbody></table>"


def test_tables_have_names_and_headers_have_scopes():
    html = with_roles(
        TABLE.format(' class="matrix"', "<caption>Of <b>two</b></caption>") + TABLE.format("", ""), "By group"
    )
    assert '<p class="caption" id="by-group-table-1">Of <b>two</b></p>' in html
    assert (
        '<div class="scroll" tabindex="0" role="region" aria-labelledby="by-group-table-1"><table class="matrix">'
        in html
    )
    assert 'aria-label="By group: table 2"><table>' in html
    assert html.count('<td></td><th scope="col">a</th>') == html.count('<th scope="row">b</th>') == 2
    assert html.count("</table></div>") == 2


def test_tables_with_equal_captions_have_their_names_from_their_headings():
    caption, card = "<caption>In percent</caption>", '<div class="card"><h3>{}</h3>{}</div>'
    tables = [TABLE.format("", caption)] * 2
    html = with_roles("".join(map(card.format, ("Probe", "Purity"), tables)) + f'<div class="card">{tables[0]}', "Both")
    for number, name in enumerate(("Probe", "Purity"), start=1):
        assert f'aria-label="Both, {name}: table {number}" aria-describedby="both-table-{number}"' in html
    assert 'aria-labelledby="both-table-3"' in html
