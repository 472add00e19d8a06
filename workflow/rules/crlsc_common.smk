# What the second system's rules share.
def options(files):
    """Input files as a verb takes them."""
    return [
        f"--{name}={file}" for name, of in files.items() for file in ([of] if isinstance(of, str) else of)
    ]


def of_seeds(path, pairs):
    """`path` of each (method, encoder) and seed."""
    return [
        path.format(study=SYSTEMS.study, method=method, encoder=encoder, seed=seed)
        for method, encoder in pairs
        for seed in SYSTEMS.seeds
    ]
