"""The base port of a stack."""

import pytest

from ava_local.ports import InvalidBasePort, parse_base_port


@pytest.mark.parametrize("text", ["eighty", "80", "-1", "65530", "8080.5"])
def test_a_port_that_cannot_be_is_refused_with_the_range(text):
    with pytest.raises(InvalidBasePort, match="1024 to 65528"):
        parse_base_port(text)
