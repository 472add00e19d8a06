rule prepare:
    input:
        f"results/data/{STUDY.data}.ok",
    output:
        FRAMES,
    log:
        f"logs/data/{STUDY.data}_{STUDY.size[0]}x{STUDY.size[1]}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=60,
    params:
        entry=JOBS.prepare(),
        source=f"data/{STUDY.data}",
    shell:
        "semcom prepare {params.entry:q} --source {params.source} --output {output} --log {log}"
