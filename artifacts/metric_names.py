"""What the scoring service counts: the names that it exposes, and that rules, dashboards and checks ask for."""

from __future__ import annotations

from typing import Final

BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper edges of `DURATION` in seconds; 0.5 is the objective that `slo check` asks for."""
DURATION: Final = "ml_prediction_duration_seconds"
PREDICTIONS: Final = "ml_predictions_total"
REFUSED: Final = "ml_requests_refused_total"
RESPONSES: Final = "ml_http_responses_total"
CACHE: Final = "ml_cache_lookups_total"
COST: Final = "ml_cache_cost_microseconds"
FALLBACK: Final = "ml_fallback_total"
SWAPS: Final = "ml_release_swaps_total"
SHADOW: Final = "ml_shadow_comparisons_total"
RELEASE: Final = "ml_release_loaded"
