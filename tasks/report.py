"""Stage `report`: the page of all results, from figures, predictions and models that earlier stages made."""

from pathlib import Path

from tasks import artifacts
from tasks.reporting import page, run_results
from tasks.runtime import files
from tasks.runtime.hooks import hooks
from tasks.runtime.stage import stage


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("report") as log:
        root = Path()
        html = page.render(run_results.read(root, hooks.provenance(root) if hooks.provenance else {}))
        files.write_text(artifacts.REPORT, html)
        log.info("%s: %.1f MB", artifacts.REPORT, len(html) / 1e6)


if __name__ == "__main__":
    main()
