# What the first system's rules share.
STUDY = JOBS.study
FRAMES = f"results/data/{STUDY.data}_{STUDY.size[0]}x{STUDY.size[1]}.h5"


def devices(w):
    """Processes of a method's pre-training, one GPU each."""
    return STUDY.methods[w.method].pretrain.devices


def several(value):
    """A resource of pre-trainings on more than one device, which others do not have."""
    return lambda w: value(devices(w)) if devices(w) > 1 else None


def launcher(w):
    """In a SLURM job, srun with one task a device; elsewhere the verb starts its processes itself."""
    n = devices(w)
    if n == 1 or not workflow.remote_exec:
        return ""
    return (
        f"srun --nodes=1 --ntasks={n} --ntasks-per-node={n} --cpus-per-task={THREADS} --gpu-bind=none "
        "--kill-on-bad-exit=1 --wait=0"
    )


def encoders(w, seeds):
    """Files of the method's pre-trained encoders, one a seed; none where encoders start at random."""
    chosen = [w.method] if w.method in JOBS.pretrained else []
    return expand(
        "results/{study}/pretrain/{method}/seed{s}/encoders.pt", study=w.study, method=chosen, s=seeds
    )


def encoder_options(w, input):
    """The same files as a verb takes them."""
    return [f"--encoders={file}" for file in input.encoders]


def table_options(w, input):
    """Error tables as a verb takes them."""
    return [f"--table={file}" for file in input.tables]


def of_study(stage, names, *files, methods=STUDY.methods, links=STUDY.links):
    """Files of all jobs of a stage; `names` names their folders, with wildcards."""
    return expand(
        f"results/{STUDY.study}/{stage}/{names}/{{file}}",
        method=methods,
        link=links,
        labels=STUDY.labels,
        seed=STUDY.seeds,
        file=files,
    )


def of_digital(*files):
    """Files of all jobs of the digital links."""
    return [
        file
        for name, link in JOBS.digital.links.items()
        for file in of_study(
            "evaluate", f"{{method}}/{name}/{{labels}}/seed{{seed}}", *files, methods=link.methods
        )
    ]


def of_changing(*files):
    """Files of all jobs of the changing channels."""
    return [
        f"results/{STUDY.study}/changing/{name}/{method}/seed{seed}/{file}"
        for name, given in JOBS.changes.items()
        for method in given.methods
        for seed in STUDY.seeds
        for file in files
    ]


def changing_report(ending):
    """Figures of the report, one a changing channel."""
    return [f"results/{{study}}/report/{{report}}/changing_{name}{ending}" for name in JOBS.changes]


def of_its_link(file):
    """A file of the fine-tuning of the link that a changing channel starts with."""
    return lambda w: (
        f"results/{w.study}/finetune/{w.method}/{JOBS.changes[w.changing].link}/"
        f"{JOBS.changes[w.changing].labels}/seed{w.seed}/{file}"
    )


wildcard_constraints:
    link="|".join(STUDY.links),
    digital="|".join(STUDY.digital) or "(?!)",
    changing="|".join(STUDY.changing) or "(?!)",
    labels="|".join(STUDY.labels),


include: "pretrain.smk"
include: "knowledge.smk"
include: "finetune.smk"
include: "changing.smk"
include: "evaluate.smk"
include: "report.smk"
