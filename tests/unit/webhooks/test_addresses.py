"""Where a webhook may go. Most of these tricks were used against other services."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from verify_service.bulk.webhooks.addresses import ForbiddenAddress, expect_url, is_allowed, socket_factory
from verify_service.errors import InvalidInput

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
INSIDE = (
    *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),  # noqa: S104 - refused, not bound
    *("192.88.99.1", "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255"),
    *("::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001::1", "::127.0.0.1"),
)
OUTSIDE = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8")


@pytest.mark.parametrize("address", INSIDE)
def test_inside_is_not_reached(address: str) -> None:
    assert not is_allowed(ip_address(address), [])


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside_is(address: str) -> None:
    assert is_allowed(ip_address(address), [])


@pytest.mark.parametrize("address", ["10.1.2.3", "::ffff:10.1.2.3"])
def test_deployment_may_allow_a_network_and_only_that(address: str) -> None:
    assert is_allowed(ip_address(address), [ip_network("10.1.0.0/16")])
    assert not is_allowed(ip_address(address), [ip_network("10.2.0.0/16"), ip_network("fc00::/7")])


@pytest.mark.parametrize("address", INSIDE)
def test_no_socket_is_made_for_an_address_inside(address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with pytest.raises(ForbiddenAddress):
        socket_factory([])((family, socket.SOCK_STREAM, 6, "", (address, 443)))


def test_scope_of_an_address_does_not_hide_it() -> None:
    with pytest.raises(ForbiddenAddress):
        socket_factory([])((socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("fe80::1%eth0", 443, 0, 2)))


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("http://welfare.example/events", "https"),
        ("http://127.0.0.1:9000/", "public_address"),
        ("http://93.184.216.34/", "https"),
        ("https://127.0.0.1/", "public_address"),
        ("https://[::1]/", "public_address"),
        ("https://[::ffff:127.0.0.1]/", "public_address"),
        ("https://169.254.169.254/latest/meta-data", "public_address"),
        ("ftp://welfare.example/", "https"),
        ("file:///etc/passwd", "webhook_url"),
        ("gopher://welfare.example/", "https"),
        ("https://", "webhook_url"),
        ("https:///events", "webhook_url"),
        ("https://user:password@welfare.example/", "webhook_url"),
        ("https://welfare.example@127.0.0.1/", "webhook_url"),
        ("https://welfare.example/#fragment", "webhook_url"),
        ("https://welfare.example:0/", "webhook_url"),
        ("https://welfare.example:99999/", "webhook_url"),
        ("https://welfare.example:x/", "webhook_url"),
        ("https://[::1", "webhook_url"),
        ("https://welfare.example/ events", "webhook_url"),
        ("https://welfare.example/\r\nHost: other", "webhook_url"),
        ("https://welfare.example\\@127.0.0.1/", "webhook_url"),
        ("https://\uff11\uff12\uff17.0.0.1/", "webhook_url"),
        ("https://示例.example/", "webhook_url"),
        ("https://welfare.example/" + "a" * 2_000, "webhook_url"),
        ("welfare.example", "webhook_url"),
        ("", "webhook_url"),
    ],
)
def test_url_that_is_refused_at_registration(url: str, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        expect_url(url, [])
    assert [(violation.pointer, violation.rule) for violation in refused.value.violations] == [("/url", rule)]
    assert url == "" or url not in str(refused.value)


@pytest.mark.parametrize("url", ["https://welfare.example/events?k=v", "https://welfare.example:8443/", "https://8.8.8.8/"])
def test_url_that_is_taken(url: str) -> None:
    expect_url(url, [])


def test_plain_http_is_for_loopback_where_it_is_allowed() -> None:
    expect_url("http://127.0.0.1:9000/events", LOOPBACK)
    expect_url("http://[::1]:9000/events", LOOPBACK)
    with pytest.raises(InvalidInput):
        expect_url("http://localhost:9000/events", LOOPBACK)
    with pytest.raises(InvalidInput):
        expect_url("http://10.0.0.1/", [ip_network("10.0.0.0/8")])
