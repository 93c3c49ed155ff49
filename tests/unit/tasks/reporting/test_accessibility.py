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
