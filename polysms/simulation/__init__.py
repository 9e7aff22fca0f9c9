"""An experiment played before it is paid for: what the report would say, when, and for how much.

Pure: chance is an argument. What the plan says of providers is taken as the truth; messages are
drawn by it, and judged by the functions that judge real ones.
"""

from __future__ import annotations

from polysms.simulation.outcome import Outcome, PairOutcome, Stage, simulate
from polysms.simulation.plan import Arm, Plan, plan_of

__all__ = ["Arm", "Outcome", "PairOutcome", "Plan", "Stage", "plan_of", "simulate"]
