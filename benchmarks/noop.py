"""How long a finished study's `snakemake --cores 2` takes to say that there is nothing to do.

Beside it, alternating, a Snakefile of one rule. Run it in the repository after the study has finished:

    python benchmarks/noop.py [params/other.yaml]
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
ONE_RULE = 'rule one:\n    output: "one.txt"\n    shell: "echo 1 > {output}"\n'


def snakemake(folder: Path, *options: str) -> float:
    """Seconds of one `snakemake --cores 2` in `folder`, which must find nothing to do."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if "Nothing to be done" not in done.stdout + done.stderr:
        sys.exit(f"snakemake in {folder} had something to do or failed:\n{done.stderr[-2000:]}")
    return seconds


def main() -> None:
    """Print the best time of each, and their difference."""
    options = ["--configfile", sys.argv[1]] if len(sys.argv) > 1 else []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "Snakefile").write_text(ONE_RULE)
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--quiet"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        pairs = [(snakemake(folder), snakemake(Path.cwd(), *options)) for _ in range(ROUNDS)]
    one, ours = (min(times) for times in zip(*pairs, strict=True))
    print(f"one rule {one:.2f} s, this study {ours:.2f} s, difference {ours - one:.2f} s (limit 0.50 s)")
    sys.exit(ours - one > 0.5)


if __name__ == "__main__":
    main()
