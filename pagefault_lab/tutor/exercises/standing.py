"""What is kept of an exercise, in whatever part one is: points, replies, hints."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Standing:
    """How someone stands in an exercise. `points` are those that count. `over`: there is no more to earn. `lines` are
    how many were typed at it, `replies` what was said, `answered` whether its answer was shown before it was solved,
    `remarks` what was said to the mistakes made, each once."""

    points: int = 0
    solved: bool = False
    over: bool = False
    lines: int = 0
    hints: int = 0
    answered: bool = False
    replies: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def was_tried(self) -> bool:
        return bool(self.lines or self.replies)

    @property
    def state(self) -> str:
        """In a word: solved, missed, begun; "" for an exercise that nobody has touched."""
        if self.solved:
            return "solved"
        if self.over:
            return "missed"
        return "begun" if self.was_tried or self.hints else ""
