# Classification over links: a sweep for each target, share of its labels, arm and way, and for each a training of
# every encoder.
from semcom.params.crlsc.classifyjobs import Sweep

CLASSIFY = CRLSC.classify


def classify_results():
    """What the report reads."""
    path = "results/{study}/crlsc/classify/test/{target}/{share}/{arm}/{way}/seed{seed}.csv"
    return [
        path.format(study=SYSTEMS.study, seed=seed, **sweep._asdict())
        for sweep in CLASSIFY.tested
        for seed in CRLSC.seeds
    ]


def sweep_of(w):
    """The sweep that wildcards name."""
    return Sweep(w.target, w.share, w.arm, w.way)


wildcard_constraints:
    target="|".join(CLASSIFY.classify.target),
    share=r"[0-9][-+.0-9e]*",
    arm="|".join(CLASSIFY.arms),
    way="|".join(CLASSIFY.classify.ways),


rule crlsc_classify:
    input:
        lambda w: CLASSIFY.train_inputs(sweep_of(w), w.encoder, w.seed).values(),
        tested=lambda w: tested("classify", CLASSIFY.classify.links, w.way),
    output:
        receiver="results/{study}/crlsc/classify/train/{target}/{share}/{arm}/{encoder}/{way}/seed{seed}/receiver.pt",
        history="results/{study}/crlsc/classify/train/{target}/{share}/{arm}/{encoder}/{way}/seed{seed}/history.csv",
    log:
        "logs/{study}/crlsc/classify/train/{target}/{share}/{arm}/{encoder}/{way}/seed{seed}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: CLASSIFY.train(sweep_of(w), w.encoder, int(w.seed)),
        files=lambda w: options(CLASSIFY.train_inputs(sweep_of(w), w.encoder, w.seed)),
    shell:
        "semcom finetune classify {params.entry:q} {params.files} --receiver {output.receiver} "
        "--history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/classify/{wildcards.target}/{wildcards.share}/"
        "{wildcards.arm}/{wildcards.encoder}/{wildcards.way}/seed{wildcards.seed}.jsonl"


rule crlsc_classify_test:
    input:
        lambda w: flat(CLASSIFY.test_inputs(sweep_of(w), w.seed)),
    output:
        "results/{study}/crlsc/classify/test/{target}/{share}/{arm}/{way}/seed{seed}.csv",
    log:
        "logs/{study}/crlsc/classify/test/{target}/{share}/{arm}/{way}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CLASSIFY.test(sweep_of(w), int(w.seed)),
        files=lambda w: options(CLASSIFY.test_inputs(sweep_of(w), w.seed)),
    shell:
        "semcom evaluate classify {params.entry:q} {params.files} --table {output} --log {log} "
        "--journal results/{wildcards.study}/journal/classify_test/{wildcards.target}/{wildcards.share}/"
        "{wildcards.arm}/{wildcards.way}/seed{wildcards.seed}.jsonl"
