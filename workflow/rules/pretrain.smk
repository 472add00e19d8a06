rule pretrain:
    input:
        FRAMES,
    output:
        encoders="results/{study}/pretrain/{method}/seed{seed}/encoders.pt",
        learner="results/{study}/pretrain/{method}/seed{seed}/learner.pt",
        history="results/{study}/pretrain/{method}/seed{seed}/history.csv",
    log:
        "logs/{study}/pretrain/{method}/seed{seed}.log",
    priority: 3  # the longest chains begin first, so that no core waits at the end
    threads: lambda w: THREADS * devices(w)
    resources:
        gpu=lambda w: GPU * devices(w),
        gpu_jobs=GPU,
        mem_mb=lambda w: 4000 * devices(w),
        runtime=720,
        # With `mpi` the executor leaves srun to the command below.
        mpi=several(lambda n: "srun"),
        nodes=several(lambda n: 1),
        tasks=several(lambda n: n),
        cpus_per_task=several(lambda n: THREADS),
        launcher=launcher,
    params:
        entry=lambda w: JOBS.pretrain(w.method, int(w.seed)),
    shell:
        "LAUNCHER={resources.launcher:q} semcom pretrain {params.entry:q} --frames {input} "
        "--encoders {output.encoders} --learner {output.learner} --history {output.history} "
        "--state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/pretrain/{wildcards.method}/seed{wildcards.seed}.jsonl"
