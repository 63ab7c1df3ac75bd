"""The command line: every command, in one list.

Belongs here: the application and the registration of its commands.
Does not belong here: a command's work (one module per group), or heavy imports: `--help` must answer at once.
"""

import typer

from interfaces.cli import (
    api,
    audit,
    checks,
    database,
    datasets,
    demo,
    dev,
    erasure,
    facts,
    forensics,
    keys,
    landing,
    ledger,
    partials,
    people,
    quarantine,
    runs,
    setup,
    twin,
)

app = typer.Typer(
    name="vitalgraph",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,  # locals may hold health values
    help="Health exports of people's phones to training sets one can trust.",
)
app.command("init")(setup.init)
app.command("demo")(demo.demo)
app.command("land")(landing.land)
app.command("ingest")(runs.ingest)
app.command("backfill")(runs.backfill)
app.command("check")(checks.check)
app.command("status")(ledger.status)
app.add_typer(ledger.uploads, name="uploads")
app.command("summary")(facts.summary)
app.command("examples")(facts.examples)
app.command("forensics")(forensics.forensics)
app.command("audit")(audit.audit)
app.add_typer(datasets.app, name="dataset")
app.add_typer(quarantine.app, name="quarantine")
app.add_typer(partials.app, name="partial")
people.tenant.command("consent")(erasure.tenant_consent)
people.subject.command("consent")(erasure.consent)
people.subject.command("forget")(erasure.forget)
app.add_typer(people.tenant, name="tenant")
app.add_typer(people.subject, name="subject")
app.add_typer(erasure.certificate, name="certificate")
app.command("dev")(dev.dev)
app.command("ui")(dev.ui)
app.add_typer(keys.app, name="key")
app.command("api")(api.serve)
app.add_typer(api.token, name="token")
app.add_typer(database.app, name="db")
app.add_typer(twin.app, name="twin")


if __name__ == "__main__":
    app()
