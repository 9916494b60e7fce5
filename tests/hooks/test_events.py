"""The list of events: complete, and what is made from it is current and accepts exactly what is written."""

import json
import subprocess
import sys

import jsonschema
import pytest

GROUPS = ("common", "sending", "resource")


@pytest.fixture
def lists(repository):
    return json.loads((repository / "hooks" / "events.json").read_text())


def rules(lists):
    groups = [*(lists[group] for group in GROUPS), *(event["attributes"] for event in lists["events"].values())]
    return [(name, rule) for group in groups for name, rule in group.items()]


def test_every_attribute_says_what_it_is_for_and_gives_an_example(lists):
    for name, rule in rules(lists):
        assert rule["about"], name
        assert rule["type"] in ("string", "enum", "number", "integer", "boolean", "list"), name
        if rule["type"] == "number":
            assert rule["unit"], name
        if rule["type"] in ("string", "list"):
            assert rule["characters"] in lists["characters"], name
            assert 0 < rule["max"] <= 64, name
            assert not set('/@ \\"') & set(lists["characters"][rule["characters"]]), name
        if rule["type"] == "enum":
            assert rule["values"], name
            assert rule["example"] in rule["values"], name


def test_every_event_says_when_and_by_whom(lists):
    assert all(event["about"] and event["emitter"] for event in lists["events"].values())


def test_one_name_means_one_thing(lists):
    """One column serves all events, so an attribute has the same type wherever it stands."""
    kinds = {}
    for name, rule in rules(lists):
        kind = rule["type"].replace("enum", "string")
        assert kinds.setdefault(name, kind) == kind, name


def test_no_name_of_the_frame_is_the_name_of_an_event(lists):
    """A writer finds one event's rules by looking for its name in the text of the list."""
    for name in ("characters", "common", *lists["events"]):
        text = json.dumps(lists)
        assert text.count(json.dumps(name) + ": {") == 1, name


def test_schemas_and_dictionary_are_made_from_this_list(repository):
    program = (
        "import sys; sys.path.insert(0, 'docs'); import generate_events\n"
        "print([str(p) for p, t in generate_events.generated_files().items() if not p.exists() or p.read_text() != t])\n"
        "print(generate_events.stale_files())"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n[]\n", ""), "run: make docs"


def example_record(lists, name):
    attributes = {**lists["common"], **lists["events"][name]["attributes"]}
    return {
        "v": 1,
        "id": "0" * 32,
        "ts": 1,
        "name": name,
        "attributes": {k: r["example"] for k, r in attributes.items()},
    }


def test_the_examples_are_valid_and_what_is_not_listed_is_not(repository, lists):
    for name in lists["events"]:
        schema = json.loads((repository / "src/skillway/schemas/events" / f"{name}.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        validator = jsonschema.Draft202012Validator(schema)
        record = example_record(lists, name)
        assert list(validator.iter_errors(record)) == []
        assert not validator.is_valid({**record, "prompt": "canary"})
        assert not validator.is_valid({**record, "attributes": {"prompt": "canary"}})
        assert not validator.is_valid({**record, "attributes": {"session.id": "a/b"}})


def test_what_the_writer_writes_of_the_examples_is_all_of_them(repository, lists, laptop):
    """The third reader of the list; a rule that only one of them understands shows here."""
    program = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import spool\n"
        "for record in json.load(sys.stdin):\n"
        "    print(spool.render_record(record['name'], record['attributes']).decode().strip())"
    )
    examples = [example_record(lists, name) for name in lists["events"]]
    argv = [sys.executable, "-I", "-S", "-c", program, str(laptop.plugin / "hooks")]
    done = subprocess.run(argv, input=json.dumps(examples), capture_output=True, text=True, check=True)
    written = [json.loads(line) for line in done.stdout.splitlines()]
    assert [record["attributes"] for record in written] == [record["attributes"] for record in examples]
    for record in written:
        schema = json.loads((repository / "src/skillway/schemas/events" / f"{record['name']}.json").read_text())
        jsonschema.validate(record, schema)
