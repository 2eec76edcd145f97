"""The end of a version of the Graph API is known in time."""

from datetime import date

from ava_whatsapp_gateway.cloud_api.versions import days_left


def test_the_end_of_a_graph_version_is_known_in_time() -> None:
    assert days_left("v21.0", date(2026, 11, 22)) == 60
    past = days_left("v20.0", date(2026, 11, 22))
    assert past is not None
    assert past < 0
    assert days_left("v99.0", date(2026, 11, 22)) is None
