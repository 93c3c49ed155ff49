"""``breathline``: one command line for running, comparing and understanding the pipeline."""

from typing import ClassVar

from cli.assembly import App, Root


class Breathline(Root):
    """All commands and groups of commands, in the order of the help."""

    places: ClassVar = {
        "run": "cli.run:run",
        "plan": "cli.plan:plan",
        "models": "cli.models:models",
        "report": "cli.report:report",
        "predict": "cli.predict:predict",
        "monitor": "cli.monitor:monitor",
        "leaderboard": "cli.leaderboard:leaderboard",
        "backfill": "cli.backfill:backfill",
        "watch": "cli.watch:watch",
        "withdraw": "cli.withdraw:withdraw",
        "deploy": "cli.deploy:deploy",
        "serve": "cli.serve:serve",
        "serve-model": "cli.serve_model:serve_model",
        "doctor": "cli.doctor.command:doctor",
        "corpus": "cli.corpus.command:app",
        "recipe": "cli.recipe:app",
        "registry": "cli.registry:app",
        "export": "cli.model_export:app",
        "audit": "cli.audit.command:app",
    }


app = App(Breathline)
