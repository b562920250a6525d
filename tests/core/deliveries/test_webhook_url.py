"""Where deliveries may go: one spelling for every URL, the same as the client's, and the table of addresses."""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_network
from types import SimpleNamespace

import httpx2
import pytest
from http_message_signatures import HTTPSignatureComponentResolver
from hypothesis import example, given, strategies as some

from rundun.core.deliveries.forbidden_addresses import forbidden_reason, is_literal, may_be_read
from rundun.core.deliveries.webhook_url import MAX_LENGTH, Destination, normalise
from rundun.core.urls import Urls
from tests.helpers.network.addresses import NEVER, PRIVATE, PUBLIC


def is_as_sent(destination: Destination) -> None:
    """The URL is byte for byte what a client sends, what a signature library signs, and its own normal form."""
    url = destination.url
    client = httpx2.URL(url)
    assert str(client) == url
    assert client.raw_path.decode() == destination.target
    assert client.netloc.decode() == destination.authority
    assert client.raw_host.decode() == destination.host
    assert (client.port or {"http": 80, "https": 443}[client.scheme]) == destination.port
    request = SimpleNamespace(method="POST", url=url, headers={})
    assert HTTPSignatureComponentResolver(request).get_target_uri() == url
    assert normalise(url) == destination


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("https://hooks.example.com/rundun?team=a%20b", "https://hooks.example.com/rundun?team=a%20b"),
        ("HTTPS://Hooks.Example.COM", "https://hooks.example.com/"),
        ("https://example.com:443/a", "https://example.com/a"),
        ("http://example.com:80", "http://example.com/"),
        ("http://example.com:/a", "http://example.com/a"),
        ("http://example.com:443/", "http://example.com:443/"),
        ("http://example.com:08080/", "http://example.com:8080/"),
        ("http://example.com?a=1", "http://example.com/?a=1"),
        ("http://example.com/?", "http://example.com/?"),
        ("http://example.com./a", "http://example.com/a"),
        ("http://my_service:8000/a", "http://my_service:8000/a"),
        ("http://localhost/", "http://localhost/"),
        ("https://Bücher.example/ü?ü=ß", "https://xn--bcher-kva.example/%C3%BC?%C3%BC=%C3%9F"),
        ("https://bücher。example/", "https://xn--bcher-kva.example/"),
        ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
        ("http://a/b/./c/../d", "http://a/b/d"),
        ("http://a/../../b/..", "http://a/"),
        ("http://a/b/.", "http://a/b/"),
        ("http://a//b//../c", "http://a//b/c"),
        ("http://a/%2e%2E/%aB", "http://a/%2e%2E/%aB"),
        ('http://a/{b}|^`"<>[]?q={b}|^`"<>[]\'', "http://a/%7Bb%7D%7C%5E%60%22%3C%3E%5B%5D?q=%7Bb%7D%7C%5E%60%22%3C%3E%5B%5D'"),
        ("http://a/b?c?d/e:f@g", "http://a/b?c?d/e:f@g"),
        ("http://[2001:DB8:0:0::1]:80/", "http://[2001:db8::1]/"),
        ("http://[::1]:8080", "http://[::1]:8080/"),
        ("http://127.0.0.1/", "http://127.0.0.1/"),
    ],
)  # fmt: skip
def test_one_spelling(given_url: str, url: str) -> None:
    destination = normalise(given_url)
    assert destination.url == url
    is_as_sent(destination)


def test_the_key_of_the_limits() -> None:
    assert normalise("HTTPS://A.example/x").destination_key == normalise("https://a.example:443/y?z").destination_key
    assert normalise("http://a.example/").destination_key == ("http", "a.example", 80)
    assert normalise("http://[0:0::1]:99/").destination_key == ("http", "::1", 99)


@pytest.mark.parametrize(
    "host",
    ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "127.0.1", "0x7F000001", "017700000001", "127.0.0.1.",
     "１２７.0.0.1", "127。0。0。1", "①②⑦.0.0.1", "0X7F.0.0.0x1", "0177.0x0.0.1"],
)  # fmt: skip
def test_odd_spellings_of_an_address_are_that_address(host: str) -> None:
    destination = normalise(f"http://{host}/")
    assert (destination.host, is_literal(destination.host)) == ("127.0.0.1", True)
    is_as_sent(destination)


@pytest.mark.parametrize(
    "host",
    ["256.1.1.1", "1.2.3.256", "1.2.3.4.5", "08.0.0.1", "4294967296", "0x100000000", "1.16777216", "0x", "1.2.3.0xg.4",
     "a.1", "1..2", "-1.1", "+1.1", "9" * 5000, "0x" + "0" * 5000, "a.0x7f", "1.2.3.4_5.6", "٣.1"],
)  # fmt: skip
def test_what_only_looks_like_an_address_is_no_name(host: str) -> None:
    with pytest.raises(ValueError, match=r"^The URL"):
        normalise(f"http://{host}/")


@given(some.lists(some.one_of(some.integers(0, 2**32), some.integers(0, 300)), min_size=1, max_size=5), some.data())
def test_it_reads_addresses_as_the_system_does(numbers: list[int], data: some.DataObject) -> None:
    spell = some.sampled_from([str, hex, lambda number: f"0{number:o}"])
    host = ".".join(data.draw(spell)(number) for number in numbers)
    try:
        expected = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        with pytest.raises(ValueError, match="IPv4"):
            normalise(f"http://{host}/")
    else:
        assert normalise(f"http://{host}/").host == expected


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "http:// or https://"),
        ("example.com/a", "http:// or https://"),
        ("ftp://example.com/", "http:// or https://"),
        ("file:///etc/passwd", "http:// or https://"),
        ("http:/example.com/", "http:// or https://"),
        ("httpſ://example.com/", "http:// or https://"),
        ("http://", "host"),
        ("http:///a", "host"),
        ("http://:80/", "host"),
        ("http://ed:secret@example.com/", "user name"),
        ("http://@example.com/", "user name"),
        ("http://example.com/#a", "fragment"),
        ("http://example.com/#", "fragment"),
        ("http://example.com\\@evil.example/", "backslash"),
        ("http://example.com/a b", "spaces"),
        (" http://example.com/", "spaces"),
        ("http://example.com/\n", "control"),
        ("http://exam\tple.com/", "control"),
        ("http://example.com/\x00", "control"),
        ("http://example.com/\x85", "control"),
        ("http://example.com/\u2028", "line breaks"),
        ("http://example.com/\ud800", "control"),
        ("http://example.com/%", "hexadecimal"),
        ("http://example.com/%2", "hexadecimal"),
        ("http://example.com/?a=%zz", "hexadecimal"),
        ("http://exa%6dple.com/", "host"),
        ("http://example.com:0/", "port"),
        ("http://example.com:65536/", "port"),
        ("http://example.com:8o/", "port"),
        ("http://example.com:-1/", "port"),
        ("http://example.com:８０/", "port"),
        ("http://a:1:2/", "port"),
        ("http://::1/", "port"),
        ("http://[::1/", "port"),
        ("http://[::1]a/", "port"),
        ("http://[fe80::1%25eth0]/", "zone"),
        ("http://[::g]/", "IPv6"),
        ("http://[v1.a]/", "IPv6"),
        ("http://[127.0.0.1]/", "IPv6"),
        ("http://a..b/", "name"),
        ("http://./", "name"),
        ("http://-a/", "name"),
        ("http://" + "a" * 64 + "/", "name"),
        ("http://" + "a." * 127 + "aa/", "name"),
        ("http://💩.example/", "internationalised"),
        ("http://℀.example/", "internationalised"),
        ("http://" + "ü" * 300 + "/", "host"),
        ("http://a,b/", "name"),
        ("http://a/" + "a" * MAX_LENGTH, "longer"),
        ("http://a/" + "ü" * (MAX_LENGTH // 2), "longer"),
    ],
)
def test_refused_with_a_sentence(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        normalise(url)
    assert str(caught.value).startswith("The URL")
    assert str(caught.value).endswith(".")


def test_a_url_of_the_greatest_length() -> None:
    url = "http://a/" + "b" * (MAX_LENGTH - 9)
    assert normalise(url).url == url


hosts = some.one_of(
    some.sampled_from(["example.com", "Bücher.example", "127.1", "[::1]", "a_b", "[::FFFF:1.2.3.4]", "x.", "１.2"]),
    some.text(max_size=12),
)
tails = some.text(
    alphabet=some.one_of(some.sampled_from("/.?%2eE;:@&=+$,!'()*[]{}|^`\"<>~_-"), some.characters()), max_size=40
)


schemes = some.sampled_from(["http://", "https://", "HTTP://"])
ports = some.sampled_from(["", ":80", ":8443", ":"])


@given(schemes, hosts, ports, tails)
@example("http://", "a", "", "/..")
@example("http://", "a", "", "/.?..")
@example("http://", "a", "", "//..//.")
def test_any_text_is_refused_or_settled_for_good(scheme: str, host: str, port: str, tail: str) -> None:
    try:
        destination = normalise(f"{scheme}{host}{port}{tail}")
    except ValueError:
        return
    is_as_sent(destination)


# The table of addresses.


@pytest.mark.parametrize("address", NEVER)
def test_never(address: str) -> None:
    for allow_private in (True, False):
        reason = forbidden_reason(address, allow=(), allow_private=allow_private)
        assert reason is not None
        line = reason.rpartition("set ")[2]
        assert line.startswith('allow = ["')
        network = ip_network(line.split('"')[1])
        assert network.num_addresses == 1
        assert forbidden_reason(address, allow=(network,), allow_private=allow_private) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_is_allowed_unless_set_otherwise(address: str) -> None:
    assert forbidden_reason(address, allow=(), allow_private=True) is None
    reason = forbidden_reason(address, allow=(), allow_private=False)
    assert reason is not None
    assert "webhooks.allow_private is false" in reason
    network = ip_network(reason.split('"')[1])
    assert forbidden_reason(address, allow=(network,), allow_private=False) is None


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert forbidden_reason(address, allow=(), allow_private=False) is None


def test_the_sentence() -> None:
    where = "under [webhooks] in rundun.toml, then restart."
    assert forbidden_reason("127.0.0.1", allow=(), allow_private=True) == (
        f'127.0.0.1 is a loopback address. To allow it, set allow = ["127.0.0.1/32"] {where}'
    )
    assert forbidden_reason("64:ff9b::7f00:1", allow=(), allow_private=True) == (
        f'64:ff9b::7f00:1 is the NAT64 form of 127.0.0.1. To allow it, set allow = ["64:ff9b::7f00:1/128"] {where}'
    )


def test_whose_answers_may_be_read() -> None:
    assert may_be_read("8.8.8.8", allow=())
    assert not may_be_read("10.0.0.1", allow=())
    assert not may_be_read("fd12::1", allow=())
    assert not may_be_read("127.0.0.1", allow=())
    assert may_be_read("10.0.0.1", allow=(ip_network("10.0.0.0/24"),))
    assert not may_be_read("10.0.1.1", allow=(ip_network("10.0.0.0/24"),))


def test_an_allowed_network_allows_no_other() -> None:
    allow = (ip_network("127.0.0.1/32"),)
    assert forbidden_reason("127.0.0.2", allow=allow, allow_private=True)
    assert forbidden_reason("::1", allow=allow, allow_private=True)
    assert forbidden_reason("64:ff9b::127.0.0.1", allow=allow, allow_private=True)


@given(some.ip_addresses(v=4))
def test_no_form_of_an_address_is_more_allowed_than_itself(address: IPv4Address) -> None:
    plain = forbidden_reason(str(address), allow=(), allow_private=False)
    for form in (0xFFFF << 32 | int(address), 0x64FF9B << 96 | int(address), 0x2002 << 112 | int(address) << 80):
        other = forbidden_reason(str(IPv6Address(form)), allow=(), allow_private=False)
        assert (other is None) == (plain is None)
    assert forbidden_reason(f"::{address}", allow=(), allow_private=True)


@given(some.ip_addresses())
def test_what_python_calls_loopback_or_so_is_never_allowed(address: IPv4Address | IPv6Address) -> None:
    local = address.is_loopback or address.is_link_local or address.is_unspecified
    suspicious = local or address.is_multicast or address.is_reserved
    if suspicious and "64:ff9b::" not in str(address) and "::ffff:" not in str(address):
        assert forbidden_reason(str(address), allow=(), allow_private=True)


@pytest.mark.parametrize(
    ("url", "reach"),
    [
        ("http://127.0.0.1:8000", "machine"),
        ("http://localhost:8000", "machine"),
        ("http://[::1]:8000", "machine"),
        ("http://192.168.1.20:8000", "network"),
        ("http://10.1.2.3", "network"),
        ("http://172.31.0.1", "network"),
        ("http://100.64.0.9", "network"),
        ("http://169.254.3.4", "network"),
        ("http://[fd12::1]:8000", "network"),
        ("http://depot:8000", "network"),
        ("https://rundun.local", "network"),
        ("https://rundun.home.arpa", "network"),
        ("https://check.example.com", "everywhere"),
        ("http://172.32.0.1", "everywhere"),
        ("http://[2a00::1]", "everywhere"),
    ],
)
def test_where_links_can_be_opened_is_told_by_their_host(url: str, reach: str) -> None:
    assert Urls(url, b"").reach == reach
