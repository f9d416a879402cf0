"""Which text is taken from outside: what a person can read, and nothing that hides or turns what stands beside it."""

import pytest

from phaseline_schema import inputs
from phaseline_schema.refusals import BadUserInput

READABLE = {
    "one letter": "x",
    "spaces between words": "the third release",
    "a ref": "refs/heads/feature/a-b_c.d",
    "punctuation": "#1: <b>done</b> (100 %)",
    "accents as letters of their own": "de\u0301ploiement",
    "Hebrew with points": "שָׁלוֹם עולם",
    "Arabic": "نشر الإصدار",
    "Persian with a non-joiner between": "دست\u200cکم",
    "Arabic and Latin in one line": "نشر v1.2.3 الآن",
    "Hindi with a joiner": "क्\u200dष",
    "Chinese": "发布",
    "an emoji joined of several": "👩\u200d🚀",
    "an emoji with a skin colour and a selector": "👍🏽 ❤\ufe0f",
    "a flag": "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
}


@pytest.mark.parametrize("value", READABLE.values(), ids=READABLE)
def test_text_of_every_language_is_taken_as_it_is(value: str) -> None:
    assert inputs.text("note", value, 64) == value
    assert inputs.optional_text("note", value, 64) == value


def _is_refused(value: str) -> None:
    for taken in (inputs.text, inputs.optional_text):
        with pytest.raises(BadUserInput) as refused:
            taken("note", value, 64)
        assert refused.value.extensions == {"code": "BAD_USER_INPUT", "field": "note"}


@pytest.mark.parametrize("turning", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ids=ascii)
def test_characters_that_turn_the_direction_of_text_are_refused(turning: str) -> None:
    for value in (turning, f"{turning}main", f"main{turning}", f"ma{turning}in", f"עולם{turning}v1"):
        _is_refused(value)


@pytest.mark.parametrize(
    "value",
    ["\u200b", "\u2060", "\ufeff", "\u200d", "\u200c\u200c", "\u00ad", "\u200b\u2060 \u200b", "\u200e\u200f"],
    ids=ascii,
)
def test_text_in_which_there_is_nothing_to_see_is_refused(value: str) -> None:
    _is_refused(value)


@pytest.mark.parametrize("space", [" ", "  ", "\t", "\n", "\u00a0", "\u2003", "\u3000"], ids=ascii)
def test_text_that_begins_or_ends_with_white_space_is_refused(space: str) -> None:
    for value in (space, f"{space}main", f"main{space}", f"{space}main{space}"):
        _is_refused(value)
