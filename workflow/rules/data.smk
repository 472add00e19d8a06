rule fetch:
    output:
        "results/data/{dataset}.ok",
    log:
        "logs/data/{dataset}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=1000,
        runtime=120,
    params:
        md5=lambda w: SYSTEMS.versions[w.dataset],
    shell:
        "semcom data fetch {wildcards.dataset} --md5 {params.md5} --stamp {output} --log {log}"
