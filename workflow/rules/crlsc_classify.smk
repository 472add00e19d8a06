# Classification over links: a training for each method, encoder and way, a sweep for each method and way.
CLASSIFY = CRLSC.classify


def of_classify(path, names):
    """`path` of each of `names`, dicts of its wildcards, and seed."""
    return [path.format(study=SYSTEMS.study, seed=seed, **name) for name in names for seed in CRLSC.seeds]


def classify_results():
    """What the report reads."""
    tested = [{"method": method, "way": way} for method, way in CLASSIFY.tested]
    return of_classify("results/{study}/crlsc/classify/test/{method}/{way}/seed{seed}.csv", tested)


wildcard_constraints:
    way="|".join(CLASSIFY.classify.ways),


rule crlsc_classify:
    input:
        lambda w: CLASSIFY.train_inputs(w.method, w.encoder, w.way, w.seed).values(),
    output:
        receiver="results/{study}/crlsc/classify/train/{method}/{encoder}/{way}/seed{seed}/receiver.pt",
        history="results/{study}/crlsc/classify/train/{method}/{encoder}/{way}/seed{seed}/history.csv",
    log:
        "logs/{study}/crlsc/classify/train/{method}/{encoder}/{way}/seed{seed}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CLASSIFY.train(w.method, w.encoder, w.way, int(w.seed)),
        files=lambda w: options(CLASSIFY.train_inputs(w.method, w.encoder, w.way, w.seed)),
    shell:
        "semcom finetune classify {params.entry:q} {params.files} --receiver {output.receiver} "
        "--history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/classify/"
        "{wildcards.method}/{wildcards.encoder}/{wildcards.way}/seed{wildcards.seed}.jsonl"


rule crlsc_classify_test:
    input:
        lambda w: [
            file
            for of in CLASSIFY.test_inputs(w.method, w.way, w.seed).values()
            for file in ([of] if isinstance(of, str) else of)
        ],
    output:
        "results/{study}/crlsc/classify/test/{method}/{way}/seed{seed}.csv",
    log:
        "logs/{study}/crlsc/classify/test/{method}/{way}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CLASSIFY.test(w.method, w.way, int(w.seed)),
        files=lambda w: options(CLASSIFY.test_inputs(w.method, w.way, w.seed)),
    shell:
        "semcom evaluate classify {params.entry:q} {params.files} --table {output} --log {log} "
        "--journal results/{wildcards.study}/journal/classify_test/"
        "{wildcards.method}/{wildcards.way}/seed{wildcards.seed}.jsonl"
