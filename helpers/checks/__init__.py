"""Check what a learner did, and say what is wrong and where to look.

Each check reads the cluster or a value, never source text, and returns a diagnosis:
one or two sentences, or "" when all is well. The cell asserts that it is "".
"""

from helpers.checks.ambassador import lets_only_read_pods, lives_on
from helpers.checks.answers import anonymous_refusal, predictions_hold
from helpers.checks.batch import cronjob_runs
from helpers.checks.credentials import token_is
from helpers.checks.deletion import job_goes_last
from helpers.checks.downward import known_when, pod_knows_itself, ways_hold
from helpers.checks.grants import may_exactly, verbs_named
from helpers.checks.layers import layers_named
from helpers.checks.objects import label_is
from helpers.checks.ownership import owned_by
from helpers.checks.pages import survives_expiry
from helpers.checks.problems import problems_named
from helpers.checks.proofs import program_lists, request_is_sure, server_is_found
from helpers.checks.quiz import statements_judged
from helpers.checks.repairs import repaired
from helpers.checks.rest import (
    door_is_guarded,
    names_are_complete,
    only_created,
    paths_lead_to,
)
from helpers.checks.schemas import job_is_taken, rule_described
from helpers.checks.trust import name_is_held, refused_twice

__all__ = [
    "anonymous_refusal",
    "cronjob_runs",
    "door_is_guarded",
    "job_goes_last",
    "known_when",
    "job_is_taken",
    "label_is",
    "layers_named",
    "lets_only_read_pods",
    "lives_on",
    "may_exactly",
    "name_is_held",
    "names_are_complete",
    "only_created",
    "owned_by",
    "paths_lead_to",
    "pod_knows_itself",
    "predictions_hold",
    "problems_named",
    "program_lists",
    "refused_twice",
    "repaired",
    "request_is_sure",
    "rule_described",
    "server_is_found",
    "statements_judged",
    "survives_expiry",
    "token_is",
    "verbs_named",
    "ways_hold",
]
