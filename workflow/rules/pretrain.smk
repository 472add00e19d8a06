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


rule pretrain:
    input:
        FRAMES,
    output:
        encoders="results/{study}/pretrain/{method}/seed{seed}/encoders.pt",
        history="results/{study}/pretrain/{method}/seed{seed}/history.csv",
    log:
        "logs/{study}/pretrain/{method}_seed{seed}.log",
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
        "--encoders {output.encoders} --history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/pretrain/{wildcards.method}_seed{wildcards.seed}.jsonl"
