"""Check what a learner did, and say what is wrong and where to look.

Each check reads the cluster or a value, never source text, and returns a diagnosis:
one or two sentences, or "" when all is well. The cell asserts that it is "".
"""

from helpers.checks.ambassador import lets_only_read_pods, lives_on
from helpers.checks.batch_api import cronjob_runs, names_are_complete, only_created
from helpers.checks.client_library import job_goes_last, owned_by, survives_expiry
from helpers.checks.cluster_info import (
    anonymous_refusal,
    name_is_held,
    predictions_hold,
)
from helpers.checks.inside_a_pod import problems_named, refused_twice
from helpers.checks.kubectl_proxy import door_is_guarded, paths_lead_to
from helpers.checks.openapi import job_is_taken, rule_described
from helpers.checks.pod_metadata import known_when, pod_knows_itself, ways_hold
from helpers.checks.rbac_and_tokens import may_exactly, token_is, verbs_named
from helpers.checks.recap import (
    program_lists,
    request_is_sure,
    server_is_found,
    statements_judged,
)
from helpers.checks.recap_repairs import layers_named, repaired
from helpers.checks.start_here import label_is

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
