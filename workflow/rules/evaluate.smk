rule calibration:
    output:
        table="results/{study}/calibration/{link}.csv",
        # Kept while the link is measured again, and if it fails: what was trained over it stays.
        mark=update("results/{study}/calibration/{link}.ok"),
    log:
        "logs/{study}/calibration/{link}.log",
    priority: 10  # a minute, before hours are spent on a link that is not what it says
    threads: THREADS
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        entry=lambda w: JOBS.calibration(w.link),
    shell:
        "semcom evaluate link {params.entry:q} --table {output.table} --mark {output.mark} --log {log}"


rule evaluate:
    input:
        frames=FRAMES,
        models="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/models.pt",
    output:
        sweep="results/{study}/evaluate/{method}/{link}/{labels}/seed{seed}/sweep.csv",
        predictions="results/{study}/evaluate/{method}/{link}/{labels}/seed{seed}/predictions.npz",
    log:
        "logs/{study}/evaluate/{method}/{link}/{labels}/seed{seed}.log",
    priority: 4  # a run that is cut off has measured what it trained
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=60,
    params:
        entry=lambda w: JOBS.evaluate(w.method, w.link, w.labels, int(w.seed)),
    shell:
        "semcom evaluate sweep {params.entry:q} --frames {input.frames} --models {input.models} "
        "--sweep {output.sweep} --predictions {output.predictions} --log {log} "
        "--journal results/{wildcards.study}/journal/evaluate/"
        "{wildcards.method}/{wildcards.link}/{wildcards.labels}/seed{wildcards.seed}.jsonl"


rule conditions:
    input:
        frames=FRAMES,
        models="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/models.pt",
    output:
        "results/{study}/conditions/{method}/{link}/{labels}/seed{seed}.csv",
    log:
        "logs/{study}/conditions/{method}/{link}/{labels}/seed{seed}.log",
    priority: 4
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=60,
    params:
        entry=lambda w: JOBS.conditions(w.method, w.link, w.labels, int(w.seed)),
    shell:
        "semcom evaluate conditions {params.entry:q} --frames {input.frames} --models {input.models} "
        "--table {output} --log {log} --journal results/{wildcards.study}/journal/conditions/"
        "{wildcards.method}/{wildcards.link}/{wildcards.labels}/seed{wildcards.seed}.jsonl"


rule digital:
    input:
        frames=FRAMES,
        models=lambda w: (
            f"results/{w.study}/finetune/{w.method}/{STUDY.digital[w.digital].link}/{w.labels}/seed{w.seed}/"
            "models.pt"
        ),
        encoders=lambda w: encoders(w, [w.seed]),
        tables=lambda w: JOBS.digital.error_tables(w.digital),
    output:
        sweep="results/{study}/evaluate/{method}/{digital}/{labels}/seed{seed}/sweep.csv",
        predictions="results/{study}/evaluate/{method}/{digital}/{labels}/seed{seed}/predictions.npz",
        communication="results/{study}/evaluate/{method}/{digital}/{labels}/seed{seed}/communication.csv",
    log:
        "logs/{study}/evaluate/{method}/{digital}/{labels}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: JOBS.digital.evaluate(w.method, w.digital, w.labels, int(w.seed)),
        encoders=encoder_options,
        tables=table_options,
    shell:
        "semcom evaluate digital {params.entry:q} --frames {input.frames} --models {input.models} "
        "{params.encoders} {params.tables} --sweep {output.sweep} --predictions {output.predictions} "
        "--communication {output.communication} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/evaluate/"
        "{wildcards.method}/{wildcards.digital}/{wildcards.labels}/seed{wildcards.seed}.jsonl"


rule upload:
    input:
        frames=FRAMES,
        tables=lambda w: JOBS.digital.error_tables(w.digital),
    output:
        "results/{study}/upload/{digital}.csv",
    log:
        "logs/{study}/upload/{digital}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=60,
    params:
        entry=lambda w: JOBS.digital.upload(w.digital),
        tables=table_options,
    shell:
        "semcom evaluate upload {params.entry:q} --frames {input.frames} {params.tables} --output {output} "
        "--log {log} --journal results/{wildcards.study}/journal/upload/{wildcards.digital}.jsonl"


rule learnt:
    input:
        frames=FRAMES,
        learner="results/{study}/pretrain/{method}/seed{seed}/learner.pt",
    output:
        "results/{study}/learnt/{method}/seed{seed}.csv",
    log:
        "logs/{study}/learnt/{method}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: JOBS.learnt(w.method, int(w.seed)),
    shell:
        "semcom evaluate learnt {params.entry:q} --frames {input.frames} --learner {input.learner} "
        "--table {output} --log {log} "
        "--journal results/{wildcards.study}/journal/learnt/{wildcards.method}/seed{wildcards.seed}.jsonl"
