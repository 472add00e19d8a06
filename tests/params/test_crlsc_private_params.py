"""A form of private bases that cannot work is refused before anything runs; widths are the networks'."""

from typing import Any

import pytest
import yaml
from crlsc_faults import changed, faults
from test_crlsc_params import PARAMS, jobs

from semcom.files.errors import SemcomError
from semcom.models import BACKBONES
from semcom.params.component import build
from semcom.params.crlsc.entries import PrivateEntry
from semcom.params.crlsc.schema import load
from semcom.params.crlsc.widths import width
from semcom.params.form import parse
from semcom.params.formfit import fitted


@pytest.fixture
def config() -> dict[str, Any]:
    return yaml.safe_load(PARAMS)


def test_sub_vectors_that_divide_not_every_space_are_refused(config):
    (line,) = faults(changed(config, "probe", {"private": "PQ7"}))
    assert line.startswith("crlsc.probe.private: PQ7 of the form PQ7 cuts 1280 dimensions into 7 sub-vectors")
    assert line.endswith("(small by guided, 1280 dimensions, all images of a)")
    # Of resnet18 at an eighth features are 64-d, which only encoders without a guide keep.
    (line,) = faults(changed(config, "probe", {"private": "PQ80"}))
    assert "PQ80 of the form PQ80 cuts 576 dimensions" in line
    (line,) = faults(changed(config, "probe", {"private": "PQ96"}))
    assert "cuts 1280 dimensions" in line
    for name in ("simclr", "supervised", "random"):
        config["crlsc"]["methods"][name]["encoders"] = ["res"]
    (line,) = faults(changed(config, "probe", {"private": "PQ80"}))
    assert line.endswith("(res by simclr, 64 dimensions, all images of a)")
    assert load(changed(config, "probe", {"private": "PQ32"}))
    assert load(changed(config, "probe", None)), "no probe, no form"


@pytest.mark.parametrize(("count", "said"), [(155, "form PQ32x1"), (311, "form PQ32x2"), (312, "")])
def test_codebooks_that_few_images_leave_unsearchable_are_refused(config, count, said):
    """64 dimensions in 32 sub-vectors of 2: faiss searches those of 3 bits on, which take 39 · 2³ images."""
    config["crlsc"]["parts"]["a"]["count"] = count
    config["crlsc"]["encoders"] = {"vit": {"backbone": {"use": "vit", "patch": 4, "width": 64, "heads": 2}}}
    wanted = changed(config, "probe", {"private": "PQ32"})
    wanted["crlsc"].pop("consensus")
    if not said:
        assert load(wanted)
        return
    (line,) = faults(wanted)
    assert line.startswith(f"crlsc.probe.private: {said}: faiss cannot search codebooks of")
    assert "take PQ16, or more vectors" in line
    assert line.endswith(f"(vit by simclr, 64 dimensions, {count} images of a)")


def test_too_few_images_for_any_codebook_are_refused(config):
    config["crlsc"]["parts"]["a"]["count"] = 77
    (line,) = faults(changed(config, "probe", {"private": "PQ8"}))
    assert line.startswith("crlsc.probe.private: 77 vectors are too few to train the form PQ8")
    with pytest.raises(SemcomError, match="77 vectors are too few"):
        fitted(parse("PQ8"), dim=1280, vectors=77, too_few="fewer_bits")


@pytest.mark.parametrize(
    "backbone",
    [
        *({"use": "resnet18", "width_mult": scale} for scale in (0.125, 0.3, 1.0)),
        *({"use": "mobilenet_v2", "width_mult": scale} for scale in (0.35, 1.0, 1.33)),
        *({"use": "mobilenet_v3_small", "width_mult": scale} for scale in (0.05, 0.35, 0.6, 1.0, 1.1)),
        {"use": "vit", "width": 32, "heads": 2, "depth": 1},
        {"use": "efficientnet_lite0"},
    ],
)
def test_widths_are_those_of_the_networks(backbone):
    assert width(backbone) == build(BACKBONES, backbone, 3, (32, 32)).dim


def test_every_backbone_of_the_family_has_a_width(config):
    for use in BACKBONES:
        backbone = {"use": use} | ({"patch": 4} if use == "vit" else {})
        section = load(changed(config, "encoders.small", {"backbone": backbone})).crlsc
        assert width(section.encoders["small"].backbone) is not None
    assert width({"use": "mine.nets:Mine"}) is None


def test_a_private_base_is_asked_what_the_probe_asks(config):
    made = jobs(changed(config, "probe", {"private": "SQ8", "neighbours": 4}))
    entry = PrivateEntry.model_validate_json(made.private("guided", "res", "rooms", 1))
    assert (entry.form, entry.neighbours, entry.seed, entry.name) == ("SQ8", 4, 1, "rooms")
    assert [name for name, _ in entry.parts] == ["public", "a", "test"]
    files = made.private_inputs("guided", "res", "rooms", 1)
    assert files == {
        "frames": ["results/data/rooms_32x24.h5"],
        "encoder": [made.encoder("guided", "res", 1)],
        "shared": [made.base("pq", 1)],
    }
    assert "shared" not in made.private_inputs("simclr", "res", "rooms", 1)
    without = jobs(changed(config, "probe", None))
    assert PrivateEntry.model_validate_json(without.private("guided", "res", "rooms", 1)).form == "Flat"
