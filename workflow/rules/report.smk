rule report:
    input:
        of_study("pretrain", "{method}/seed{seed}", "history.csv", methods=JOBS.pretrained),
        of_study("knowledge", "{method}/seed{seed}", "retrieval.csv", methods=JOBS.knowledge_methods),
        of_study("tune", "{method}/{link}/{labels}", "choice.json", "grid.csv", links=JOBS.tune_links),
        of_study("finetune", "{method}/{link}/{labels}/seed{seed}", "history.csv", "communication.csv"),
        expand("results/{study}/calibration/{link}.csv", study=STUDY.study, link=STUDY.links),
        of_study("evaluate", "{method}/{link}/{labels}/seed{seed}", "sweep.csv", "predictions.npz"),
        of_study(
            "conditions",
            "{method}/{link}/{labels}",
            *[f"seed{seed}.csv" for seed in STUDY.seeds],
            methods=JOBS.conditions_of,
        ),
        of_digital("sweep.csv", "predictions.npz", "communication.csv"),
        expand("results/{study}/upload/{digital}.csv", study=STUDY.study, digital=JOBS.digital.uploads),
        expand(
            "results/{study}/learnt/{method}/seed{seed}.csv",
            study=STUDY.study,
            method=STUDY.learnt_methods,
            seed=STUDY.seeds,
        ),
        of_changing("adapt.csv"),
        frames=FRAMES,
    output:
        report(
            "results/{study}/report/{report}/accuracy_snr.png",
            caption="../report/accuracy_snr.rst",
            category="Figures",
        ),
        report(
            "results/{study}/report/{report}/accuracy_uses.png",
            caption="../report/accuracy_uses.rst",
            category="Figures",
        ),
        report(
            "results/{study}/report/{report}/summary.csv",
            caption="../report/summary.rst",
            category="Tables",
        ),
        report(
            "results/{study}/report/{report}/retrieval.csv",
            caption="../report/retrieval.rst",
            category="Tables",
        ),
        *(
            [
                report(
                    "results/{study}/report/{report}/conditions_snr.png",
                    caption="../report/conditions_snr.rst",
                    category="Figures",
                ),
                "results/{study}/report/{report}/conditions_snr.pdf",
            ]
            if JOBS.conditions_of
            else []
        ),
        multiext("results/{study}/report/{report}/accuracy_snr", ".pdf", ".csv"),
        multiext("results/{study}/report/{report}/accuracy_uses", ".pdf", ".csv"),
        *(
            [
                report(
                    "results/{study}/report/{report}/learnt.png",
                    caption="../report/learnt.rst",
                    category="Figures",
                )
            ]
            if STUDY.learnt_methods  # only then is there a figure of it
            else []
        ),
        multiext(
            "results/{study}/report/{report}/",
            "report.md",
            "provenance.json",
            "pretraining.csv",
            "digital.csv",
            "cost.csv",
            "claims.csv",
            "upload.csv",
            "conditions.csv",
            "optimisers.csv",
            "calibration.csv",
            *(["learnt.pdf", "learnt.csv"] if STUDY.learnt_methods else []),
        ),
        [
            report(file, caption="../report/changing.rst", category="Figures")
            for file in changing_report(".png")
        ],
        changing_report(".pdf"),
        multiext("results/{study}/report/{report}/", "changing.csv", "regain.csv") if JOBS.changes else [],
    log:
        "logs/{study}/report/{report}.log",
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=30,
    params:
        entry=lambda w: JOBS.report(),
    shell:
        "semcom report {params.entry:q} --results results/{wildcards.study} --frames {input.frames} "
        "--output results/{wildcards.study}/report/{wildcards.report} --log {log}"
