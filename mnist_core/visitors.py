"""Who is who, and who may do what. This is the one place that decides it; ``mnist_core.acting`` asks here.

A visitor is known by a secret: the cookie of a browser, or what a sign-in or a proxy vouches for. Rows and pages hold
only its fingerprint, the visitor's id, from which nobody can find the secret.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from mnist_core.errors import NotAllowed

NAME_LENGTH = 40

COLOURS = ("red", "orange", "green", "blue", "violet", "gray")
"""Those that Streamlit has by name. A visitor is told by the name too, never by the colour alone."""

ADJECTIVES = (
    "amber", "bold", "brave", "bright", "brisk", "calm", "clever", "cosy", "crisp", "curious", "dapper", "eager",
    "early", "fair", "fleet", "fond", "gentle", "glad", "golden", "happy", "hardy", "honest", "jolly", "keen", "kind",
    "lively", "lucky", "merry", "mild", "nimble", "noble", "plucky", "proud", "quick", "quiet", "ready", "silver",
    "smart", "spry", "steady", "sunny", "swift", "true", "warm", "wise", "witty",
)  # fmt: skip
ANIMALS = (
    "badger", "bear", "beaver", "bee", "bison", "bittern", "crane", "cricket", "curlew", "deer", "dolphin", "dove",
    "eagle", "egret", "falcon", "ferret", "finch", "fox", "gecko", "goose", "hare", "hawk", "hedgehog", "heron",
    "ibex", "jay", "kestrel", "koala", "lark", "lemur", "linnet", "lynx", "marten", "mole", "newt", "otter", "owl",
    "panda", "pigeon", "plover", "puffin", "raven", "robin", "salmon", "seal", "stork", "swallow", "swan", "swift",
    "tern", "thrush", "toad", "trout", "turtle", "vole", "walrus", "weasel", "whale", "wren", "yak",
)  # fmt: skip

_SECRET = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Visitor:
    """Somebody at a page.

    Attributes:
        id: the fingerprint of the visitor's secret; it may be shown.
        teacher: whether the right PIN was entered.
        classroom: whether this lab has a teacher's PIN.
    """

    id: str
    name: str
    teacher: bool = False
    classroom: bool = False

    @property
    def colour(self) -> str:
        """One of ``COLOURS``, always the same for a visitor."""
        return COLOURS[_number(self.id, "colour") % len(COLOURS)]

    def may_change(self, owner: str) -> bool:
        """Whether this visitor may stop, pause, rename, note or delete what belongs to ``owner``.

        What belongs to nobody (an empty text) was made by a command on the machine. Where a teacher's PIN is set it is
        the teacher's; elsewhere whoever works here made it, and may do with it as before.
        """
        return self.teacher or owner == self.id or (not owner and not self.classroom)

    def require(self, owner: str, owner_name: str) -> None:
        """``NotAllowed`` unless ``may_change``, in a sentence that says who may."""
        if not self.may_change(owner):
            raise NotAllowed(self.who_may(owner, owner_name))

    def who_may(self, owner: str, owner_name: str) -> str:
        """Who may change what this visitor may not, as a sentence or two."""
        if not owner:
            return "This was made on the lab's own machine, so only the teacher may change it."
        others = "the teacher" if self.classroom else "a teacher with a PIN (MNIST_LAB_TEACHER_PIN)"
        return f"This belongs to {owner_name}. Only they and {others} may change it."


def new_secret() -> str:
    """A secret for a browser that has none yet: 128 bits."""
    return secrets.token_hex(16)


def is_secret(text: object) -> bool:
    """Whether a text can be one of ours; a cookie may hold anything."""
    return isinstance(text, str) and _SECRET.fullmatch(text) is not None


def visitor_id(kind: str, secret: str) -> str:
    """The id of whoever knows or is vouched for by ``secret``.

    Args:
        kind: ``cookie``, ``sign-in`` or ``proxy``: the same text by another way is another visitor.
    """
    return hashlib.sha256(f"mnist-lab {kind} {secret}".encode()).hexdigest()[:32]


def given_name(visitor: str) -> str:
    """What a visitor is called until they say otherwise, such as *Quick Otter*."""
    number = _number(visitor, "name")
    first, second = ADJECTIVES[number % len(ADJECTIVES)], ANIMALS[number // len(ADJECTIVES) % len(ANIMALS)]
    return f"{first} {second}".title()


def clean_name(text: str) -> str:
    """A name as it is kept: printable, on one line, not endless; ``NotAllowed`` for an empty one."""
    name = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:NAME_LENGTH]
    if not name:
        raise NotAllowed("A name must not be empty. Write a word or two.")
    return name


def is_pin(pin: str, entered: str) -> bool:
    """Whether the teacher's PIN was entered, compared in constant time; never where none is set."""
    return bool(pin) and hmac.compare_digest(pin.encode(), entered.encode())


def teacher_proof(pin: str, visitor: str) -> str:
    """What is kept of a visitor who knew the PIN: worthless for another visitor, and after another PIN was set."""
    return hmac.new(pin.encode(), visitor.encode(), hashlib.sha256).hexdigest()


def is_teacher(pin: str, visitor: str, proof: str) -> bool:
    return bool(pin and proof) and hmac.compare_digest(teacher_proof(pin, visitor), proof)


def _number(visitor: str, purpose: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{purpose} {visitor}".encode()).digest()[:8], "big")
