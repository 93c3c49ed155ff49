"""Changes of what was exported and signed, each with the errors that verification with the signature finds."""

import base64
import json
import shutil
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lineage import project
from lineage.exports import in_toto
from lineage.exports.request import Request
from lineage.verify.signature import SignedStatement
from tests.pipeline import tampering as do
from tests.unit.lineage.exports.test_dsse import pair

REPORT = "reports/report.html"


def _paths(root: Path) -> SignedStatement:
    return SignedStatement(envelope=root.parent / "signed/intoto.dsse.json", key=root.parent / "signed/key.pub")


def signed(root: Path) -> SignedStatement | None:
    """Return the statement of a case that has signed one, beside the project; None for other cases."""
    found = _paths(root)
    return found if found.envelope.is_file() else None


def sign(root: Path) -> None:
    """Sign a statement about the models and figures of a project, as their owner does."""
    found = _paths(root)
    private, _ = pair(found.envelope.parent, Ed25519PrivateKey.generate())
    exported = in_toto.files(Request(project.load(root), found.envelope.parent, private))
    found.envelope.write_text(exported[found.envelope.name])


def rewritten_prefix(root: Path) -> None:
    """Let another user have run the first stage, in a log whose chain is whole."""
    sign(root)
    do.rewrite_log(root, lambda entry: entry | ({"user": "bert"} if entry["number"] in (1, 2) else {}))


def another_report(root: Path) -> None:
    """Add a sentence to the report."""
    sign(root)
    (root / REPORT).write_text((root / REPORT).read_text() + "<p>All is well.</p>")


def swapped_artifact(root: Path) -> None:
    """Put one signed model in another's place."""
    sign(root)
    shutil.copy2(root / "data/teachers/t2/val.safetensors", root / "data/teachers/t1/val.safetensors")


def statement_of_another(root: Path) -> None:
    """Put one signed model in another's place, and its hash into the signed statement."""
    swapped_artifact(root)
    path = _paths(root).envelope
    envelope = json.loads(path.read_text())
    statement = json.loads(base64.b64decode(envelope["payload"]))
    digests = {one["name"]: one["digest"] for one in statement["subject"]}
    digests["data/teachers/t1/val.safetensors"].update(digests["data/teachers/t2/val.safetensors"])
    envelope["payload"] = base64.b64encode(json.dumps(statement).encode()).decode()
    path.write_text(json.dumps(envelope))


# fmt: off
CASES = {
    "the beginning of a signed log": (rewritten_prefix,
        "signed-changed", "events.jsonl", "are not those that were attested"),
    "a sentence of a signed report": (another_report, "out-changed signed-changed", REPORT, "attested is"),
    "a signed model swapped for another": (swapped_artifact,
        "out-swapped signed-changed", "data/teachers/t1/val.safetensors", ""),
    "a signed model swapped, and the statement made to fit": (statement_of_another,
        "out-swapped signature-refused", "intoto.dsse.json", "changed, or another key"),
}
# fmt: on


def report_made_again(root: Path) -> None:
    """Sign, then let the stages go on: the log grows."""
    sign(root)
    do.events.append(
        root, {"event": "start", "stage": "report", "at": do.events.now(), "user": "anna", "host": "small"}
    )


HONEST = {"a signed statement, and a stage that was started since": report_made_again}
