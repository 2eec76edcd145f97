"""The metrics of the gateway; `GET /metrics` shows them."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter(
    "whatsapp_deliveries", "Deliveries by what the webhook endpoint did with them.", ["outcome"]
)
DRIFT = Counter(
    "whatsapp_drift", "Parts of deliveries that Meta's contract does not name, by path.", ["path"]
)
ITEMS = Counter("whatsapp_items", "Updates found in deliveries, by kind.", ["kind"])
DUPLICATES = Counter("whatsapp_duplicate_items", "Updates that had arrived before.")
EVENTS = Counter("whatsapp_events", "Events by the state in which handling left them.", ["state"])
RETRIES = Counter("whatsapp_retries", "Events put back to be retried, by what they wait for.", ["reason"])
SENDS = Counter("whatsapp_sends", "Calls to the Graph API by outcome and error code.", ["outcome", "code"])
STATUSES = Counter(
    "whatsapp_statuses", "Statuses of our sends, with the error code of a failure.", ["status", "code"]
)
ACCOUNT_NOTICES = Counter(
    "whatsapp_account_notices",
    "What Meta said about our account, number and templates, and its errors, by webhook field.",
    ["field"],
)
FOREIGN_NUMBER_MESSAGES = Counter(
    "whatsapp_foreign_number_messages", "Messages for another phone number id than the one that is set."
)
ALERTS = Counter("whatsapp_alerts", "Conditions that need an operator.", ["alert"])
RETENTION_DELETED = Counter(
    "whatsapp_retention_deleted", "Rows deleted because they were kept long enough, by kind.", ["kind"]
)

REPAIRED_PINS = Counter(
    "whatsapp_repaired_pins", "Contacts that were pinned to a user who has not linked their number."
)

BACKLOG = Gauge("whatsapp_backlog", "Events, sends and deliveries by state.", ["what", "state"])
BACKLOG_AGE = Gauge(
    "whatsapp_backlog_age_seconds", "Age of the oldest delivery or event that is not handled yet."
)
IN_FLIGHT = Gauge("whatsapp_lanes_in_flight", "Lanes that this process is working on.")
CIRCUIT = Gauge("whatsapp_circuit_open", "1 while a broken credential stops all sending.")

KEPT_AGE = Gauge(
    "whatsapp_kept_age_seconds", "Age of the oldest row of each kind that has a limit.", ["kind"]
)
KEPT_LIMIT = Gauge("whatsapp_kept_limit_seconds", "How long rows of each kind are kept.", ["kind"])

ECHO_SECONDS = Histogram(
    "whatsapp_echo_seconds",
    "Time from a delivery's arrival to the acceptance of its answer.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)
ANSWERS = Counter("whatsapp_answers", "Questions to the answerer, by how they ended.", ["outcome"])
ANSWER_SECONDS = Histogram(
    "whatsapp_answer_seconds",
    "Time the answerer took for one question, whatever became of it.",
    buckets=(0.1, 0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300),
)
ANSWERS_AWAITED = Gauge("whatsapp_answers_awaited", "Lanes of this process that wait for an answer.")
COMMIT_SIZE = Histogram(
    "whatsapp_commit_deliveries", "Deliveries stored by one commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)

# To Prometheus a series that begins with 1 did not increase: what alerts watch begins with 0.
for _alert in (
    "account_notice",
    "ambiguous_number",
    "circuit_open",
    "dead",
    "undelivered",
    "unreadable",
    "unresolved",
):
    ALERTS.labels(_alert)
for _outcome in ("kept", "duplicate", "not_genuine", "too_large", "refused", "database_away"):
    DELIVERIES.labels(_outcome)
