rule calibration:
    output:
        "results/{study}/calibration/{link}.csv",
    log:
        "logs/{study}/calibration/{link}.log",
    threads: THREADS
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        entry=lambda w: JOBS.calibration(w.link),
    shell:
        "semcom evaluate link {params.entry:q} --table {output} --log {log}"


rule evaluate:
    input:
        frames=FRAMES,
        models="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/models.pt",
    output:
        sweep="results/{study}/evaluate/{method}/{link}/{labels}/seed{seed}/sweep.csv",
        predictions="results/{study}/evaluate/{method}/{link}/{labels}/seed{seed}/predictions.npz",
    log:
        "logs/{study}/evaluate/{method}_{link}_{labels}_seed{seed}.log",
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
        "{wildcards.method}_{wildcards.link}_{wildcards.labels}_seed{wildcards.seed}.jsonl"
