rule knowledge:
    input:
        frames=FRAMES,
        encoders=lambda w: encoders(w, [w.seed]),
    output:
        base="results/{study}/knowledge/{method}/seed{seed}/base.npz",
        retrieval="results/{study}/knowledge/{method}/seed{seed}/retrieval.csv",
    log:
        "logs/{study}/knowledge/{method}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=60,
    params:
        entry=lambda w: JOBS.knowledge(w.method, int(w.seed)),
        encoders=encoder_options,
    shell:
        "semcom knowledge private {params.entry:q} --frames {input.frames} {params.encoders} "
        "--base {output.base} --retrieval {output.retrieval} --log {log} "
        "--journal results/{wildcards.study}/journal/knowledge/{wildcards.method}/seed{wildcards.seed}.jsonl"
