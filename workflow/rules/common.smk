from snakemake.io import IOFile

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


def tested(link, made, entry):
    """The mark that a link is in tolerance, which hours of training over it wait for; its age re-runs nothing.

    A training that an earlier version made did not wait. Another set of inputs would run it again, so as long as
    its file `made` is there and its entry is the same, it need not.
    """
    record = workflow.persistence.metadata(IOFile(made))
    mark = f"{link}.ok"
    if os.path.exists(made) and (
        record is None or (repr(entry) in (record.params or []) and mark not in (record.input or []))
    ):
        return []
    return ancient(mark)


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
