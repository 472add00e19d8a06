# Images over links: a training for each network and one for the classifier, a sweep for each network and link.
IMAGES = CRLSC.images


wildcard_constraints:
    reconstructor="|".join(IMAGES.images.methods),
    encoded="|".join(IMAGES.encodings) or "(?!)",
    image_link="|".join(dict.fromkeys(link for _, link in [*IMAGES.trained, *IMAGES.tested])),


rule crlsc_images:
    input:
        lambda w: IMAGES.train_inputs(w.reconstructor, w.seed).values(),
        tested=lambda w: tested("images", IMAGES.images.links, w.image_link),
    output:
        network="results/{study}/crlsc/images/train/{reconstructor}/{image_link}/seed{seed}/network.pt",
        history="results/{study}/crlsc/images/train/{reconstructor}/{image_link}/seed{seed}/history.csv",
    log:
        "logs/{study}/crlsc/images/train/{reconstructor}/{image_link}/seed{seed}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: IMAGES.train(w.reconstructor, w.image_link, int(w.seed)),
        files=lambda w: options(IMAGES.train_inputs(w.reconstructor, w.seed)),
    shell:
        "semcom finetune images {params.entry:q} {params.files} --network {output.network} "
        "--history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/images/"
        "{wildcards.reconstructor}/{wildcards.image_link}/seed{wildcards.seed}.jsonl"


rule crlsc_images_classifier:
    input:
        lambda w: IMAGES.classifier_inputs().values(),
    output:
        classifier="results/{study}/crlsc/images/classifier/seed{seed}/classifier.pt",
        history="results/{study}/crlsc/images/classifier/seed{seed}/history.csv",
    log:
        "logs/{study}/crlsc/images/classifier/seed{seed}.log",
    priority: 2
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=720,
    params:
        entry=lambda w: IMAGES.classifier(int(w.seed)),
        files=lambda w: options(IMAGES.classifier_inputs()),
    shell:
        "semcom finetune classifier {params.entry:q} {params.files} --classifier {output.classifier} "
        "--history {output.history} --state results/.state --log {log} "
        "--journal results/{wildcards.study}/journal/images/classifier/seed{wildcards.seed}.jsonl"


rule crlsc_images_files:
    input:
        lambda w: IMAGES.encoding_inputs().values(),
    output:
        "results/{study}/crlsc/images/files/{encoded}/seed{seed}/files.npz",
    log:
        "logs/{study}/crlsc/images/files/{encoded}/seed{seed}.log",
    priority: 2
    threads: 1
    resources:
        gpu=0,
        mem_mb=2000,
        runtime=720,
    params:
        entry=lambda w: IMAGES.encoding(w.encoded, int(w.seed)),
        files=lambda w: options(IMAGES.encoding_inputs()),
    shell:
        "semcom evaluate files {params.entry:q} {params.files} --files {output} --state results/.state "
        "--log {log} --journal results/{wildcards.study}/journal/images_files/"
        "{wildcards.encoded}/seed{wildcards.seed}.jsonl"


rule crlsc_images_test:
    input:
        lambda w: flat(IMAGES.test_inputs(w.reconstructor, w.image_link, w.seed)),
    output:
        table="results/{study}/crlsc/images/test/{reconstructor}/{image_link}/seed{seed}/table.csv",
        sheet="results/{study}/crlsc/images/test/{reconstructor}/{image_link}/seed{seed}/sheet.png",
    log:
        "logs/{study}/crlsc/images/test/{reconstructor}/{image_link}/seed{seed}.log",
    threads: THREADS
    resources:
        gpu=GPU,
        gpu_jobs=GPU,
        mem_mb=4000,
        runtime=120,
    params:
        entry=lambda w: IMAGES.test(w.reconstructor, w.image_link, int(w.seed)),
        files=lambda w: options(IMAGES.test_inputs(w.reconstructor, w.image_link, w.seed)),
    shell:
        "semcom evaluate images {params.entry:q} {params.files} --table {output.table} "
        "--sheet {output.sheet} --log {log} "
        "--journal results/{wildcards.study}/journal/images_test/"
        "{wildcards.reconstructor}/{wildcards.image_link}/seed{wildcards.seed}.jsonl"
