rule pretrain:
    input:
        FRAMES,
    output:
        encoders="results/{study}/pretrain/{method}/seed{seed}/encoders.pt",
        history="results/{study}/pretrain/{method}/seed{seed}/history.csv",
    log:
        "logs/{study}/pretrain/{method}_seed{seed}.log",
    priority: 3  # the longest chains begin first, so that no core waits at the end
    threads: THREADS
    resources:
        gpu=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: JOBS.pretrain(w.method, int(w.seed)),
    shell:
        "semcom pretrain {params.entry:q} --frames {input} --encoders {output.encoders} "
        "--history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/pretrain/{wildcards.method}_seed{wildcards.seed}.jsonl"
