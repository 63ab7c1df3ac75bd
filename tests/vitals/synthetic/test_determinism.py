"""Equal settings give equal bytes."""

from vitals.synthetic.cohort import TwinSettings, generate, truth
from vitals.synthetic.write import TRUTH_FILE, write_cohort


def bytes_by_key(settings):
    return {u.key: u.data for u in generate(settings)}


def tree(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_equal_settings_give_equal_uploads_in_equal_order():
    settings = TwinSettings(seed=3, people=3, days=3)
    first, again = list(generate(settings)), list(generate(settings))
    assert first == again


def test_another_seed_gives_other_bytes_throughout():
    one = bytes_by_key(TwinSettings(seed=3, people=2, days=2))
    other = bytes_by_key(TwinSettings(seed=4, people=2, days=2))
    # Only the empty file and the header-only file have the same bytes.
    assert not {d for d in one.values() if len(d) > 5000} & set(other.values())


def test_a_larger_cohort_begins_with_the_people_of_a_smaller_one():
    small = list(generate(TwinSettings(seed=3, people=2, days=2)))
    large = list(generate(TwinSettings(seed=3, people=3, days=2)))
    assert large[: len(small)] == small


def test_a_written_cohort_is_its_uploads_and_its_truth(tmp_path):
    settings = TwinSettings(seed=3, people=2, days=2)
    told = write_cohort(settings, tmp_path / "a")
    write_cohort(settings, tmp_path / "b")
    written = tree(tmp_path / "a")
    assert written == tree(tmp_path / "b")
    assert written.pop(TRUTH_FILE) == truth(settings).to_json() == told.to_json()
    assert written == bytes_by_key(settings)


def test_no_two_uploads_have_one_key(faulty):
    keys = [u.key for u in faulty.uploads]
    assert len(keys) == len(set(keys))
    assert keys == [t.key for t in faulty.truth.uploads]
