"""Who may do what, and what a visitor is called; none of it from a store or a page."""

import hashlib
import hmac
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.errors import NotAllowed
from mnist_core.visitors import (
    COLOURS,
    NAME_LENGTH,
    Visitor,
    clean_name,
    given_name,
    is_pin,
    is_secret,
    is_teacher,
    new_secret,
    teacher_proof,
    visitor_id,
)
from tests.helpers import assert_friendly

ME, OTHER, NOBODY = "a" * 32, "b" * 32, ""


@pytest.mark.parametrize(
    ("teacher", "classroom", "owner", "may"),
    [
        (False, False, ME, True),
        (False, False, OTHER, False),
        (False, False, NOBODY, True),  # on a machine of one's own a command's runs are one's own
        (False, True, ME, True),
        (False, True, OTHER, False),
        (False, True, NOBODY, False),
        (True, True, ME, True),
        (True, True, OTHER, True),
        (True, True, NOBODY, True),
    ],
)
def test_who_may_change_what(teacher, classroom, owner, may):
    visitor = Visitor(ME, "Quick Otter", teacher, classroom)
    assert visitor.may_change(owner) is may
    if may:
        visitor.require(owner, "Calm Owl")
        return
    with pytest.raises(NotAllowed) as error:
        visitor.require(owner, "Calm Owl")
    assert_friendly(error, "teacher", *(["Calm Owl"] if owner else []))


def test_without_a_pin_the_sentence_names_the_setting():
    with pytest.raises(NotAllowed) as error:
        Visitor(ME, "me").require(OTHER, "Calm Owl")
    assert_friendly(error, "MNIST_LAB_TEACHER_PIN")


def test_an_id_is_a_fingerprint_from_which_the_secret_cannot_be_read():
    secret = new_secret()
    assert is_secret(secret) and new_secret() != secret
    found = visitor_id("cookie", secret)
    assert re.fullmatch("[0-9a-f]{32}", found) and found != secret
    assert hashlib.sha256(f"mnist-lab cookie {secret}".encode()).hexdigest().startswith(found)
    assert len({visitor_id(kind, secret) for kind in ("cookie", "sign-in", "proxy")}) == 3


@pytest.mark.parametrize("text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 32 + "\n", None, 7])
def test_a_cookie_that_is_none_of_ours_is_no_secret(text):
    assert not is_secret(text)


def test_names_and_colours_are_given_evenly_and_stay():
    ids = [visitor_id("cookie", str(number)) for number in range(600)]
    assert [given_name(found) for found in ids] == [given_name(found) for found in ids]
    assert len({given_name(found) for found in ids}) > 450
    counts = [sum(Visitor(found, "").colour == colour for found in ids) for colour in COLOURS]
    assert min(counts) > 60


@given(st.text())
def test_a_chosen_name_is_one_printable_line(text):
    try:
        name = clean_name(text)
    except NotAllowed:
        assert not "".join(sign for sign in text if sign.isprintable()).strip()
    else:
        assert 0 < len(name) <= NAME_LENGTH and name.isprintable()
        assert clean_name(name) == name.strip()


def test_the_pin_and_its_proof():
    assert is_pin("4711", "4711") and is_pin("schlüssel", "schlüssel")
    assert not is_pin("4711", "4712") and not is_pin("", "")
    proof = teacher_proof("4711", ME)
    assert proof == hmac.digest(b"4711", ME.encode(), "sha256").hex()
    assert is_teacher("4711", ME, proof)
    assert not is_teacher("4711", OTHER, proof), "one visitor's proof is worthless for another"
    assert not is_teacher("4712", ME, proof), "another PIN ends it"
    assert not is_teacher("", ME, teacher_proof("", ME)) and not is_teacher("4711", ME, "")
