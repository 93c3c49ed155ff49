import json
import os
import shutil
from pathlib import Path
from unittest import mock

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openlineage.client.transport import http_common
from typer.testing import CliRunner

from cli.main import app
from tests.unit.lineage.exports.test_dsse import pair


@pytest.fixture
def here(small_project, tmp_path, monkeypatch):
    root = Path(shutil.copytree(small_project, tmp_path / "p"))
    monkeypatch.chdir(root)
    for name in [name for name in os.environ if name.startswith("OPENLINEAGE_")]:
        monkeypatch.delenv(name)
    return root


@pytest.mark.slow
def test_all_exports_are_written_to_one_folder(here):
    done = CliRunner().invoke(app, ["audit", "export", "all", "--out", "given"])
    assert done.exit_code == 0, done.output
    names = {path.name for path in (here / "given").iterdir()}
    cards = {"model_card.md", "data_card.md", "pccp.json", "pccp.schema.json", "pccp.md", "pccp.cdx.json"}
    croissants = {f"{name}.croissant.json" for name in ("cycles", "fbank_ast", "fbank_panns")}
    assert (
        names
        == {"openlineage.jsonl", "prov.json", "intoto.json", "bom.cdx.json", "mlbom.cdx.json"} | croissants | cards
    )
    assert sorted(done.output.split()) == sorted(f"given/{name}" for name in names)
    table = json.loads((here / "given/cycles.croissant.json").read_text())["distribution"][0]
    assert (here / "given" / table["contentUrl"]).is_file()


@pytest.mark.slow
def test_the_margin_of_the_plan_is_that_of_the_option(here):
    for options, margin in ((["--margin", "0.5"], 0.5), ([], 1.0)):
        done = CliRunner().invoke(app, ["audit", "export", "pccp", *options])
        assert done.exit_code == 0, done.output
        plan = json.loads((here / "reports/audit/pccp.json").read_text())
        assert plan["modification_protocol"]["performance_evaluation"]["margin"] == margin


def test_a_configured_server_that_does_not_answer_is_an_error(here, monkeypatch):
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setitem(http_common.DEFAULT_RETRY_CONFIG, "backoff_factor", 0)
    done = CliRunner().invoke(app, ["audit", "export", "openlineage"])
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert (here / "reports/audit/openlineage.jsonl").is_file()


def test_an_empty_project_has_nothing_to_export(here):
    shutil.rmtree(here / "data/lineage")
    done = CliRunner().invoke(app, ["audit", "export", "prov"])
    assert done.exit_code == 1
    assert "No stage has left a record" in done.output


@pytest.mark.slow
def test_a_signed_statement_is_compared_with_the_present_files(here):
    private, public = pair(here.parent, Ed25519PrivateKey.generate())
    done = CliRunner().invoke(app, ["audit", "export", "in-toto", "--key", str(private)])
    assert done.exit_code == 0, done.output
    envelope = "reports/audit/intoto.dsse.json"
    assert signature_findings(envelope, public) == []
    metrics = here / "reports/scores.json"
    metrics.write_text(metrics.read_text().replace("25.0", "95.0"))
    (changed,) = signature_findings(envelope, public)
    assert (changed["kind"], changed["where"]) == ("signed-changed", "reports/scores.json")
    assert changed["stages"] == ["evaluate"]
    _, other = pair(here / "other", Ed25519PrivateKey.generate())
    (refused,) = signature_findings(envelope, other)
    assert (refused["kind"], refused["where"]) == ("signature-refused", envelope)


@pytest.mark.parametrize("given", [("--signature", "/nope", "--key", "dvc.yaml"), ("--signature", ".", "--key", "x")])
def test_missing_files_are_an_error_before_anything_is_read(here, given):
    with mock.patch("lineage.verify.verification.verify") as verify:
        done = CliRunner().invoke(app, ["audit", "verify", *given])
    assert done.exit_code == 2
    verify.assert_not_called()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("export prov --key key.pem", "nothing to sign in prov"),
        ("export prov --margin 0.5", "prov has no metric and no margin"),
        ("verify --signature dvc.yaml", "both --signature and --key"),
        ("verify --sample 5", "without --deep"),
        ("verify --seed 0", "without --deep"),
    ],
)
def test_options_that_need_others_are_an_error(here, arguments, message):
    done = CliRunner().invoke(app, ["audit", *arguments.split()])
    assert done.exit_code == 1
    assert message in done.output
    assert not (here / "reports/audit").exists()


def signature_findings(envelope, key):
    done = CliRunner().invoke(app, ["audit", "verify", "--signature", envelope, "--key", str(key), "--json"])
    found = json.loads(done.stdout)["findings"]
    kinds = ("signature-refused", "signed-changed", "unchecked")
    return [one for one in found if one["kind"] in kinds]
