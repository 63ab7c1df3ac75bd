"""Near-duplicates: what counts as the same text, in any process, and what does not."""

import random
import subprocess
import sys

from vitals.release.near_duplicates import (
    SIMILAR,
    Known,
    compared_text,
    near_duplicates,
    signature,
    similarity,
)

WORDS = [f"word{n}" for n in range(200)]


def text(seed: int, length: int = 60) -> str:
    chance = random.Random(seed)
    return " ".join(chance.choice(WORDS) for _ in range(length))


def changed(original: str, count: int, seed: int = 0) -> str:
    words = original.split()
    for place in random.Random(seed).sample(range(len(words)), count):
        words[place] = "other"
    return " ".join(words)


def test_the_estimate_follows_the_true_share_of_common_triples():
    for seed in range(20):
        one, other = text(seed), changed(text(seed), 6, seed)

        def triples(words):
            return set(zip(words, words[1:], words[2:], strict=False))

        a, b = triples(one.split()), triples(other.split())
        assert abs(similarity(signature(one), signature(other)) - len(a & b) / len(a | b)) < 0.2


def test_a_text_with_one_word_changed_is_found_and_another_text_is_not():
    known = Known()
    for seed in range(100):
        known.add("a", signature(text(seed)))
    copies = [(f"copy{seed}", "b", signature(changed(text(seed), 1, seed))) for seed in range(100)]
    assert len(near_duplicates(copies, known)) >= 95
    exact = [(f"same{seed}", "b", signature(text(seed))) for seed in range(100)]
    assert len(near_duplicates(exact, known)) == 100
    assert near_duplicates([(f"new{seed}", "b", signature(text(seed))) for seed in range(1_000, 1_200)], known) == set()


def test_case_and_punctuation_do_not_count_but_numbers_do():
    plain = "The mean of the day was 118 mg/dL and the lowest reading was 81 mg/dL at 04:10 in the early morning hours"
    assert similarity(signature(plain), signature(plain.upper() + "!")) == 1
    other = plain.replace("118", "117").replace("81", "79").replace("04:10", "05:35")
    assert similarity(signature(plain), signature(other)) < SIMILAR


def test_a_person_is_not_compared_with_themselves():
    known = Known()
    known.add("a", signature(text(1)))
    assert not known.holds_near_duplicate("a", signature(text(1)))
    assert known.holds_near_duplicate("b", signature(text(1)))


def test_a_short_answer_counts_with_its_data():
    assert compared_text({"input": "data of one", "output": "No."}) != compared_text(
        {"input": "others", "output": "No."}
    )
    assert compared_text({"input": "data of one", "output": text(1)}) == text(1)


def test_a_text_without_words_has_a_signature_too():
    assert similarity(signature(""), signature("...")) == 1


def test_a_signature_is_the_same_in_another_process():
    code = f"from vitals.release.near_duplicates import signature; print(signature({text(3)!r}).sum())"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(run.stdout) == int(signature(text(3)).sum())
    # Stands in the manifest of every release: a library that draws other permutations would move nobody, but would
    # leave out other examples.
    assert signature("a b c d e")[:4].tolist() == FIRST_FOUR


FIRST_FOUR = [370927819, 2418741884, 679400940, 3959146]
