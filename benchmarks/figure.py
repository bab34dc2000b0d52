"""What a suite measures and has a goal for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    name: str
    meaning: str
    unit: str
    goal: float
    at_least: bool = False

    def met(self, value):
        return value >= self.goal if self.at_least else value <= self.goal

    def goal_text(self):
        if self.goal == 0:
            return "= 0"
        return f"{'≥' if self.at_least else '≤'} {self.goal:,g}"
