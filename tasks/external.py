"""Stage `external`: the list of the external corpora, and the cycles of each that are tested on.

It gives `evaluate` and `report` the names of the corpora, and folders to depend on where there are none.
"""

from tasks import artifacts
from tasks.runtime import item_folders, params
from tasks.runtime.files import write_json
from tasks.runtime.stage import stage


def main() -> None:
    """Run the stage on the project in the working directory."""
    with stage("external") as log:
        corpora = params.section(params.read(), "external")
        for folder in (artifacts.TESTED, artifacts.EXTERNAL_VALIDATION):
            item_folders.check(folder, corpora, "External corpora")
        tests = {name: str(corpora[name].get("test", "all")) for name in sorted(corpora, key=params.natural)}
        write_json(artifacts.EXTERNAL_CORPORA, tests)
        write_json(artifacts.EXTERNAL_VALIDATED, {"corpora": list(tests)})
        log.info("external corpora: %s", ", ".join(f"{name} ({test})" for name, test in tests.items()) or "none")


if __name__ == "__main__":
    main()
