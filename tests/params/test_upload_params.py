"""The upload of a digital link: what its keys may be, and which jobs they concern."""

from typing import Any

import pytest

from semcom.codecs.images import FORMATS
from semcom.files.errors import SemcomError
from semcom.params.entries import UploadEntry
from semcom.params.faults import at, describe
from semcom.params.jobs import Jobs
from semcom.params.schema import load
from semcom.params.sections import QUALITIES, Upload

UPLOAD = {"codec": "avif", "quality": [30, 60, 90]}


@pytest.fixture
def study(config: dict[str, Any]) -> dict[str, Any]:
    """The quickstart, with one digital link that has an upload."""
    config["digital"] = {"pq": {"link": "awgn_k32", "schemes": ["qpsk_ldpc_1/2"], "upload": dict(UPLOAD)}}
    return config


def entry(config: dict[str, Any]) -> UploadEntry:
    return UploadEntry.model_validate_json(Jobs(load(config), "md5").digital.upload("pq"))


def test_codecs_and_qualities_are_those_of_the_codecs():
    assert {name: form.qualities for name, form in FORMATS.items()} == QUALITIES
    assert describe(at(Upload, ("codec",))) == f"one of {', '.join(FORMATS)}"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("codec", "aviv", ".codec: 'aviv' is not one of avif, webp, jpeg, jpeg2000; did you mean 'avif'?"),
        ("quality", [], ".quality: [] is not a list, each item a whole number ≥ 1 and ≤ 100 (at least 1 it"),
        ("quality", [30, 101], ".quality[1]: 101 is not a whole number ≥ 1 and ≤ 100"),
        ("quality", [0, 30], ".quality[0]: 0 is not a whole number ≥ 1 and ≤ 100"),
        ("quality", [30, 60.5], ".quality[1]: 60.5 is not a whole number ≥ 1 and ≤ 100"),
        ("quality", [60, 30], ".quality: 30 follows 60; the list must rise from item to item"),
        ("qualities", [30], ".qualities: no such key (its value is [30]); did you mean 'quality'?"),
        ("codec", "jpeg2000", ": jpeg2000 has qualities of 10 to 60, not 90"),
    ],
)
def test_a_fault_is_named_with_its_path(study, key, value, said):
    study["digital"]["pq"]["upload"][key] = value
    with pytest.raises(SemcomError) as caught:
        load(study)
    (line,) = str(caught.value).splitlines()[1:]
    assert line.startswith(f"  digital.pq.upload{said}")


def test_without_the_key_there_is_no_job(study):
    assert Jobs(load(study), "md5").digital.uploads == ["pq"]
    del study["digital"]["pq"]["upload"]
    assert Jobs(load(study), "md5").digital.uploads == []


def test_modalities_are_those_of_any_method(study):
    assert entry(study).modalities == ("rgb", "depth")
    study["methods"] = {"supervised": study["methods"]["supervised"] | {"modalities": ["rgb"]}}
    assert entry(study).modalities == ("rgb",)
    study["methods"]["other"] = study["methods"]["supervised"] | {"modalities": ["depth"]}
    assert entry(study).modalities == ("rgb", "depth")


def test_the_snr_is_that_of_training(study):
    study["links"]["awgn_k32"]["train_snr_db"] = {"uniform": [0, 18]}
    assert entry(study).snr_db == 9


def jobs(config: dict[str, Any]) -> dict[str, str]:
    made = Jobs(load(config), "md5")
    return {"upload": made.digital.upload("pq"), "digital": made.digital.evaluate("mmssl", "pq", "all", 0)}


def test_an_upload_and_the_other_jobs_of_its_link_do_not_concern_each_other(study):
    before = jobs(study)
    study["digital"]["pq"]["upload"]["quality"] = [30]
    after = jobs(study)
    assert (after["digital"], after["upload"] != before["upload"]) == (before["digital"], True)
    study["digital"]["pq"]["head_epochs"] = 7
    study["methods"]["mmssl"]["finetune"]["batch_size"] = 8
    study["seeds"] = [0, 5]
    assert jobs(study)["upload"] == after["upload"]
    assert jobs(study)["digital"] != before["digital"]
