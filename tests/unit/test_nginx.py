"""The file for nginx, without nginx: its grammar, and that it and MS5 mean the same."""

from pathlib import Path

import pytest
import uvicorn
from django.urls import get_resolver

from ms5.web.bounded import BODY_BYTES, BODY_WITHIN_S, HEAD_BYTES, HEAD_WITHIN_S
from ms5.web.listener import PEER_SILENT_MS
from realtime.limits import Limits
from realtime.routing import PATH
from tests.unit.nginx_file import Refused, location_for, read, seconds

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/nginx/ms5.conf").read_text()


@pytest.fixture(scope="module")
def root():
    return read(TEXT)


@pytest.fixture(scope="module")
def server(root):
    """The one with TLS."""
    (found,) = (each for each in root.all("server") if ["443", "ssl"] in each.value("listen"))
    return found


@pytest.mark.parametrize(
    "wrong",
    [
        TEXT.replace("http2 on;", "http2 on"),
        TEXT.replace("listen 80;", "listen 80;;"),
        TEXT.replace("nodelay;", "nodelay", 1),
        TEXT.replace("listen 80;", "listen;"),
        TEXT.replace("listen 80;", "proxy_pass http://ms5;"),
        TEXT.replace("''      '';", "''      ';"),
        TEXT + "}",
        TEXT.rstrip().removesuffix("}"),
        TEXT.replace("keepalive 32;", "keepalive 32 { }"),
    ],
)
def test_a_file_that_nginx_would_not_take_is_refused_by_the_reader(wrong):
    assert wrong != TEXT
    with pytest.raises(Refused):
        read(wrong)


def test_every_path_of_the_application_is_passed_on_but_the_metrics(server):
    prefixes = {str(pattern.pattern) for pattern in get_resolver("ms5.urls").url_patterns}
    assert {"admin/", "api/v1/", "ws/", ""} <= prefixes
    paths = {f"/{prefix}x" for prefix in prefixes} | {
        *("/", "/login/", "/logout/", "/lines/L-1/", "/static/js/live.js", "/admin/login/"),
        *("/ws/health", "/ws/events", PATH),
    }
    paths -= {"/metricsx"}
    for path in paths:
        location = location_for(server, path)
        assert location.one("proxy_pass") == "http://ms5", path
        headers = dict(location.value("proxy_set_header"))
        assert headers == {
            "Host": "$http_host",
            "X-Forwarded-For": "$remote_addr",
            "X-Forwarded-Proto": "$scheme",
            "Upgrade": "$http_upgrade",
            "Connection": "$ms5_connection",
            "Forwarded": "",
            "X-Real-IP": "",
        }, path
        assert location.one("proxy_http_version") == "1.1"
    for path in ("/metrics", "/metrics/"):
        hidden = location_for(server, path)
        assert hidden.one("return") == "404"
        assert hidden.value("proxy_pass") == []


def test_the_names_are_defined_where_they_are_used(root, server):
    (upstream,) = root.all("upstream")
    assert upstream.arguments == ["ms5"]
    (mapped,) = root.all("map")
    assert mapped.arguments == ["$http_upgrade", "$ms5_connection"]
    assert [(each.name, each.arguments) for each in mapped.parts] == [
        ("default", ["upgrade"]),
        ("", [""]),
    ]
    zones = {
        argument.split(":")[0]
        for kind in ("limit_conn_zone", "limit_req_zone")
        for each in root.all(kind)
        for argument in each.arguments
        if argument.startswith("zone=")
    }
    used = {
        part.arguments[0].removeprefix("zone=")
        for location in server.all("location")
        for part in [*location.all("limit_conn"), *location.all("limit_req")]
    }
    assert {f"zone={name}" for name in used} == zones


def test_the_socket_outlives_its_heartbeat_and_is_not_buffered(server):
    socket = location_for(server, PATH)
    assert socket.arguments == ["=", PATH]
    assert seconds(socket.one("proxy_read_timeout")) > 3 * max(Limits().heartbeat_s, 20) - 1
    assert socket.one("proxy_buffering") == "off"


def test_its_bounds_are_those_of_the_web_process(root, server):
    assert server.one("client_max_body_size") == f"{BODY_BYTES // 2**20}m"
    assert seconds(server.one("client_header_timeout")) == HEAD_WITHIN_S
    assert seconds(server.one("client_body_timeout")) == BODY_WITHIN_S
    ((count, size),) = server.value("large_client_header_buffers")
    assert int(count) * int(size.removesuffix("k")) * 1024 == HEAD_BYTES
    assert seconds(server.one("send_timeout")) * 1000 == PEER_SILENT_MS
    (upstream,) = root.all("upstream")
    idle_s = uvicorn.Config("ms5.asgi:application", log_config=None).timeout_keep_alive
    assert seconds(upstream.one("keepalive_timeout")) < idle_s


def test_its_limits_leave_the_refusal_to_ms5_which_can_say_why(server):
    """A browser learns nothing of a handshake that nginx refuses; MS5 accepts, then closes with a code."""
    socket, limits = location_for(server, PATH), Limits()
    ((zone, most),) = socket.value("limit_conn")
    assert zone == "ms5_sockets"
    assert int(most) > limits.connections_per_address
    (request,) = socket.value("limit_req")
    burst = next(int(word.removeprefix("burst=")) for word in request if "burst=" in word)
    assert burst > limits.handshake_burst
    assert "nodelay" in request


def test_tls_and_the_way_to_it(root, server):
    assert server.value("ssl_protocols") == [["TLSv1.2", "TLSv1.3"]]
    assert server.value("listen") == [["443", "ssl"], ["[::]:443", "ssl"]]
    (plain,) = (each for each in root.all("server") if each is not server)
    assert plain.value("return") == [["308", "https://$host$request_uri"]]
    assert plain.value("server_name") == server.value("server_name") == [["ms5.example"]]


def test_ms5_reads_the_headers_that_are_set(server):
    from ms5.settings import TRUSTED_PROXIES

    settings = (ROOT / "ms5/settings.py").read_text()
    assert 'SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")' in settings
    assert TRUSTED_PROXIES == 0  # nothing is believed unless somebody says so
    assert "MS5_TRUSTED_PROXIES=1" in TEXT
    from ms5.addresses import client_address

    claimed = ["192.0.2.66, 198.51.100.7"]  # the first by the client, the second by nginx
    assert client_address("127.0.0.1", claimed, trusted_proxies=1) == "198.51.100.7"
    assert client_address("127.0.0.1", claimed, trusted_proxies=0) == "127.0.0.1"
