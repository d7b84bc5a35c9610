"""What is to be put right in a model folder."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in a card or folder: its `rule`, its `grade` (review or violation), what it is and how to mend it; of
    what a licence asks for, the licence, and the section and source of the clause."""

    rule: str
    grade: str
    says: str
    mend: str
    license: str | None = None
    section: str | None = None
    source: str | None = None
