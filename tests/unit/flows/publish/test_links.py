from flows.publish import links
from tasks import artifacts


def test_existing_reports_have_links_to_a_configured_web_server(tmp_path, monkeypatch):
    monkeypatch.delenv(links.REPORTS_URL, raising=False)
    assert "no report yet" in links.show(tmp_path)
    (tmp_path / "reports/data_docs").mkdir(parents=True)
    (tmp_path / artifacts.DATA_DOCS_INDEX).touch()
    text = links.show(tmp_path)
    assert "| `reports/data_docs/index.html` |" in text
    assert f"in `{tmp_path}`" in text
    assert "report.html" not in text
    monkeypatch.setenv(links.REPORTS_URL, "https://host.example/icbhi/")
    assert "(https://host.example/icbhi/data_docs/index.html)" in links.show(tmp_path)
