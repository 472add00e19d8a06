"""What a verb says of an ENTRY that is not one."""

import pytest
from typer.testing import CliRunner

from semcom.cli import app
from semcom.cli.entry import read
from semcom.files.errors import SemcomError
from semcom.params.crlsc.entries import ConsensusEntry, LocalEntry, ProbeEntry
from semcom.params.entries import PrepareEntry, PretrainEntry

WHOLE = '"name":"rooms","size":[64,48],"data":"d","code":"c"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rooms", "ENTRY is no JSON text: expected value at line 1 column 1"),
        ("", "ENTRY is no JSON text: EOF while parsing a value at line 1 column 0"),
        ("[]", "ENTRY is no PrepareEntry:\n  [] is not a section with the keys name, size, data, code"),
        (
            f'{{{WHOLE},"nam":1}}',
            "ENTRY is no PrepareEntry:\n  nam: no such key (its value is 1); did you mean",
        ),
        (f"{{{WHOLE.replace('48', '8')}}}", "size[1]: 8 is not a whole number ≥ 16 and ≤ 4096"),
        (f"{{{WHOLE[15:]}}}", "ENTRY is no PrepareEntry:\n  name: missing; it takes a text"),
    ],
)
def test_a_bad_entry_is_told_in_our_words(text, said):
    with pytest.raises(SemcomError) as caught:
        read(PrepareEntry, text, None, "prepare", "name")
    assert said in str(caught.value)
    assert "pydantic" not in str(caught.value)


def test_every_field_that_is_missing_is_named():
    with pytest.raises(SemcomError) as caught:
        read(PretrainEntry, "{}", None, "pretrain", "method")
    assert "compute: missing; it takes a section with the keys device" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1 + 9  # of the 10 fields only `system` has a default


PARTS = '"parts":{"public":{"data":"rooms","role":"public"},"a":{"data":"digits","role":"private"}}'
NETWORK = '{"backbone":{"use":"resnet18"}}'
LOCAL = f'"method":"guided","encoder":"resnet","network":{NETWORK},{PARTS},"part":"public"'


def test_what_a_rule_fills_in_may_be_left_out_by_hand() -> None:
    entry = read(LocalEntry, f'{{{LOCAL},"guide":{{"use":"infonce"}}}}', None, "local", "method", "encoder")
    assert (entry.system, entry.study, entry.seed, entry.compute.threads) == ("crlsc", "", 0, 1)
    assert [name for name, _ in entry.parts] == ["public", "a"]
    assert entry.guide == {
        "use": "infonce",
        "temperature": 0.07,
        "hard_negatives": 64,
        "alpha": 0.0,
    }
    assert entry.network.backbone["width_mult"] == 1.0
    assert entry.train.optimiser["use"] == "adamw"
    assert "lr" in entry.train.optimiser


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        (LocalEntry, "{}", ["method: missing", "network: missing", "parts: missing", "part: missing"]),
        (LocalEntry, f'{{{LOCAL},"guide":{{"use":"infonze"}}}}', ["did you mean 'infonce'?"]),
        (LocalEntry, f'{{{LOCAL},"guide":{{"use":"infonce","alfa":1}}}}', ["guide.alfa: no such key"]),
        (
            LocalEntry,
            f'{{{LOCAL},"train":{{"optimiser":{{"use":"adamw","lr":"x"}}}}}}',
            ["train.optimiser.lr: 'x' is not a number"],
        ),
        (LocalEntry, f'{{{LOCAL[:-7]}ublic"}}', ["part: 'ublic' is none of the parts; did you mean"]),
        (
            ProbeEntry,
            f'{{"method":"m","encoder":"e","network":{NETWORK},{PARTS},'
            '"targets":{"digits":{"train":"a","test":"b"}}}',
            ["targets.digits.test: 'b' is none of the parts"],
        ),
        (
            ConsensusEntry,
            f'{{"method":"m","networks":{{"e":{NETWORK}}},{PARTS},"target":{{"train":"a","test":"a"}},'
            '"shared":"c","consensus":{"target":"digits"}}',
            ["shared: 'c' is none of the parts"],
        ),
    ],
)  # fmt: skip
def test_faults_of_an_entry_by_hand(kind, text, said):
    with pytest.raises(SemcomError) as caught:
        read(kind, text, None, "x", "method")
    for words in said:
        assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1 + max(len(said), 1 if text != "{}" else 5)


@pytest.mark.parametrize(
    ("file", "made"),
    [("results/data/rooms_48x36.h5", "rooms_48x36.h5"), ("frames.h5", "NAME_WIDTHxHEIGHT.h5")],
)
def test_prepared_images_that_are_not_there_are_made_by_a_command(file, made):
    words = ["knowledge", "embed", "{}", f"--frames={file}", "--output=o", "--journal=j", "--state=s"]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, SemcomError)
    assert f"no prepared file {file}; `snakemake --cores 1 results/data/{made}` makes it" in str(
        result.exception
    )
