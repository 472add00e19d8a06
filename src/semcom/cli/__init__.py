"""The command line: one verb a stage. A verb imports only what it uses."""

import errno
import os
import sys
import traceback

import typer

from semcom import progress
from semcom.cli import cluster, data, links, plan, report, stages, track
from semcom.cli.apart import keep_apart
from semcom.files.errors import SemcomError, Stopped

SURROUNDINGS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)
"""A full or read-only disk is no fault of ours."""

app = typer.Typer(
    name="semcom",
    help="Learned semantic communication over noisy wireless links, as a workflow.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(data.app, name="data")
app.add_typer(track.app, name="track")
app.add_typer(cluster.app, name="cluster")
app.add_typer(links.app, name="links")
stages.add_to(app)
app.add_typer(report.app, name="report")
plan.add_to(app)
keep_apart(app)


def main() -> None:
    """Run a verb; a fault of input or surroundings ends it with one message and exit code 1.

    A training that SIGTERM stopped ends with exit code 75 (EX_TEMPFAIL: the same command again will do).
    """
    try:
        app()
    except Stopped as stopped:
        progress.log.info("%s", stopped)
        sys.exit(os.EX_TEMPFAIL)
    except SemcomError as error:
        progress.log.error("error: %s", error)
        sys.exit(1)
    except OSError as error:
        if error.errno not in SURROUNDINGS:
            raise
        progress.log.error(
            "error: %s%s; free some space or make it writable, then run again", error, _state_of(error)
        )
        sys.exit(1)
    except Exception:  # a fault of ours: the job's log must have all of it
        progress.log.error("%s", traceback.format_exc())
        sys.exit(1)


def _state_of(error: OSError) -> str:
    """The state folder that the verb was given, for an error that names no file."""
    words = [part for word in sys.argv for part in word.split("=", 1)]
    if error.filename is not None or "--state" not in words[:-1]:
        return ""
    return f" (training states go to {words[words.index('--state') + 1]})"
