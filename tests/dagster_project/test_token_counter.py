"""Settings of the counting of tokens: by characters, or by the tokenizer of a file."""

import sys

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from dagster_project.installation import token_counter
from dagster_project.settings import Settings, load_settings
from vitals.errors import PermanentError


def one_digit_a_token(path):
    made = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))
    made.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), pre_tokenizers.Digits(True)])
    made.save(str(path))
    return path


def test_a_tokenizer_file_counts_whatever_it_gives(tmp_path):
    counter = token_counter(Settings(home=tmp_path, tokenizer_file=one_digit_a_token(tmp_path / "tokenizer.json")))
    for text, tokens in (("", 0), ("118", 3), ("mean 118 mg", 5), ("a\nb", 2), ("07 12", 4)):
        assert counter.count(text) == tokens
    assert counter.name.startswith("the tokenizer with SHA-256 ")


@pytest.mark.parametrize("content", [b"", b"{}", b"not json", b'{"model": 1}', None])
def test_a_file_that_is_no_tokenizer_is_an_error_that_names_the_setting(tmp_path, content):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PermanentError, match="VITALGRAPH_TOKENIZER_FILE"):
        token_counter(Settings(home=tmp_path, tokenizer_file=path))


def test_without_the_package_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(PermanentError, match=r"vitalgraph\[tokenizer\]"):
        token_counter(Settings(home=tmp_path, tokenizer_file=tmp_path / "tokenizer.json"))


@pytest.mark.parametrize(
    ("budget", "characters"), [("300", "1.6"), ("656", "1.6"), ("1049", "1"), ("131", "8"), ("1", "2")]
)
def test_a_budget_in_which_no_prompt_has_room_is_refused(monkeypatch, budget, characters):
    monkeypatch.setenv("VITALGRAPH_PROMPT_TOKEN_BUDGET", budget)
    monkeypatch.setenv("VITALGRAPH_CHARACTERS_PER_TOKEN", characters)
    with pytest.raises(PermanentError, match="characters_per_token"):
        load_settings()


def test_the_smallest_budget_that_has_room_is_taken(monkeypatch):
    monkeypatch.setenv("VITALGRAPH_PROMPT_TOKEN_BUDGET", "300")
    monkeypatch.setenv("VITALGRAPH_CHARACTERS_PER_TOKEN", "3.5")
    assert token_counter(load_settings()).count("1" * 35) == 10
