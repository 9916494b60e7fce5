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
