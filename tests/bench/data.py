"""The caseload every contestant is filled with: invented, repeatable, from nothing outside.

Each process makes it anew from the same few numbers instead of passing megabytes around.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from uuid import UUID

PER_COUNSELLOR = 10
FIRST_SESSION = datetime(2024, 1, 8, 9, tzinfo=UTC)

# Subject, verb and the rest fit together whichever are drawn.
ENGLISH = (
    ("She", "The client", "Her sister", "His mother", "A colleague", "The youngest son", "He"),
    ("spoke about", "kept silent about", "came back to", "smiled at", "wrote a letter about"),
    ("the quarrel at the table", "sleeping badly", "the move to another town", "the funeral",
     "what was said at work", "the summer by the sea", "being afraid of the dark stairs"),
    ("for the first time", "without being asked", "and then laughed", "after a long pause",
     "as if it were yesterday", "and wished to go on next week", "with a steady voice"),
)  # fmt: skip
ESTONIAN = (
    ("Ta", "Klient", "Tema õde", "Ema", "Töökaaslane", "Noorim poeg", "Vanaisa"),
    ("rääkis", "kõneles", "kirjutas päevikusse", "vaikis kaua ja jutustas siis", "küsis"),
    ("tülist köögilaua ääres", "unetutest öödest", "kolimisest teise linna", "matustest",
     "sellest, mida tööl öeldi", "suvest mere ääres", "hirmust pimeda trepikoja ees"),
    ("esimest korda", "ilma et keegi oleks küsinud", "ja hakkas siis naerma", "pärast pikka pausi",
     "nagu oleks see juhtunud eile", "ning soovis järgmisel nädalal jätkata", "kindlal häälel"),
)  # fmt: skip
PARAGRAPHS = 64
SENTENCES = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """One note of a client, as every contestant has to give it back."""

    id: UUID
    session_at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Caseload:
    """So many clients, shared out among counsellors, with notes of so many bytes each.

    `altered` is the caseload of the control: one word of one note is another one.
    """

    clients: int
    notes: int
    bytes: int
    altered: bool = False

    @property
    def counsellors(self) -> int:
        return max(2, -(-self.clients // PER_COUNSELLOR))

    def counsellor_of(self, client: int) -> int:
        return client % self.counsellors

    def entries(self) -> Iterator[tuple[int, list[Entry]]]:
        """Each client's number and notes, newest first."""
        draw = Random(0)
        languages = [_paragraphs(draw, words) for words in (ENGLISH, ESTONIAN)]
        for client in range(self.clients):
            yield client, [self._entry(draw, client, n, languages) for n in self._newest_first()]

    def _newest_first(self) -> range:
        return range(self.notes - 1, -1, -1)

    def _entry(self, draw: Random, client: int, number: int, languages: list[list[str]]) -> Entry:
        word = "Client" if not self.altered or client or number else "Klient"
        text = f"{word} {client}, session {number}."
        for turn in count():
            if len(text.encode()) >= self.bytes:
                break
            text += "\n\n" + draw.choice(languages[turn % 2])
        cut = text.encode()[: self.bytes].decode(errors="ignore").rstrip()
        return Entry(
            UUID(int=draw.getrandbits(128), version=4),
            FIRST_SESSION + timedelta(weeks=number, hours=client % 8),
            cut + "." * (self.bytes - len(cut.encode())),
        )


def _paragraphs(draw: Random, words: tuple[tuple[str, ...], ...]) -> list[str]:
    return [
        " ".join(" ".join(draw.choice(part) for part in words) + "." for _ in range(SENTENCES))
        for _ in range(PARAGRAPHS)
    ]
