# What the second system's rules share.
def options(files):
    """Input files as a verb takes them."""
    return [
        f"--{name}={file}" for name, of in files.items() for file in ([of] if isinstance(of, str) else of)
    ]


def flat(files):
    """Input files as a rule takes them."""
    return [file for of in files.values() for file in ([of] if isinstance(of, str) else of)]


def of_seeds(path, pairs):
    """`path` of each (method, encoder) and seed."""
    return [
        path.format(study=SYSTEMS.study, method=method, encoder=encoder, seed=seed)
        for method, encoder in pairs
        for seed in CRLSC.seeds
    ]


def of_images(stage, pairs, *files):
    """Files of all jobs of a stage."""
    return [
        f"results/{SYSTEMS.study}/crlsc/images/{stage}/{method}/{link}/seed{seed}/{file}"
        for method, link in pairs
        for seed in CRLSC.seeds
        for file in files
    ]


def crlsc_figures(name, wanted):
    """A figure of the report, where there is something to draw."""
    path = f"results/{{study}}/report/{{report}}/crlsc_{name}"
    picture = report(f"{path}.png", caption=f"../report/crlsc_{name}.rst", category="Figures")
    return [picture, f"{path}.pdf"] if wanted else []


def tested(of, links, name):
    """The mark that a link of `images` or `classify` is in tolerance; what is trained without one waits for none."""
    return ancient(f"results/{SYSTEMS.study}/crlsc/calibration/{of}/{name}.ok") if name in links else []
