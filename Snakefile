"""Learned semantic communication, from raw data to figures: see README.md and params/README.md."""

import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

from semcom.files.errors import SemcomError
from semcom.params import start

min_version("9.0")

if not workflow.overwrite_configfiles:

    configfile: "params/quickstart.yaml"


container: "docker://semcom:0.1"


resource_scopes:
    gpu="local",  # limits are one machine's; on a cluster the scheduler hands out GPUs
    gpu_jobs="local",


try:
    JOBS = start.start(config, files=workflow.configfiles, root=Path.cwd())
    if workflow.is_main_process and not workflow.output_settings.dryrun:
        start.check_writable(JOBS.folders)
        start.check_own_classes(JOBS.study)
except SemcomError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process:
    print(JOBS.summary(), file=sys.stderr)


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/pretrain.smk"
include: "workflow/rules/knowledge.smk"
include: "workflow/rules/finetune.smk"
include: "workflow/rules/changing.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/tracking.smk"


rule all:
    default_target: True
    input:
        # Every file of the report: one that an older version did not write yet is missed, and made.
        expand(rules.report.output, study=STUDY.study, report=STUDY.report),
