"""`semcom plan`: what is cached, and why the rest would run."""

import typer


def add_to(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    options = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(context_settings=options, options_metavar="[SNAKEMAKE'S OPTIONS]")(plan)


def plan(context: typer.Context) -> None:
    """Say what of a study is cached, and why the rest would run; changes nothing.

    Options are those of snakemake: --configfile FILE, --config key=value, --profile FOLDER, or a target file.
    """
    from semcom.plan import run

    typer.echo(run(context.args))
