rule prepare:
    input:
        "results/data/{dataset}.ok",
    output:
        "results/data/{dataset}_{size}.h5",
    log:
        "logs/data/{dataset}_{size}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=60,
    params:
        entry=lambda w: SYSTEMS.prepare(w.dataset, w.size),
        source=lambda w: f"data/{w.dataset}",
    shell:
        "semcom prepare {params.entry:q} --source {params.source} --output {output} --log {log}"
