import json
from pathlib import Path

import pytest

from skillway_sync.config import load_config
from skillway_sync.errors import EXIT_CONFIG, ConfigError


def config(tmp_path, **values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"store": "https://store.example", **values}))
    return load_config(path)


def test_smallest_configuration_is_a_store(tmp_path):
    loaded = config(tmp_path)
    assert (loaded.ring, loaded.teams, loaded.developer_tools) == ("broad", (), True)
    assert loaded.root_json == tmp_path / "root.json"


def test_byte_order_mark_of_a_windows_editor_is_tolerated(tmp_path):
    path = tmp_path / "config.json"
    path.write_bytes(b'\xef\xbb\xbf{"store": "file:///store/"}')
    assert load_config(path).store == "file:///store"


def test_unknown_keys_are_kept_to_be_reported(tmp_path):
    assert config(tmp_path, rings="typo").unknown_keys == ("rings",)


@pytest.mark.parametrize(
    "values",
    [
        {"store": "ftp://x"},
        {"store": "/no/scheme"},
        {"store": None},
        {"teams": "support"},
        {"teams": ["Bad Name"]},
        {"ring": "a/b"},
        {"developer_tools": "yes"},
        {"interpreter": "python3"},
        {"telemetry": []},
        {"telemetry": None},
        {"user": "ada"},
        {"users": []},
        {"root_json": 5},
    ],
)
def test_wrong_value_is_one_sentence_with_its_key(values, tmp_path):
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, **values)
    assert next(iter(values)) in caught.value.message
    assert caught.value.exit_code == EXIT_CONFIG
    assert caught.value.fix


@pytest.mark.parametrize("text", ["", "{", "[]", "\x00"])
def test_unreadable_configuration_names_the_file(text, tmp_path):
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=str(path)):
        load_config(path)


def test_missing_configuration_says_how_to_give_one(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_config(tmp_path / "none.json")
    assert "--config" in caught.value.fix


def test_folder_in_place_of_the_file_is_an_error(tmp_path):
    with pytest.raises(ConfigError):
        load_config(Path(tmp_path))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"endpoint": 5}, "telemetry.endpoint"),
        ({"endpoint": "otlp.example"}, "telemetry.endpoint"),
        ({"endpoint": "ftp://otlp.example"}, "telemetry.endpoint"),
        ({"endpoint": "https://"}, "telemetry.endpoint"),
        ({"endpoint": "https://["}, "telemetry.endpoint"),
        ({"endpoint": "https://a:99999999"}, "telemetry.endpoint"),
        ({"endpoint": "https://user:key@otlp.example"}, "telemetry.endpoint"),
        ({"endpoint": "https://otlp.example\r\nx: y"}, "telemetry.endpoint"),
        ({"headers": ["x"]}, "telemetry.headers"),
        ({"headers": {"x": 5}}, "telemetry.headers.x"),
        ({"headers": {"x": "key\ninjected: 1"}}, "telemetry.headers.x"),
        ({"headers": {"x": "\u00fc"}}, "telemetry.headers.x"),
        ({"headers": {"x y": "a"}}, "telemetry.headers"),
        ({"headers": {"": "a"}}, "telemetry.headers"),
        ({"key_id": "a b"}, "telemetry.key_id"),
        ({"salt": "short"}, "telemetry.salt"),
        ({"salt": 5}, "telemetry.salt"),
        ({"always": "yes"}, "telemetry.always"),
        ({"environment": ""}, "telemetry.environment"),
        ({"ca_file": "relative.pem"}, "telemetry.ca_file"),
        ({"native": True}, "telemetry.native"),
        ({"native": {"enabled": 1}}, "telemetry.native.enabled"),
        ({"native": {"protocol": "thrift"}}, "telemetry.native.protocol"),
        ({"native": {"endpoint": "x"}}, "telemetry.native.endpoint"),
        ({"native": {"headers": {"x": "a\n"}}}, "telemetry.native.headers.x"),
        ({"native": {"enabled": True, "headers": {"x": "a,b=c"}}}, "telemetry.native"),
    ],
)
def test_wrong_telemetry_value_names_its_key_and_shows_no_secret(values, key, tmp_path):
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, telemetry=values)
    assert key in caught.value.message
    assert "injected" not in caught.value.message
    assert caught.value.message.count("\n") == 0


@pytest.mark.parametrize("person", [5, {"id": ""}, {"id": 5}, {"team": "Bad Team"}, {"team": []}])
def test_wrong_person_names_the_key(person, tmp_path):
    for values, key in (({"user": person}, "user"), ({"users": {"ada": person}}, "users.ada")):
        with pytest.raises(ConfigError) as caught:
            config(tmp_path, **values)
        assert key in caught.value.message


def test_unknown_keys_of_telemetry_are_told_with_their_place(tmp_path):
    loaded = config(tmp_path, telemetry={"endpont": "x", "native": {"on": 1}}, users={"ada": {"name": "x"}})
    assert loaded.unknown_keys == ("telemetry.endpont", "telemetry.native.on", "users.ada.name")


def test_secrets_do_not_stand_in_what_an_error_log_would_print(tmp_path):
    loaded = config(tmp_path, telemetry={"salt": "s" * 32, "headers": {"x": "hidden"}}, user={"id": "ada@example.com"})
    assert not any(secret in repr(loaded) for secret in ("s" * 32, "hidden", "ada@"))
