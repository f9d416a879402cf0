"""What GitHub's words for an ending lead to; what is recorded of them is in the conformance suite."""

from phaseline.accounts import CONCLUSIONS
from tests.support import model
from tests.support.accounting import ENDS_BY


def test_the_conclusions_are_those_of_the_decision() -> None:
    assert len(CONCLUSIONS) == 9
    assert {word: outcome.value for word, outcome in CONCLUSIONS.items()} == {
        word: model.outcome(end) for word, end in ENDS_BY.items()
    }
