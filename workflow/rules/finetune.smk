rule tune:
    input:
        frames=FRAMES,
        encoders=lambda w: encoders(w, JOBS.tune_seeds),
        # Hours of training wait for the mark that the link is in tolerance; its age re-runs nothing.
        tested=ancient("results/{study}/calibration/{link}.ok"),
    output:
        choice="results/{study}/tune/{method}/{link}/{labels}/choice.json",
        grid="results/{study}/tune/{method}/{link}/{labels}/grid.csv",
    log:
        "logs/{study}/tune/{method}/{link}/{labels}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: JOBS.tune(w.method, w.link, w.labels),
        encoders=encoder_options,
    shell:
        "semcom tune {params.entry:q} --frames {input.frames} {params.encoders} --choice {output.choice} "
        "--grid {output.grid} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/tune/"
        "{wildcards.method}/{wildcards.link}/{wildcards.labels}.jsonl"


rule finetune:
    input:
        frames=FRAMES,
        encoders=lambda w: encoders(w, [w.seed]),
        choice=lambda w: (
            f"results/{w.study}/tune/{w.method}/{JOBS.tune_link(w.link)}/{w.labels}/choice.json"
        ),
        # Hours of training wait for the mark that the link is in tolerance; its age re-runs nothing.
        tested=ancient("results/{study}/calibration/{link}.ok"),
    output:
        models="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/models.pt",
        history="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/history.csv",
        communication="results/{study}/finetune/{method}/{link}/{labels}/seed{seed}/communication.csv",
    log:
        "logs/{study}/finetune/{method}/{link}/{labels}/seed{seed}.log",
    priority: 1
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=240,
    params:
        entry=lambda w: JOBS.finetune(w.method, w.link, w.labels, int(w.seed)),
        encoders=encoder_options,
    shell:
        "semcom finetune {params.entry:q} --frames {input.frames} {params.encoders} --choice {input.choice} "
        "--models {output.models} --history {output.history} --communication {output.communication} "
        "--state results/.state --log {log} --journal results/{wildcards.study}/journal/finetune/"
        "{wildcards.method}/{wildcards.link}/{wildcards.labels}/seed{wildcards.seed}.jsonl"
