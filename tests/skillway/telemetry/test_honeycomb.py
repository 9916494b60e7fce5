"""Boards come into an environment once, are changed where they differ, and the Terraform files say the same.

The mock has the API's documented shapes and refuses what the API refuses: unknown columns, unknown ids, wrong tags.
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import hcl2
import pytest

KEY = "hcxik_test"
BOARDS = "sync/deploy/honeycomb/boards.json"
OPERATORS = {"COUNT", "COUNT_DISTINCT", "P50", "P95", "MAX", "SUM", "HEATMAP"}


class Mock:
    """An environment; `posts` counts what was written, `fault` may answer in its place."""

    def __init__(self):
        self.datasets, self.columns, self.derived, self.queries, self.notes, self.boards = {}, {}, {}, {}, {}, {}
        self.writes, self.fault, self.url = [], None, ""

    def answer(self, method, path, key, body):
        if self.fault and (fault := self.fault(method, path)):
            return fault
        if key != KEY:
            return 401, {"error": "unknown API key - check your credentials"}
        if method != "GET":
            self.writes.append((method, path))
        kind, *rest = path.removeprefix("/1/").split("/")
        return getattr(self, f"_{kind}")(method, rest, body)

    def _datasets(self, method, rest, body):
        if method == "POST":
            self.datasets[body["name"]] = body
            return 201, {"slug": body["name"], **body}
        return (200, self.datasets[rest[0]]) if rest[0] in self.datasets else (404, {"error": "Dataset not found"})

    def _columns(self, method, _rest, body):
        if method == "GET":
            return 200, list(self.columns.values())
        assert body["type"] in ("string", "float", "integer", "boolean")
        self.columns[body["key_name"]] = {"id": f"c{len(self.columns)}", **body}
        return 201, self.columns[body["key_name"]]

    def _derived_columns(self, method, rest, body):
        if method == "GET":
            return 200, list(self.derived.values())
        unknown = set(re.findall(r"\$([\w.]+)", body["expression"])) - set(self.columns)
        if unknown:
            return 422, {"error": f"unknown columns {unknown}"}
        self.derived[body["alias"]] = {"id": rest[1] if len(rest) > 1 else f"d{len(self.derived)}", **body}
        return 201, self.derived[body["alias"]]

    def _queries(self, _method, _rest, body):
        named = [
            x["column"] for part in ("calculations", "filters", "orders") for x in body.get(part, []) if "column" in x
        ]
        unknown = {*named, *body.get("breakdowns", [])} - set(self.columns) - set(self.derived)
        if unknown or not {x["op"] for x in body["calculations"]} <= OPERATORS:
            return 422, {"error": f"unknown columns {unknown}"}
        span = body["time_range"]
        if "granularity" in body and not span / 1000 <= body["granularity"] <= span / 10:
            return 422, {"error": "granularity out of range"}
        self.queries[f"q{len(self.queries)}"] = body
        return 200, {"id": f"q{len(self.queries) - 1}", **body}

    def _query_annotations(self, _method, _rest, body):
        if body["query_id"] not in self.queries or not 1 <= len(body["name"]) <= 320:
            return 422, {"error": "unknown query"}
        self.notes[f"n{len(self.notes)}"] = body
        return 201, {"id": f"n{len(self.notes) - 1}", **body}

    def _boards(self, method, rest, body):
        if method == "GET":
            return 200, list(self.boards.values())
        assert body["type"] == "flexible"
        for tag in body["tags"]:
            assert re.fullmatch(r"[a-z]{1,32}", tag["key"])
            assert re.fullmatch(r"[a-z][a-z0-9/-]{0,127}", tag["value"])
        for panel in body["panels"]:
            assert panel["position"]["width"] + panel["position"]["x_coordinate"] <= 12
            if panel["type"] == "query":
                shown = panel["query_panel"]
                if self.notes[shown["query_annotation_id"]]["query_id"] != shown["query_id"]:
                    return 422, {"error": "annotation of another query"}
        name = rest[0] if rest else f"b{len(self.boards)}"
        if rest and name not in self.boards:
            return 404, {"error": "no such board"}
        self.boards[name] = {**body, "id": name}
        return 200 if rest else 201, self.boards[name]


@pytest.fixture
def environment():
    """A Honeycomb environment on loopback."""
    mock = Mock()

    class Handler(BaseHTTPRequestHandler):
        def _do(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            status, answer = mock.answer(self.command, self.path, self.headers.get("X-Honeycomb-Team"), body)
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - the base class's names

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    mock.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield mock
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def apply(skillway, environment):
    def run(*arguments, key=KEY):
        return skillway("usage", "honeycomb", "apply", "--api", environment.url, *arguments, HONEYCOMB_API_KEY=key)

    return run


def test_everything_is_made_once_and_then_left(apply, environment):
    first = apply("--json")
    assert first.returncode == 0, first.stdout
    assert {change["what"] for change in json.loads(first.stdout)["data"]["changes"]} == {"created"}
    assert {board["name"] for board in environment.boards.values()} == {"skillway: skills", "skillway: guard and fleet"}
    before = len(environment.writes)
    again = apply()
    assert again.returncode == 0
    assert "0 created, 0 changed" in again.stdout
    assert len(environment.writes) == before


def test_dry_run_writes_nothing_and_names_what_it_would_do(apply, environment):
    done = apply("--dry-run")
    assert done.returncode == 0
    assert "created    board skillway: skills" in done.stdout
    assert environment.writes == []


def test_changed_query_and_column_are_put_right_in_the_same_board(apply, environment, repository, tmp_path):
    apply()
    content = json.loads((repository / BOARDS).read_text())
    content["queries"]["hook_denials"]["query"]["limit"] = 7
    content["derived_columns"][0]["expression"] = "COALESCE($skill.name, $plugin.name)"
    (tmp_path / "boards.json").write_text(json.dumps(content))
    done = json.loads(apply("--boards", tmp_path / "boards.json", "--json").stdout)
    changed = [(each["kind"], each["name"]) for each in done["data"]["changes"] if each["what"] == "changed"]
    assert changed == [("derived column", "dc.skill"), ("board", "skillway: guard and fleet")]
    assert len(environment.boards) == 2
    assert environment.derived["dc.skill"]["expression"] == "COALESCE($skill.name, $plugin.name)"


def test_panel_that_somebody_took_off_comes_back_and_other_boards_stay(apply, environment):
    environment.boards["mine"] = {"id": "mine", "name": "skillway: skills", "panels": [], "tags": []}
    apply()
    ours = next(board for board in environment.boards.values() if board["tags"])
    ours["panels"] = ours["panels"][:1]
    assert "1 changed" in apply().stdout
    assert environment.boards["mine"]["panels"] == []


def test_interrupted_apply_is_finished_by_the_next(apply, environment):
    environment.fault = lambda method, path: (500, {"error": "no"}) if (method, path) == ("POST", "/1/boards") else None
    assert apply().returncode == 1
    environment.fault = None
    assert apply().returncode == 0
    assert len(environment.boards) == 2


@pytest.mark.parametrize(("status", "code"), [(401, 4), (403, 4), (422, 1), (500, 1), (404, 7)])
def test_refusal_ends_with_its_exit_code_and_what_the_api_said(apply, environment, status, code):
    environment.fault = lambda method, _: (status, {"error": "said so"}) if method == "POST" else None
    done = apply()
    assert done.returncode == code
    assert "said so" in done.stderr
    assert KEY not in done.stderr


@pytest.mark.parametrize("body", [b"", b"<html>", b"[" * 100_000, b"[]", b"5"])
def test_answer_that_is_not_the_apis_is_one_sentence(apply, environment, body):
    environment.fault = lambda *_: (200, body)
    done = apply()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "did not expect" not in done.stderr


@pytest.mark.parametrize("key", ["", "   ", "a\nb", "schlüssel"])
def test_missing_or_impossible_key_is_told_before_anything_is_asked(apply, environment, key):
    done = apply(key=key)
    assert done.returncode == 4
    assert "HONEYCOMB_API_KEY" in done.stderr
    assert environment.writes == []


@pytest.mark.parametrize("api", ["http://example.com", "ftp://x", "x", "https://["])
def test_address_that_would_show_the_key_is_refused(skillway, api):
    done = skillway("usage", "honeycomb", "apply", "--api", api, HONEYCOMB_API_KEY=KEY)
    assert done.returncode == 1
    assert "did not expect" not in done.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"schema": 2}', "[" * 100_000])
def test_boards_file_that_cannot_be_used_is_named(apply, tmp_path, text):
    path = tmp_path / "boards.json"
    path.write_text(text)
    done = apply("--boards", path)
    assert done.returncode == 1
    assert str(path) in done.stderr


# --- Terraform ------------------------------------------------------------------------------------------------------


def read(repository, name):
    """A Terraform file as from (type, name) to body, with quotes and marks of the parser taken off."""
    loaded = hcl2.loads((repository / "sync/deploy/honeycomb" / name).read_text())

    def plain(value):
        if isinstance(value, str):
            return json.loads(value) if value.startswith('"') else value
        if isinstance(value, list):
            return [plain(each) for each in value]
        if isinstance(value, dict):
            return {plain(key): plain(each) for key, each in value.items() if key != "__is_block__"}
        return value

    return {
        (kind, title): body
        for section in ("data", "resource")
        for block in plain(loaded.get(section, []))
        for kind, titled in block.items()
        for title, body in titled.items()
    }


@pytest.fixture
def boards(repository):
    return json.loads((repository / BOARDS).read_text())


def spoken(value):
    """A filter's value as the provider takes it: text, lists joined by commas."""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else value


def test_terraform_asks_the_same_queries(repository, boards):
    found = read(repository, "queries.tf")
    for name, wanted in boards["queries"].items():
        query, body = wanted["query"], found["honeycombio_query_specification", name]
        assert body["calculation"] == query["calculations"]
        assert body["filter"] == [{**each, "value": spoken(each["value"])} for each in query["filters"]]
        assert body.get("order", []) == query.get("orders", [])
        for key in ("time_range", "granularity", "breakdowns", "limit"):
            assert body.get(key) == query.get(key)
        note = found["honeycombio_query_annotation", name]
        assert (note["name"], note["description"]) == (wanted["name"], wanted["description"])
        assert note["query_id"] == f"${{honeycombio_query.{name}.id}}"
    assert sum(kind == "honeycombio_query" for kind, _ in found) == len(boards["queries"])


def test_terraform_shows_the_same_boards(repository, boards):
    found = read(repository, "boards.tf")
    assert {name for _, name in found} == set(boards["boards"])
    for name, wanted in boards["boards"].items():
        body = found["honeycombio_flexible_board", name]
        assert (body["name"], body["description"]) == (wanted["name"], wanted["description"])
        assert [panel["position"][0] for panel in body["panel"]] == [panel["position"] for panel in wanted["panels"]]
        for panel, asked in zip(body["panel"], wanted["panels"], strict=True):
            if "text" in asked:
                assert panel["text_panel"] == [{"content": asked["text"]}]
            else:
                (shown,) = panel["query_panel"]
                assert shown["query_id"] == f"${{honeycombio_query.{asked['query']}.id}}"
                assert shown["query_style"] == asked["style"]


def test_terraform_has_the_same_columns_and_a_key_that_can_only_ingest(repository, boards):
    found = read(repository, "main.tf")
    derived = [body for (kind, _), body in found.items() if kind == "honeycombio_derived_column"]
    assert [{key: body[key] for key in ("alias", "expression", "description")} for body in derived] == boards[
        "derived_columns"
    ]
    columns = hcl2.loads((repository / "sync/deploy/honeycomb/main.tf").read_text())["locals"][0]["columns"]
    plain = {key.strip('"'): value.strip('"') for key, value in columns.items() if key != "__is_block__"}
    assert plain == {each["key_name"]: each["type"] for each in boards["columns"]}
    key = found["honeycombio_api_key", "ingest"]
    assert (key["type"], key["permissions"]) == ("ingest", [{"create_datasets": "false"}]) or key["permissions"] == [
        {"create_datasets": False}
    ]
