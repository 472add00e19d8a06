# The second system: a shared knowledge base, local encoders that learn under it, what they are worth.
include: "crlsc_common.smk"


wildcard_constraints:
    base="|".join(CRLSC.study.crlsc.bases) or "(?!)",
    encoder="|".join(dict.fromkeys(encoder for _, encoder in [*CRLSC.trained, *CRLSC.probed])) or "(?!)",
    mentor=f"{CRLSC.mentor}|{CRLSC.mentor_int8}",
    version=r"[0-9a-f]{8}",
    links_of="images|classify",
    calibrated="|".join(dict.fromkeys(name for _, name in CRLSC.links.channels)) or "(?!)",


if CRLSC.images:

    include: "crlsc_images.smk"


if CRLSC.classify:

    include: "crlsc_classify.smk"


rule crlsc_embed:
    input:
        "results/data/{dataset}_{size}.h5",
    output:
        "results/data/embeddings/{mentor}/{dataset}_{size}_{version}.h5",
    log:
        "logs/data/embeddings/{mentor}/{dataset}_{size}_{version}.log",
    priority: 3
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: CRLSC.embed(w.dataset, w.mentor),
    shell:
        # What an earlier version of the data has of the images is not embedded again.
        "earlier=$(for file in results/data/embeddings/{wildcards.mentor}/{wildcards.dataset}_*.h5; do "
        '[ ! -e "$file" ] || echo "--earlier $file"; done); '
        "semcom knowledge embed {params.entry:q} --frames {input} --output {output} $earlier "
        "--state results/.state --log {log} --journal results/data/journal/embed/"
        "{wildcards.mentor}/{wildcards.dataset}_{wildcards.size}_{wildcards.version}.jsonl"


rule crlsc_shared:
    input:
        frames=lambda w: CRLSC.frames(CRLSC.data_of_base(w.base)),
        embeddings=lambda w: CRLSC.embeddings(CRLSC.data_of_base(w.base)),
        data=lambda w: f"results/data/{CRLSC.data_of_base(w.base)}.ok",
    output:
        base="results/{study}/crlsc/shared/{base}/seed{seed}/base.skb",
        table="results/{study}/crlsc/shared/{base}/seed{seed}/size.csv",
    log:
        "logs/{study}/crlsc/shared/{base}/seed{seed}.log",
    priority: 3
    threads: THREADS
    resources:
        gpu=0,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CRLSC.shared(w.base, int(w.seed)),
        pictures=lambda w: CRLSC.pictures(w.base),
    shell:
        "semcom knowledge shared {params.entry:q} --embeddings {input.embeddings} --frames {input.frames} "
        "--pictures {params.pictures} --base {output.base} --table {output.table} --log {log} "
        "--journal results/{wildcards.study}/journal/shared/{wildcards.base}/seed{wildcards.seed}.jsonl"


rule crlsc_local:
    input:
        lambda w: CRLSC.local_inputs(w.method, w.encoder, w.seed).values(),
    output:
        encoder="results/{study}/crlsc/local/{method}/{encoder}/seed{seed}/encoder.pt",
        history="results/{study}/crlsc/local/{method}/{encoder}/seed{seed}/history.csv",
        cost="results/{study}/crlsc/local/{method}/{encoder}/seed{seed}/cost.csv",
    log:
        "logs/{study}/crlsc/local/{method}/{encoder}/seed{seed}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: CRLSC.local(w.method, w.encoder, int(w.seed)),
        files=lambda w: options(CRLSC.local_inputs(w.method, w.encoder, w.seed)),
    shell:
        "semcom pretrain-local {params.entry:q} {params.files} --encoder {output.encoder} "
        "--history {output.history} --cost {output.cost} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/local/"
        "{wildcards.method}/{wildcards.encoder}/seed{wildcards.seed}.jsonl"


rule crlsc_probe:
    input:
        lambda w: [file for of in CRLSC.probe_inputs(w.method, w.encoder, w.seed).values() for file in of],
    output:
        table="results/{study}/crlsc/probe/{method}/{encoder}/seed{seed}.csv",
        outcomes="results/{study}/crlsc/probe/{method}/{encoder}/seed{seed}.npz",
    log:
        "logs/{study}/crlsc/probe/{method}/{encoder}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CRLSC.probe(w.method, w.encoder, int(w.seed)),
        files=lambda w: options(CRLSC.probe_inputs(w.method, w.encoder, w.seed)),
    shell:
        "semcom evaluate probe {params.entry:q} {params.files} --table {output.table} "
        "--outcomes {output.outcomes} --log {log} "
        "--journal results/{wildcards.study}/journal/probe/"
        "{wildcards.method}/{wildcards.encoder}/seed{wildcards.seed}.jsonl"


# Made when asked for: no report reads it.
rule crlsc_private:
    input:
        lambda w: flat(CRLSC.private_inputs(w.method, w.encoder, w.target, w.seed)),
    output:
        base="results/{study}/crlsc/private/{method}/{encoder}/{target}/seed{seed}.pkb",
        retrieval="results/{study}/crlsc/private/{method}/{encoder}/{target}/seed{seed}.csv",
    log:
        "logs/{study}/crlsc/private/{method}/{encoder}/{target}/seed{seed}.log",
    wildcard_constraints:
        method="|".join(CRLSC.study.crlsc.methods) or "(?!)",
        encoder="|".join(CRLSC.study.crlsc.encoders) or "(?!)",
        target="|".join(CRLSC.study.crlsc.targets) or "(?!)",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=60,
    params:
        entry=lambda w: CRLSC.private(w.method, w.encoder, w.target, int(w.seed)),
        files=lambda w: options(CRLSC.private_inputs(w.method, w.encoder, w.target, w.seed)),
    shell:
        "semcom knowledge private {params.entry:q} {params.files} --base {output.base} "
        "--retrieval {output.retrieval} --log {log} "
        "--journal results/{wildcards.study}/journal/private/"
        "{wildcards.method}/{wildcards.encoder}/{wildcards.target}/seed{wildcards.seed}.jsonl"


rule crlsc_consensus:
    input:
        lambda w: [file for of in CRLSC.consensus_inputs(w.method, w.seed).values() for file in of],
    output:
        table="results/{study}/crlsc/consensus/{method}/seed{seed}.csv",
        outcomes="results/{study}/crlsc/consensus/{method}/seed{seed}.npz",
    log:
        "logs/{study}/crlsc/consensus/{method}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: CRLSC.consensus(w.method, int(w.seed)),
        files=lambda w: options(CRLSC.consensus_inputs(w.method, w.seed)),
    shell:
        "semcom evaluate consensus {params.entry:q} {params.files} --table {output.table} "
        "--outcomes {output.outcomes} --log {log} "
        "--journal results/{wildcards.study}/journal/consensus/{wildcards.method}/seed{wildcards.seed}.jsonl"


rule crlsc_calibration:
    output:
        table="results/{study}/crlsc/calibration/{links_of}/{calibrated}.csv",
        mark=update("results/{study}/crlsc/calibration/{links_of}/{calibrated}.ok"),
    log:
        "logs/{study}/crlsc/calibration/{links_of}/{calibrated}.log",
    priority: 10
    threads: THREADS
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        entry=lambda w: CRLSC.links.calibration(w.links_of, w.calibrated),
    shell:
        "semcom evaluate link {params.entry:q} --table {output.table} --mark {output.mark} --log {log}"


rule crlsc_report:
    input:
        expand(
            "results/{study}/crlsc/shared/{base}/seed{seed}/size.csv",
            study=SYSTEMS.study,
            base=CRLSC.study.crlsc.bases,
            seed=CRLSC.seeds,
        ),
        of_seeds("results/{study}/crlsc/local/{method}/{encoder}/seed{seed}/history.csv", CRLSC.trained),
        of_seeds("results/{study}/crlsc/local/{method}/{encoder}/seed{seed}/cost.csv", CRLSC.trained),
        of_seeds("results/{study}/crlsc/probe/{method}/{encoder}/seed{seed}.csv", CRLSC.probed),
        of_seeds("results/{study}/crlsc/probe/{method}/{encoder}/seed{seed}.npz", CRLSC.probed),
        of_images("test", IMAGES.tested, "table.csv", "sheet.png") if CRLSC.images else [],
        of_images("train", IMAGES.trained, "history.csv") if CRLSC.images else [],
        classify_results() if CRLSC.classify else [],
        CRLSC.links.calibrations,
        expand(
            "results/{study}/crlsc/consensus/{method}/seed{seed}.{kind}",
            study=SYSTEMS.study,
            method=CRLSC.compared,
            seed=CRLSC.seeds,
            kind=("csv", "npz"),
        ),
    output:
        multiext(
            "results/{study}/report/{report}/crlsc",
            ".md",
            "_provenance.json",
            "_accuracy.csv",
            "_differences.csv",
            "_bases.csv",
            "_training.csv",
            "_labels.csv",
            "_computing.csv",
            "_consensus.csv",
            "_exchange.csv",
            "_joining.csv",
            "_images.csv",
            "_images_best.csv",
            "_images_training.csv",
            "_classify.csv",
            "_classify_means.csv",
            "_generalisation.csv",
            "_calibration.csv",
            "_claims.csv",
        ),
        *crlsc_figures("accuracy", CRLSC.probed),
        *crlsc_figures("bases", CRLSC.study.crlsc.bases and CRLSC.probed),
        *crlsc_figures("consensus", CRLSC.compared),
        *crlsc_figures("images_psnr", CRLSC.images),
        *crlsc_figures("images_ssim", CRLSC.images),
        *crlsc_figures("images_accuracy", CRLSC.images and CRLSC.images.images.classifier),
        *crlsc_figures("images_cbr", CRLSC.images and CRLSC.images.images.several_uses),
        *crlsc_figures("classify", CRLSC.classify),
        *crlsc_figures("classify_across", CRLSC.classify and CRLSC.classify.across),
    log:
        "logs/{study}/report/{report}_crlsc.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        entry=lambda w: CRLSC.report(),
    shell:
        "semcom report crlsc {params.entry:q} --results results/{wildcards.study} "
        "--output results/{wildcards.study}/report/{wildcards.report} --log {log}"
