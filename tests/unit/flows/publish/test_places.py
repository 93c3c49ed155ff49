from __future__ import annotations

from flows.publish import places


def test_what_there_is_to_read_has_links_where_a_web_server_is_named(tmp_path, monkeypatch):
    monkeypatch.delenv(places.REPORTS_URL, raising=False)
    assert "no report yet" in places.show(tmp_path)
    (tmp_path / "reports/data_docs").mkdir(parents=True)
    (tmp_path / places.DATA_DOCS).touch()
    text = places.show(tmp_path)
    assert "| `reports/data_docs/index.html` |" in text
    assert f"in `{tmp_path}`" in text
    assert "report.html" not in text
    monkeypatch.setenv(places.REPORTS_URL, "https://host.example/icbhi/")
    assert "(https://host.example/icbhi/data_docs/index.html)" in places.show(tmp_path)
