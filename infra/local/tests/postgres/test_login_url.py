"""A login URL survives any password."""

from ava_local.postgres.login_url import with_login


def test_a_password_with_characters_of_a_url_survives() -> None:
    assert with_login("postgresql://a:b@h:1/d", "me", "p@s/s:#") == "postgresql://me:p%40s%2Fs%3A%23@h:1/d"
