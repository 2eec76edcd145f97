"""The base port of a stack."""

import socket

import pytest

from ava_local.expected_error import ExpectedError
from ava_local.ports import InvalidBasePort, NoFreePorts, free_base_port, parse_base_port


@pytest.mark.parametrize("text", ["eighty", "80", "-1", "65530", "8080.5"])
def test_an_invalid_port_is_refused_naming_the_range(text):
    with pytest.raises(InvalidBasePort, match="1024 to 65528"):
        parse_base_port(text)


def test_where_no_ports_are_free_the_error_says_so_without_a_traceback():
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(NoFreePorts) as raised:
        free_base_port([listener.getsockname()[1]])
    assert isinstance(raised.value, ExpectedError)
    assert "no eight consecutive free ports" in str(raised.value)
