"""What a verb says of an ENTRY that is not one."""

import pytest

from semcom.cli.entry import read
from semcom.files.errors import SemcomError
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
