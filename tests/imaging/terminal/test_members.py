"""What a person types after --member."""

import pytest

from imaging.inference.spec import MemberSpec
from imaging.terminal.members import member_from_text


@pytest.mark.parametrize(
    ("text", "member"),
    [
        ("lungs", MemberSpec("lungs", "", 1.0, "auto")),
        ("xray-lungs.v2", MemberSpec("xray-lungs.v2", "", 1.0, "auto")),
        ("lungs@1.2.0", MemberSpec("lungs", "1.2.0", 1.0, "auto")),
        ("lungs=0.25", MemberSpec("lungs", "", 0.25, "auto")),
        ("lungs:cuda", MemberSpec("lungs", "", 1.0, "cuda")),
        ("lungs@1.2.0-rc.1+b=2e-1:cuda:1", MemberSpec("lungs", "1.2.0-rc.1+b", 0.2, "cuda:1")),
        ("lungs=0:cpu", MemberSpec("lungs", "", 0.0, "cpu")),
    ],
)
def test_every_part_but_the_name_may_be_left_out(text, member):
    assert member_from_text(text) == member


@pytest.mark.parametrize(
    "text", ["", "=1", "@1.0.0", "../lungs", "Lungs", "lungs:", "lungs=", "lungs=a", "lungs=1=2"]
)
def test_other_forms_are_refused_with_the_form(text):
    with pytest.raises(ValueError, match="is not of the form NAME"):
        member_from_text(text)


def test_a_weight_that_is_no_number_is_named():
    with pytest.raises(ValueError, match=r"weight “1\.2\.3” is not a number"):
        member_from_text("lungs=1.2.3")
