"""Addresses of network cameras: taken apart, resolved, and shown."""

from __future__ import annotations

import pytest

from edged.camera.http.address import Address
from edged.camera.http.redirects import redirected


@pytest.mark.parametrize("url", ["http://[fe80::1%25eth0]:8080/a", "http://[fe80::1%eth0]:8080/a"])
def test_an_ipv6_address_has_the_zone_that_it_is_resolved_with(url: str) -> None:
    address = Address.parse(url)
    assert (address.host, address.name, address.port) == ("fe80::1%eth0", "fe80::1", 8080)
    assert address.host_header == "[fe80::1]:8080"  # RFC 6874: a zone is never sent
    assert address.url == "http://[fe80::1]:8080/a"
    assert str(address) == "http://[fe80::1%25eth0]:8080/a"


def test_a_zone_survives_a_redirection_to_the_same_host() -> None:
    here = Address.parse("http://user:pass@[fe80::1%25eth0]/a")
    for location in ("/b", "http://[fe80::1]/b", "b"):
        there = redirected(here, here, location, "same-host")
        assert (there.host, there.target, there.user) == ("fe80::1%eth0", "/b", "user")


@pytest.mark.parametrize("location", ["http://cam:8080/a@b", "/live@2?x=a@b", "http://cam:8080/?a@b"])
def test_a_redirection_may_have_an_at_sign(location: str) -> None:
    here = Address.parse("http://cam:8080/")
    there = redirected(here, here, location, "same-host")
    assert (there.host, there.port, there.user) == ("cam", 8080, None)
    assert "%40" in there.target


@pytest.mark.parametrize(
    "url",
    [
        f"http://{login}@host/"
        for login in ("user:12/34", "user:1@2/3", "user:12?3", "user:12#3", "u:p@s", "u:[1", "u:1]", r"u:12\3")
    ],
)
def test_no_part_of_a_password_is_taken_for_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="write # as %23, / as %2F") as caught:
        Address.parse(url)
    assert "(got http://***@host/)" in str(caught.value)


@pytest.mark.parametrize("url", ["http://[::1/", "http://[1.2.3.4]/", "http://[v1.x]/", "http://::1/", "http://[]/"])
def test_what_is_no_ipv6_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be http://HOST/"):
        Address.parse(url)


@pytest.mark.parametrize("host", ["größe…中", "a..b", ".a", "x" * 64, "a。。b"])
def test_a_name_that_cannot_be_resolved_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="must be http://HOST/"):
        Address.parse(f"http://{host}/")
