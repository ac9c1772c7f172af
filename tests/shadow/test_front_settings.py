"""What a front has to know survives the way to it."""

import json

from harness.http1.limits import RequestLimits
from harness.shadow.front.settings import (
    Copying,
    FrontSettings,
    ListeningTls,
    Timeouts,
    Upstream,
)
from harness.shadow.link import LinkSettings


def test_settings_survive_json():
    """Every part comes back as it was."""
    settings = FrontSettings(
        front_id="1-ab",
        listen_fds=(3, 4),
        upstream=Upstream("champion", 443, is_tls=True, ca_file="/ca.pem", max_connections=7),
        page_path="/run/front.page",
        tls=ListeningTls("/cert.pem", "/key.pem"),
        limits=RequestLimits(max_body_bytes=1),
        timeouts=Timeouts(head_s=1.5),
        copying=Copying(failed_statuses=(500,)),
        max_connections=9,
        add_request_id=True,
        link=LinkSettings("/link.sock", "1-ab", 1000, ("POST",), ("/v1/*",), 500, "header:X"),
    )

    assert FrontSettings.from_json(settings.to_json()) == settings


def test_settings_without_what_is_optional_survive_json():
    """Neither TLS nor a link."""
    settings = FrontSettings("1", (3,), Upstream("127.0.0.1", 80), "/p")

    assert FrontSettings.from_mapping(json.loads(settings.to_json())) == settings
