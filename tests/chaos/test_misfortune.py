"""The gateway under chaos is the one of everywhere, less patient: what is set for it must exist."""

from ava_local.chaos import misfortune
from ava_whatsapp_gateway.settings import Settings


def test_every_variable_of_a_chaos_run_is_one_the_gateway_reads():
    prefix = "WHATSAPP_GATEWAY_"
    known = {
        str(field.validation_alias or prefix + name).upper() for name, field in Settings.model_fields.items()
    }
    assert set(misfortune.variables()) <= known
