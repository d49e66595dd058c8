"""The path: six stages, in order.  A new question is declared in its stage's tuple, and asked where it belongs."""

from engine.conductor import Stage, catalogue
from engine.stages.baseline import BASELINE
from engine.stages.deep import DEEP
from engine.stages.define import DEFINE
from engine.stages.prepare import PREPARE
from engine.stages.present import PRESENT
from engine.stages.simple import SIMPLE

STAGES: tuple[Stage, ...] = (DEFINE, PREPARE, BASELINE, SIMPLE, DEEP, PRESENT)
CATALOGUE = catalogue(STAGES)

__all__ = ["CATALOGUE", "STAGES"]
