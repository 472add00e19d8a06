rule changing:
    input:
        frames=FRAMES,
        encoders=lambda w: encoders(w, [w.seed]),
        choice=lambda w: (
            f"results/{w.study}/tune/{w.method}/{JOBS.tune_link(JOBS.changes[w.changing].link)}/"
            f"{JOBS.changes[w.changing].labels}/choice.json"
        ),
        models=of_its_link("models.pt"),
    output:
        "results/{study}/changing/{changing}/{method}/seed{seed}/adapt.csv",
    log:
        "logs/{study}/changing/{changing}/{method}/seed{seed}.log",
    priority: 1
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: JOBS.changing(w.changing, w.method, int(w.seed)),
        encoders=encoder_options,
    shell:
        "semcom finetune changing {params.entry:q} --frames {input.frames} {params.encoders} "
        "--choice {input.choice} --models {input.models} --output {output} --state results/.state "
        "--log {log} --journal results/{wildcards.study}/journal/changing/"
        "{wildcards.changing}/{wildcards.method}/seed{wildcards.seed}.jsonl"
