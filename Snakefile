"""Learned semantic communication, from raw data to figures: see README.md and params/README.md."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from semcom.files.errors import SemcomError
from semcom.params.systems import systems

min_version("9.0")

if not workflow.overwrite_configfiles and Path("params/quickstart.yaml").is_file():

    configfile: "params/quickstart.yaml"


container: "docker://semcom:0.1"


resource_scopes:
    gpu="local",  # limits are one machine's; on a cluster the scheduler hands out GPUs
    gpu_jobs="local",


try:
    SYSTEMS = systems(config, files=workflow.configfiles, root=Path.cwd())
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        SYSTEMS.check()
except SemcomError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process:
    print(SYSTEMS.summary(), file=sys.stderr)
JOBS, CRLSC = SYSTEMS.mmssl, SYSTEMS.crlsc


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/links.smk"
include: "workflow/rules/tracking.smk"


if JOBS:

    include: "workflow/rules/mmssl.smk"


if CRLSC:

    include: "workflow/rules/crlsc.smk"


rule all:
    default_target: True
    input:
        # Every file of a report: one that an older version did not write yet is missed, and made.
        expand(rules.report.output, study=SYSTEMS.study, report=SYSTEMS.report) if JOBS else [],
        expand(rules.crlsc_report.output, study=SYSTEMS.study, report=SYSTEMS.report) if CRLSC else [],
