"""``breathline``: one command line for running, comparing and understanding the pipeline."""

from cli import (
    backfill,
    deploy,
    leaderboard,
    model_export,
    models,
    monitor,
    plan,
    predict,
    recipe,
    registry,
    report,
    run,
    serve,
    serve_model,
    watch,
    withdraw,
)
from cli.assembly import assemble
from cli.audit.command import app as audit
from cli.corpus.command import app as corpus
from cli.doctor import command as doctor

app = assemble(
    (
        run.run,
        plan.plan,
        models.models,
        report.report,
        predict.predict,
        monitor.monitor,
        leaderboard.leaderboard,
        backfill.backfill,
        watch.watch,
        withdraw.withdraw,
        deploy.deploy,
        serve.serve,
        serve_model.serve_model,
        doctor.doctor,
    )
)
GROUPS = {
    "corpus": corpus,
    "recipe": recipe.app,
    "registry": registry.app,
    "export": model_export.app,
    "audit": audit,
}
for name, group in GROUPS.items():
    app.add_typer(group, name=name)
