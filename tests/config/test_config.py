"""Settings: defaults, sources and their order, refusals with names, and that the docs say the same as the code."""

import json
import textwrap
from dataclasses import fields, replace
from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic_core import from_json, to_json

from rundun.config.loader import SECTIONS, SETTINGS, ConfigError, ServiceSettings, load, settings_json
from rundun.config.settings import ServerSettings

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """A folder without a rundun.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(*args, **kwargs):
    with pytest.raises(ConfigError) as caught:
        load(*args, **kwargs)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


# ---- where values come from


def test_without_any_source_everything_has_its_default():
    settings = load(environment={})
    assert settings == ServiceSettings()
    assert (settings.server.host, settings.server.port) == ("127.0.0.1", 8000)
    assert settings.database.path == Path("rundun.db")
    assert settings.webhooks.retry_delays_seconds == (30, 120, 600, 3600)
    assert settings.public_url == "http://127.0.0.1:8000"
    for one in SETTINGS:
        assert getattr(getattr(settings, one.section), one.name) == one.default


def test_later_sources_win_one_setting_at_a_time(elsewhere):
    (elsewhere / "rundun.toml").write_text('[server]\nhost = "10.0.0.1"\nport = 1\n[webhooks]\ntimeout_seconds = 2.5\n')
    environment = {"RUNDUN_SERVER_PORT": "2", "RUNDUN_LOGS_FORMAT": "json", "PATH": "/bin"}
    settings = load(environment=environment, flags={"server.port": 3, "server.host": None})
    assert (settings.server.host, settings.server.port) == ("10.0.0.1", 3)
    assert load(environment=environment).server.port == 2
    assert settings.webhooks.timeout_seconds == 2.5 and settings.logs.format == "json"


def test_a_named_file_must_exist_and_replaces_the_usual_one(elsewhere):
    (elsewhere / "rundun.toml").write_text("[server]\nport = 1\n")
    other = elsewhere / "other.toml"
    assert problems(other, {}) == [f"There is no settings file {other}."]
    other.write_text('[server]\nhost = "::1"\n')
    assert load(other, {}).server == ServerSettings(host="::1")


@pytest.mark.parametrize(
    ("variable", "text", "value"),
    [
        ("SERVER_PUBLIC_URL", "https://check.example/", "https://check.example"),
        ("SERVER_TRUSTED_PROXIES", "10.1.0.0/16, ::1", (ip_network("10.1.0.0/16"), ip_network("::1"))),
        ("SERVER_TRUSTED_PROXIES", '["10.1.2.3"]', (ip_network("10.1.2.3/32"),)),
        ("SERVER_TRUSTED_PROXIES", "[]", ()),
        ("WEBHOOKS_RETRY_DELAYS_SECONDS", "1,2.5", (1, 2.5)),
        ("WEBHOOKS_ALLOW_PRIVATE", "false", False),
        ("RUNS_GRACE_HOURS", "0", 0),
        ("RUNS_GRACE_HOURS", "", 24),
        ("LIMITS_PHOTO_MEBIBYTES", "20", 20),
        ("LOGS_LEVEL", "debug", "debug"),
        ("DATABASE_PATH", "/var/lib/rundun/1.db", Path("/var/lib/rundun/1.db")),
    ],
)
def test_the_environment_is_read_as_its_setting_needs(variable, text, value):
    (one,) = [one for one in SETTINGS if one.variable == f"RUNDUN_{variable}"]
    settings = load(environment={one.variable: text})
    assert getattr(getattr(settings, one.section), one.name) == value


def test_the_key_of_an_assistant_is_no_setting(elsewhere):
    assert load(environment={"RUNDUN_MCP_KEY": "rdk_live_x"}) == load(environment={})


def test_a_running_service_has_the_last_word_but_for_what_is_asked_for_here(elsewhere):
    for name in ("chain.pem", "mine.toml"):
        (elsewhere / name).write_text('[logs]\nlevel = "debug"\n')
    service = {one.key: one.example if one.default is None else None for one in SETTINGS}
    service |= {"server.tls_certificate": "chain.pem", "server.tls_key": None, "webhooks.ca_file": None}
    service |= {"webhooks.allow": ["10.0.0.0/8"], "webhooks.retry_delays_seconds": [1, 2.5], "logs.level": "error"}
    given = load(environment={}, flags={**service, "database.path": "its.db"})
    running = from_json(to_json(settings_json(given)))
    environment = {"RUNDUN_SERVER_PORT": "1", "RUNDUN_WEBHOOKS_CA_FILE": "chain.pem"}
    settings = load(environment=environment, flags={"database.path": "mine.db"}, running=running)
    assert settings.alerts.secret == "*" * 12
    assert settings.server.tls_certificate == elsewhere / "chain.pem", "whose folder may be another"
    same = replace(settings, database=given.database, server=given.server, alerts=given.alerts)
    assert same == replace(given, backup=settings.backup) and settings.database.path == Path("mine.db")
    assert load("mine.toml", environment, running=running).logs.level == "debug"
    (elsewhere / "chain.pem").unlink()
    assert load(environment={}, running={**running, "logs.level": "loud", "new": 1}).logs.level == "info"


# ---- refusals


def test_everything_that_is_wrong_is_told_at_once_by_name_and_source(elsewhere):
    (elsewhere / "rundun.toml").write_text(
        textwrap.dedent("""
            runs = 1
            [server]
            prot = 80
            host = 5
            [webhoks]
            allow = []
            [limits]
            photo_mebibytes = 0.5
        """)
    )
    why = f"{elsewhere} is a folder"
    told = problems(
        environment={"RUNDUN_SERVER_PUBLIC": "x", "RUNDUN_SERVER_PORT": "99999"},
        flags={"database.path": str(elsewhere)},
    )
    assert told == [
        "runs in rundun.toml must be a section, [runs].",
        "server.prot in rundun.toml is not a setting; the nearest is server.port.",
        "[webhoks] in rundun.toml is not a section; the nearest is webhooks.",
        "RUNDUN_SERVER_PUBLIC in the environment is not a setting; the nearest is RUNDUN_SERVER_PUBLIC_URL.",
        "server.host in rundun.toml is 5; it must be text.",
        "limits.photo_mebibytes in rundun.toml is 0.5; it must be a whole number from 1 to 256.",
        "server.port in the environment (RUNDUN_SERVER_PORT) is 99999; it must be a whole number from 0 to 65535.",
        f'database.path in the flag --database is "{elsewhere}"; it must be the path of a file ({why}).',
    ]


def test_a_setting_outside_of_sections_is_told_where_it_belongs(elsewhere):
    (elsewhere / "rundun.toml").write_text("port = 1\nfolder = 2\nnonsense = 3\n")
    assert problems(environment={}) == [
        "port in rundun.toml stands outside of any section; write it below [server].",
        "folder in rundun.toml stands outside of any section; write it below [backup].",
        "nonsense in rundun.toml stands outside of any section.",
    ]


def test_a_byte_order_mark_does_no_harm(elsewhere):
    (elsewhere / "rundun.toml").write_bytes(b"\xef\xbb\xbf[server]\nport = 1\n")
    assert load(environment={}).server.port == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[server\n", "is not valid TOML"),
        (b"[server]\nport = 1\nport = 2\n", "is not valid TOML"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_that_is_no_toml_is_told(elsewhere, content, said):
    (elsewhere / "rundun.toml").write_bytes(content)
    (told,) = problems(environment={})
    assert told.startswith("rundun.toml " + said)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("server.port", True, "a whole number from 0 to 65535"),
        ("server.port", 80.0, "a whole number from 0 to 65535"),
        ("server.host", "a\nb", "text"),
        ("server.host", "", "text"),
        ("server.public_url", "check.example", "`https://host`"),
        ("server.public_url", "ftp://check.example", "`https://host`"),
        ("server.public_url", "https://check.example/app", "takes no path, query, user or fragment"),
        ("server.public_url", "https://check.example?a", "takes no path, query, user or fragment"),
        ("server.public_url", "https://me@check.example", "takes no path, query, user or fragment"),
        ("server.public_url", "https://check.example:99999", "`https://host`"),
        ("server.public_url", "https://[::x]", "`https://host`"),
        ("server.public_url", "https://a..ü.example", "its host name is not valid"),
        ("server.tls_certificate", "/no/such.pem", "there is no file /no/such.pem"),
        ("server.tls_certificate", "~nobody-of-this-name/x.pem", "there is no such user's home folder"),
        ("server.trusted_proxies", "10.1.2.3/8", "the network is 10.0.0.0/8"),
        ("server.trusted_proxies", "proxy.local", "neither a network nor an address"),
        ("server.trusted_proxies", 5, "a list of networks"),
        ("webhooks.allow", [5], "a list of networks"),
        ("webhooks.allow_private", "no", "`true` or `false`"),
        ("webhooks.allow_private", 1, "`true` or `false`"),
        ("webhooks.timeout_seconds", float("nan"), "a number from 0.1 to 120"),
        ("webhooks.retry_delays_seconds", [30, -1], "numbers from 0 to 604800"),
        ("webhooks.retry_delays_seconds", [1] * 21, "at most 20 numbers"),
        ("webhooks.ca_file", "/no/such.pem", "there is no file /no/such.pem"),
        ("runs.grace_hours", -1, "a number from 0 to 8760"),
        ("logs.level", "loud", "`debug` or `info` or `warning` or `error`"),
        ("logs.format", "xml", "`text` or `json`"),
    ],
)
def test_a_wrong_value_is_refused_with_what_would_be_right(key, value, said):
    (told,) = problems(environment={}, flags={key: value})
    assert told.startswith(f"{key} in ") and "it must be" in told and said in told


def test_a_long_value_is_not_repeated_in_full():
    (told,) = problems(environment={"RUNDUN_LOGS_LEVEL": "x" * 5000})
    assert len(told) < 250


def test_a_key_without_a_certificate_is_refused(elsewhere):
    key = elsewhere / "key.pem"
    key.touch()
    (told,) = problems(environment={}, flags={"server.tls_key": str(key)})
    assert "server.tls_certificate is not" in told


# ---- the public address


@pytest.mark.parametrize(
    ("server", "address"),
    [
        (ServerSettings(), "http://127.0.0.1:8000"),
        (ServerSettings(host="::1", port=80), "http://[::1]"),
        (ServerSettings(host="10.1.2.3", port=443), "http://10.1.2.3:443"),
        (ServerSettings(host="10.1.2.3", port=443, tls_certificate=Path("chain.pem")), "https://10.1.2.3"),
        (ServerSettings(public_url="https://check.example"), "https://check.example"),
    ],
)
def test_the_public_address_is_the_bound_one_unless_said_otherwise(server, address):
    assert ServiceSettings(server=server).public_url == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_bound_to_all_it_is_the_address_in_the_network(monkeypatch, host):
    monkeypatch.setattr("rundun.config.settings.lan_address", lambda: "192.168.1.20")
    assert ServiceSettings(server=ServerSettings(host=host)).public_url == "http://192.168.1.20:8000"
    monkeypatch.setattr("rundun.config.settings.lan_address", lambda: "fd00::20")
    assert ServiceSettings(server=ServerSettings(host=host)).public_url == "http://[fd00::20]:8000"


def test_this_machine_has_an_address():
    assert ip_network(
        ServiceSettings(server=ServerSettings(host="0.0.0.0")).public_url[7:].rsplit(":", 1)[0].strip("[]")
    )


def test_it_is_normalised():
    for given, meant in (
        ("HTTPS://Check.Example:443/", "https://check.example"),
        ("http://check.example:80", "http://check.example"),
        ("http://check.example:443", "http://check.example:443"),
        ("https://prüfung.example", "https://xn--prfung-4ya.example"),
        ("http://[2001:DB8::0:1]:8000", "http://[2001:db8::1]:8000"),
    ):
        assert load(environment={"RUNDUN_SERVER_PUBLIC_URL": given}).public_url == meant


def test_it_follows_when_the_port_is_known_later():
    settings = ServiceSettings(server=ServerSettings(port=0))
    later = replace(settings, server=replace(settings.server, port=8123), public_url="")
    assert later.public_url == "http://127.0.0.1:8123"


# ---- the docs say the same


def shown(value):
    """A default as TOML and JSON write it, which are alike for what settings hold."""
    if isinstance(value, tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return json.dumps(value if isinstance(value, bool | int | float) else str(value))


def example():
    """What rundun.toml.example has to be."""
    lines = [
        "# Every setting of Rundun with its default, or with an example where it says so. Copy this file to",
        "# rundun.toml, take the # off what you change, and start Rundun in the same folder, or name the file with",
        "# --config. Without it the defaults hold.",
        "#",
        "# Environment variables win over this file: server.port is RUNDUN_SERVER_PORT; a list is JSON or has commas.",
        "# Flags win over both.",
    ]
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        for one in SETTINGS:
            if one.section == section:
                says = one.help + (f" In {one.unit}." if one.unit else "")
                says += " An example:" if one.default is None else ""
                lines += [f"# {line}" for line in textwrap.wrap(says, 108)]
                lines.append(f"#{one.name} = {shown(one.example if one.default is None else one.default)}")
    return "\n".join(lines) + "\n"


def test_the_example_file_is_complete():
    assert (ROOT / "rundun.toml.example").read_text("utf-8") == example()


def test_the_example_file_is_valid_as_it_is_and_with_every_line_given(elsewhere):
    text = (ROOT / "rundun.toml.example").read_text("utf-8")
    assert load(ROOT / "rundun.toml.example", {}) == ServiceSettings()
    for name in ("chain.pem", "key.pem", "our-authority.pem"):
        (elsewhere / name).touch()
    given = elsewhere / "given.toml"
    given.write_text("\n".join(line if line.startswith("# ") else line.removeprefix("#") for line in text.splitlines()))
    settings = load(given, {})
    assert settings.public_url == "https://check.example.com"
    for one in SETTINGS:
        value = getattr(getattr(settings, one.section), one.name)
        assert shown(value) == shown(one.example if one.default is None else one.default), one.key


def test_every_setting_says_what_it_is_for():
    assert [one.key for one in SETTINGS] == [
        f"{name}.{one.name}" for name in SECTIONS for one in fields(SECTIONS[name])
    ]
    for one in SETTINGS:
        assert one.help.endswith(".") and len(one.help) > 15
        assert one.variable == f"RUNDUN_{one.key.replace('.', '_').upper()}"
