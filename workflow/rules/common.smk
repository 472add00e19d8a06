from semcom.cluster import executor

# What several rules use. Verbs run under the Python that runs Snakemake, its environment activated or not,
# and in place of the shell (exec), so that a SIGTERM to the job reaches them.
shell.prefix('semcom() {{ exec ${{LAUNCHER:-}} {sys.executable:q} -m semcom "$@"; }}; ')

# None of our params is a data frame: Snakemake need not import pandas (0.3 s) to compare them.
sys.modules.setdefault("pandas", None)

GPU = int(SYSTEMS.compute.device == "cuda")
THREADS = SYSTEMS.compute.threads

if workflow.is_main_process:
    executor.mend()


wildcard_constraints:
    dataset="|".join(SYSTEMS.versions),
    size=r"\d+x\d+",
    study=SYSTEMS.study,
    report=SYSTEMS.report,
    method="|".join(SYSTEMS.methods),
    table=r"\w[\w-]*",
    seed="|".join(map(str, SYSTEMS.seeds)),


localrules:
    all,
    fetch,
