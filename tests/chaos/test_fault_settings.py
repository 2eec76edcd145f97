"""The faults are as bad as promised, and the gateway reads every variable a run sets."""

from collections import defaultdict

from ava_whatsapp_gateway.settings import Settings
from ava_whatsapp_simulator.behaviour_plan import BehaviourPlan
from chaos import fault_settings
from chaos.options import Options


def test_every_variable_of_a_chaos_run_is_one_the_gateway_reads() -> None:
    prefix = "WHATSAPP_GATEWAY_"
    known = {
        str(field.validation_alias or prefix + name).upper() for name, field in Settings.model_fields.items()
    }
    assert set(fault_settings.gateway_variables()) <= known


def test_the_plan_is_as_bad_as_promised() -> None:
    plan = BehaviourPlan().with_changes(fault_settings.simulator_plan(Options()))
    rates: defaultdict[bool, float] = defaultdict(float)
    for fault in plan.faults:
        rates[fault.kind == "timeout"] += fault.rate
    assert round(rates[True], 6) == round(rates[False], 6) == 0.05
    assert (plan.delivery.duplicates, plan.delivery.shuffle) == (0.1, True)
    assert plan.delivery.batch > 1
