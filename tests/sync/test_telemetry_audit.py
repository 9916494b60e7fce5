"""The key with which an auditor recognises pull requests, as sync gives it to every laptop."""

import json

from skillway_sync.telemetry_config import parse_telemetry
from skillway_sync.telemetry_files import render_telemetry


def _rendered(**more):
    telemetry, _ = parse_telemetry({"telemetry": {"endpoint": "https://collector.example", **more}})
    return render_telemetry(telemetry)


def test_the_audit_key_is_made_of_the_salt_and_does_not_show_it():
    salt = "pepper-of-the-organisation-0123456789abcdef"
    content = json.loads(_rendered(salt=salt))
    assert len(content["audit_key"]) == 64
    assert salt not in json.dumps(content)
    assert json.loads(_rendered(salt=salt)) == content
    assert json.loads(_rendered(salt=salt + "x"))["audit_key"] != content["audit_key"]


def test_without_a_salt_there_is_no_audit_key():
    assert "audit_key" not in json.loads(_rendered())
