"""What the gateway counts; `GET /metrics` shows it."""

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("whatsapp_deliveries", "Deliveries by what became of them at the door.", ["outcome"])
DRIFT = Counter("whatsapp_drift", "Things in deliveries that the contract does not name, by path.", ["path"])
ITEMS = Counter("whatsapp_items", "Items found in deliveries.", ["kind"])
DUPLICATES = Counter("whatsapp_duplicate_items", "Items that had come before.")
EVENTS = Counter("whatsapp_events", "Events by the state they were left in.", ["state"])
RETRIES = Counter("whatsapp_retries", "Events put back to be tried again, by what they wait for.", ["reason"])
SENDS = Counter("whatsapp_sends", "Calls to the Graph API by outcome and error code.", ["outcome", "code"])
STATUSES = Counter(
    "whatsapp_statuses", "Statuses of our sends, with the code of a failure.", ["status", "code"]
)
ALERTS = Counter("whatsapp_alerts", "Conditions a person has to look at.", ["alert"])

BACKLOG = Gauge("whatsapp_backlog", "Events, sends and deliveries by state.", ["what", "state"])
BACKLOG_AGE = Gauge("whatsapp_backlog_age_seconds", "Age of the oldest delivery or event not yet handled.")
IN_FLIGHT = Gauge("whatsapp_lanes_in_flight", "Contacts being worked on by this process.")
CIRCUIT = Gauge("whatsapp_circuit_open", "1 while a broken credential stops all sending.")

ECHO_SECONDS = Histogram(
    "whatsapp_echo_seconds",
    "From a delivery's arrival to its answer's acceptance.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600),
)
COMMIT_SIZE = Histogram(
    "whatsapp_commit_deliveries", "Deliveries kept by one commit.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
