"""Why a gesture was seen, or what kept it from being seen, over time."""

from edgehands.explain.attempts import Lacking, Missed
from edgehands.explain.explainer import Explainer
from edgehands.explain.spans import Need, Span, Verdict

__all__ = ["Explainer", "Lacking", "Missed", "Need", "Span", "Verdict"]
