"""How the service's processes end: exit codes, and how long what they are answering may take until then."""

DONE, FAILED, REFUSED = 0, 1, 2
MOST_SECONDS_TO_ANSWER = 30
