"""The command group `breathline audit`."""

from typing import ClassVar

from cli.command_groups import LazyGroup, new_group

HELP = (
    "Trace figures back to recordings, list and compare runs, verify that nothing was changed, make artifacts again, "
    "and export the lineage."
)


class Audit(LazyGroup):
    """All commands of the group, in the order of the help."""

    title = "audit"
    places: ClassVar = {
        "trace": "cli.audit.trace:trace",
        "log": "cli.audit.log:log",
        "diff": "cli.audit.diff:diff",
        "absent": "cli.audit.absent:absent",
        "manifest": "cli.audit.manifest:manifest",
        "verify": "cli.audit.verify:verify",
        "reproduce": "cli.audit.reproduce:reproduce",
        "export": "cli.audit.export:export",
    }


app = new_group(Audit, help=HELP)
