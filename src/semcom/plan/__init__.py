"""`semcom plan`: what of a study is cached, and why the rest would run. Computes nothing, changes nothing.

options ─► dag: Snakemake's own jobs and its decision for each ─► causes: in words ─► text: a page
                 journals, training states ─► attempts ──────────────┘
"""

from collections.abc import Sequence

from semcom.plan.dag import load
from semcom.plan.text import page


def run(options: Sequence[str]) -> str:
    """The plan of the study that Snakemake's `options` choose, for people.

    Raises:
        SemcomError: the params file has faults, or Snakemake cannot make its table of jobs.
    """
    return page(load(options))
