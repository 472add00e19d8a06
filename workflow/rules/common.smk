from semcom.cluster import executor

# What several rules use. Verbs run under the Python that runs Snakemake, its environment activated or not,
# and in place of the shell (exec), so that a SIGTERM to the job reaches them.
shell.prefix('semcom() {{ exec ${{LAUNCHER:-}} {sys.executable:q} -m semcom "$@"; }}; ')

# None of our params is a data frame: Snakemake need not import pandas (0.3 s) to compare them.
sys.modules.setdefault("pandas", None)

STUDY = JOBS.study
FRAMES = f"results/data/{STUDY.data}_{STUDY.size[0]}x{STUDY.size[1]}.h5"
GPU = int(STUDY.compute.device == "cuda")
THREADS = STUDY.compute.threads

if workflow.is_main_process:
    executor.remember_min_job_age()


def encoders(w, seeds):
    """Files of the method's pre-trained encoders, one a seed; none where encoders start at random."""
    chosen = [w.method] if w.method in JOBS.pretrained else []
    return expand(
        "results/{study}/pretrain/{method}/seed{s}/encoders.pt", study=w.study, method=chosen, s=seeds
    )


def encoder_options(w, input):
    """The same files as a verb takes them."""
    return [f"--encoders={file}" for file in input.encoders]


def of_study(stage, names, *files, methods=STUDY.methods):
    """Files of all jobs of a stage; `names` names their folders, with wildcards."""
    return expand(
        f"results/{STUDY.study}/{stage}/{names}/{{file}}",
        method=methods,
        link=STUDY.links,
        labels=STUDY.labels,
        seed=STUDY.seeds,
        file=files,
    )


wildcard_constraints:
    dataset=STUDY.data,
    study=STUDY.study,
    report=STUDY.report,
    method="|".join([*STUDY.methods, *JOBS.knowledge_methods]),
    link="|".join(STUDY.links),
    labels="|".join(STUDY.labels),
    seed="|".join(map(str, STUDY.seeds)),


localrules:
    all,
    fetch,
