"""The console command `wow-flywheel`: everything that is no Dagster job.

What belongs here: mounting each stage's commands. What does not: their work, which the stages do.
"""

import typer

app = typer.Typer(no_args_is_help=True, help="Releases, replay, review, serving and datasets of the flywheel.")
