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
