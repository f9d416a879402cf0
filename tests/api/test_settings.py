"""What a setting is made of the text that was given."""

import pytest
from pydantic import ValidationError

from phaseline.settings import Settings


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        ("", ()),
        (" , ", ()),
        ("https://console.example", ("https://console.example",)),
        ("https://console.example/", ("https://console.example",)),
        ("HTTPS://Console.Example", ("https://console.example",)),
        ("http://localhost:5173/", ("http://localhost:5173",)),
        (" https://A.example/ ,http://b.example,", ("https://a.example", "http://b.example")),
    ],
)
def test_an_origin_is_taken_as_browsers_send_it(given: str, understood: tuple[str, ...]) -> None:
    assert Settings(allowed_origins=given).allowed_origins == understood  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given",
    [
        *("https://console.example/path", "https://console.example//", "https://console.example/?a", "console.example"),
        *("https://console.example?a", "https://console.example#a", "https://me@console.example", "null", "*", "/"),
        *("ftp://console.example", "wss://console.example", "https://", "https://console.example, /"),
    ],
)
def test_what_is_more_or_less_than_an_origin_is_refused(given: str) -> None:
    with pytest.raises(ValidationError, match=r"is not an origin|has more than"):
        Settings(allowed_origins=given)  # type: ignore[arg-type]


@pytest.mark.parametrize("url", ["sqlite:///some.db", "sqlite+aiosqlite:///some.db"])
def test_a_file_is_named_as_before_too(url: str) -> None:
    assert Settings(database_url=url).database == url


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://host/name", "some.db", ""])
def test_what_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(ValidationError, match=r"must begin with|must name|is not a database URL"):
        Settings(database_url=url)


@pytest.mark.parametrize("token", ["a b", "a\nb", "ghp_größe"])
def test_what_cannot_be_sent_as_a_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(ValidationError, match="must be printable ASCII") as refused:
        Settings(github_token=token)  # type: ignore[arg-type]
    assert token not in str(refused.value.errors()[0]["msg"])
