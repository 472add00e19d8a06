# Error tables of digital links, for both systems: measured once, kept with the data.
rule error_table:
    output:
        "results/data/links/{table}.csv",
    log:
        "logs/data/links/{table}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=720,
    params:
        entry=lambda w: SYSTEMS.table(f"{w.table}.csv"),
    shell:
        "semcom links table {params.entry:q} --output {output} --state results/.state --log {log}"
