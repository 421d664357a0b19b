"""What schemathesis cannot know of Purser. Rule: a refusal of well-formed data is let pass for a reason that no schema can
say, and each reason stands here with the operations that may give it."""
import os

import schemathesis
from schemathesis.openapi.checks import RejectedPositiveData

# By what the problem says: its first rule, its sentence, or its code.
REASONS = {
    # Of a reference a schema tells the length: its forms hang on the stores that are configured.
    "invalid_reference": {
        "readSecret",
        "writeSecret",
        "readSecretByName",
        "explainForClient",
        "explainForKey",
        "searchAudit",
        "dropCache",
        "invalidateCache",
    },
    # Text that cannot be kept as it is: half of a surrogate pair, a number that would lose digits, a name twice.
    "json": {
        "writeSecret",
        "resolveConfiguration",
        "writeBot",
        "writeProvider",
        "writeChannel",
        "sealState",
        "receiveEvent",
    },
    # What only the service itself makes, or Direct Line.
    "cursor": {"searchAudit", "readSecret"},
    "the state is not accepted": {"openState"},
    "refused": {"refreshToken"},
    # A grammar, or a whole that hangs together.
    "pattern": {"searchAudit"},
    "const": {"writeBot", "writeProvider", "writeChannel"},
    "endpoint": {"writeChannel"},
    "format": {"issueKey"},
    "no key may hold these claims": {"issueKey"},
    # 31 February, and a 62nd month.
    "time": {"searchAudit"},
    # One of a cloud's many forms.
    "event": {"receiveEvent"},
    "there is no such store": {"dropCache", "invalidateCache"},
    # Of a trust that is configured nowhere, and of which no key is in force.
    "unknown": {"revokeKeysOfTrust"},
}


def operation_id(case):
    return case.operation.definition.raw.get("operationId")


def reasons_of(problem):
    rules = [error.get("rule") for error in problem.get("errors", [])]
    return {problem.get("code"), problem.get("detail"), *rules}


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 400:
        return True
    named = reasons_of(response.json())
    return not any(operation_id(case) in REASONS.get(reason, ()) for reason in named)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Its own key, which the service tells of, is not for it to revoke."""
    if case.path_parameters and case.path_parameters.get("id") == os.environ.get("PURSER_KEY_ID"):
        case.path_parameters["id"] = "5a0c5f0e-7a0a-4d0e-8a39-3f5f3c1b1f10"
