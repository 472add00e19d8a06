"""Which jobs ask for a GPU, how, and what they get; the cluster's GPUs are of type `toy`."""

import pytest
import yaml

from submitted import TARGET, Submitted, profile, trouble

pytestmark = pytest.mark.slurm
STYLES = {
    "gpus": ({"gpu_option": "gpus"}, ("gres:gpu:1", "N/A")),
    "gpus of a type": ({"gpu_option": "gpus", "gpu_type": "toy"}, ("gres:gpu:toy:1", "N/A")),
    "gres": ({"gpu_option": "gres"}, ("N/A", "gres:gpu:1")),
    "gres of a type": ({"gpu_option": "gres", "gpu_type": "toy"}, ("N/A", "gres:gpu:toy:1")),
}
SHOW = """
rule all:
    input: "pretrain.txt", "prepare.txt"
rule pretrain:
    output: "pretrain.txt"
    resources: gpu=1
    shell: 'echo "${CUDA_VISIBLE_DEVICES:-none}" > {output}'
rule prepare:
    output: "prepare.txt"
    resources: gpu=0
    shell: 'echo "${CUDA_VISIBLE_DEVICES:-none}" > {output}'
""".replace("${CUDA_VISIBLE_DEVICES:-none}", "${{CUDA_VISIBLE_DEVICES:-none}}")


@pytest.mark.parametrize("style", STYLES)
def test_a_gpu_is_asked_for_and_seen_by_the_rule_that_needs_one(cluster, pretraining, style):
    """The same profile, with small rules of the names of ours that write down what they see."""
    values, asked = STYLES[style]
    profile(pretraining, partition="cpu", gpu_partition="gpu", **values)
    (pretraining.root / "show.smk").write_text(SHOW)
    with Submitted(pretraining, cluster, "--snakefile", "show.smk") as run:
        run.end()
        (gpu,), (cpu,) = run.jobs("pretrain"), run.jobs("prepare")
    assert (gpu.gpus, gpu.gres) == asked
    assert (cpu.gpus, cpu.gres) == ("N/A", "N/A")
    assert (cluster.job(gpu.id)["Partition"], cluster.job(cpu.id)["Partition"]) == ("gpu", "cpu")
    assert (pretraining.root / "pretrain.txt").read_text().strip() in ("0", "1")
    assert (pretraining.root / "prepare.txt").read_text() == "none\n"


def test_rules_ask_for_a_gpu_where_the_params_do(cluster, pretraining):
    """Here no GPU is behind the number that a job gets, and the verb says so."""
    params = pretraining.root / "params/quickstart.yaml"
    study = yaml.safe_load(params.read_text()) | {"compute": {"device": "cuda"}}
    params.write_text(yaml.safe_dump(study))
    trouble(pretraining)
    with Submitted(pretraining, cluster, TARGET, "--retries", "0", "--forcerun", "prepare") as run:
        run.end(code=1)
        (gpu,), (cpu,) = run.jobs("pretrain"), run.jobs("prepare")
    assert (gpu.gpus, cpu.gpus) == ("gres:gpu:1", "N/A")
    assert "torch finds no CUDA device here" in run.output
