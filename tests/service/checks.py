"""What every refusal must be, and what a change must say."""

# For tests that are about something else than who changed a record meanwhile.
ANY_VERSION = {"if-match": "*"}


def problem(answer, status):
    """The problem document that an answer must be."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert set(document) == {"type", "title", "status", "detail", "errors"}
    assert document["status"] == status
    return document


def paths(answer):
    """Where a request broke rules."""
    return [fault["path"] for fault in problem(answer, 422)["errors"]]
