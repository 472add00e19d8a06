"""`knowledge.methods` in params files: whose encoders get private bases."""

import pytest

from semcom.files.errors import SemcomError
from semcom.params.jobs import Jobs
from semcom.params.reportentry import ReportEntry
from semcom.params.schema import load


@pytest.mark.parametrize(
    ("section", "bases"),
    [
        ({}, ["mmssl", "intra_only", "random"]),
        ({"methods": ["intra_only"]}, ["intra_only", "random"]),
        ({"methods": []}, []),
    ],
)
def test_methods_with_bases(config, section, bases):
    config["knowledge"] = section
    jobs = Jobs(load(config), "md5")
    assert jobs.knowledge_methods == bases
    assert list(ReportEntry.model_validate_json(jobs.report()).bases) == bases


def test_whose_bases_are_built_changes_no_job(config):
    before = Jobs(load(config), "md5")
    config["knowledge"] = {"methods": ["mmssl"]}
    after = Jobs(load(config), "md5")
    for method in ("mmssl", "random"):
        assert after.knowledge(method, 0) == before.knowledge(method, 0)


@pytest.mark.parametrize(
    ("methods", "said"),
    [
        (["mmsl"], "knowledge.methods: 'mmsl' is none of methods; did you mean 'mmssl'?"),
        (["supervised"], "knowledge.methods: supervised does not pre-train, so no base is built of it"),
        (["mmssl", "mmssl"], "knowledge.methods"),
    ],
)
def test_faults(config, methods, said):
    config["knowledge"] = {"methods": methods}
    with pytest.raises(SemcomError) as error:
        load(config)
    assert said in str(error.value)
