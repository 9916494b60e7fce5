"""Labels from people: in a real terminal, in a real browser's requests, and what a crash leaves of them."""

import http.client
import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from urllib.parse import urlencode, urlsplit

import pytest

from skillway_evals.label_page import LabelServer
from skillway_evals.labels import open_labels, rater_id

WHO = rater_id("Ada")


def two(_text, _name):
    return 2


def command(*words):
    return [sys.executable, "-m", "skillway", "eval", "label", *words]


def until(condition, seconds=60):
    """Wait for something that another process does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


class Terminal:
    """The command in a pseudo-terminal; `seen` is what a person has read so far."""

    def __init__(self, bench, *words):
        self.main, child = pty.openpty()
        self.process = subprocess.Popen(
            command(*words), cwd=bench.root, stdin=child, stdout=child, stderr=child, start_new_session=True
        )
        os.close(child)
        self.seen = ""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        try:
            while data := os.read(self.main, 4096):
                self.seen += data.decode(errors="replace")
        except OSError:
            return

    def type(self, text):
        os.write(self.main, f"{text}\n".encode())

    def end(self):
        code = self.process.wait(60)
        self.reader.join(5)
        os.close(self.main)
        return code


def test_terminal_keeps_each_answer_and_ctrl_c_loses_none(bench):
    terminal = Terminal(bench, "clarity", "--rater", "Ada")
    assert until(lambda: "1 of 220" in terminal.seen)
    terminal.type("2")
    assert until(lambda: "2 of 220" in terminal.seen), terminal.seen
    terminal.type("9")
    terminal.type("0")
    assert until(lambda: "3 of 220" in terminal.seen), terminal.seen
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 130
    assert [(label.rater, label.score) for label in bench.book().labels] == [(WHO, 2), (WHO, 0)]
    again = Terminal(bench, "clarity", "--rater", "ada")
    assert until(lambda: "3 of 220" in again.seen), again.seen
    again.type("q")
    assert again.end() == 0
    assert "2 texts" not in again.seen
    assert "218 questions are left" in again.seen


def test_terminal_shows_neither_names_nor_scores_nor_escapes(bench):
    texts = bench.folder / "calibration/texts.jsonl"
    texts.write_text(json.dumps({"id": "one", "text": "Good \x1b]0;owned\x07 text"}) + "\n")
    bench.rate("rater-other", ["one"], two)
    terminal = Terminal(bench, "clarity", "--rater", "Ada")
    assert until(lambda: "q to stop" in terminal.seen)
    terminal.type("q")
    assert terminal.end() == 0
    assert "\x1b]" not in terminal.seen
    assert "rater-other" not in terminal.seen


@pytest.mark.parametrize("extra", [(), ("--json",)])
def test_without_a_terminal_it_names_the_page(bench, extra):
    done = subprocess.run(
        command("clarity", "--rater", "Ada", *extra),
        cwd=bench.root,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "--page" in done.stdout + done.stderr


def fetch(server, method="GET", path=None, form=None, **headers):
    split = urlsplit(server.url)
    connection = http.client.HTTPConnection("127.0.0.1", split.port, timeout=10)
    body = urlencode(form) if form is not None else None
    connection.request(
        method, path or split.path, body, {"Content-Type": "application/x-www-form-urlencoded", **headers}
    )
    answer = connection.getresponse()
    return answer.status, answer.read().decode(), answer.headers


@pytest.fixture
def server(bench):
    with LabelServer(bench.book(), WHO) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def shown(page):
    return {name: re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("text", "criterion")}


def test_page_asks_one_question_and_keeps_the_answer(server, bench):
    status, page, headers = fetch(server)
    assert (status, "1 of 220" in page) == (200, True)
    assert "&lt;more&gt;" in page
    assert "<more>" not in page
    assert "script" not in page
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    status, _, headers = fetch(server, "POST", form={**shown(page), "score": 1})
    assert (status, headers["Location"]) == (303, urlsplit(server.url).path)
    (label,) = open_labels(bench.folder).labels
    assert (label.item, label.rater, label.score) == (shown(page)["text"], WHO, 1)
    assert "2 of 220" in fetch(server)[1]


@pytest.mark.parametrize("path", ["/", "/wrong/", "/../etc/passwd", "/%00/"])
def test_page_is_nothing_without_the_token(server, path):
    assert fetch(server, path=path)[0] == 404
    assert fetch(server, "POST", path=path, form={"score": 1})[0] == 404


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_page_refuses_other_names_and_origins(server, bench, headers):
    assert fetch(server, **headers)[0] == 404
    assert fetch(server, "POST", form={"text": "t1", "criterion": "clear", "score": 1}, **headers)[0] == 404
    assert not bench.labels.exists()


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"text": "t1", "criterion": "clear", "score": 9},
        {"text": "t1", "criterion": "clear", "score": "x"},
        {"text": "no such", "criterion": "clear", "score": 1},
        {"text": "t1", "criterion": "<script>", "score": 1},
        {"text": "t" * 9000, "criterion": "clear", "score": 1},
    ],
)
def test_page_keeps_no_answer_that_was_not_asked_for(server, bench, form):
    status, page, _ = fetch(server, "POST", form=form)
    assert status == 400
    assert "<script>" not in page
    assert not bench.labels.exists()


def test_page_ends_when_all_is_rated(bench):
    texts = bench.folder / "calibration/texts.jsonl"
    texts.write_text(json.dumps({"id": "one", "text": "The one text"}) + "\n")
    process = subprocess.Popen(
        command("clarity", "--rater", "Ada", "--page", "--json"),
        cwd=bench.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip

    class Served:
        url = re.search(r"http://\S+", process.stderr.readline())[0]

    for _ in range(2):
        page = fetch(Served)[1]
        assert fetch(Served, "POST", form={**shown(page), "score": 2})[0] == 303
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert json.loads(said)["data"]["open"] == 0
    assert len(bench.book().labels) == 2


def test_order_is_a_raters_own_and_the_same_each_time(bench):
    book = bench.book()
    first, second = ([one.text.id for one in book.questions(rater_id(name))] for name in ("Ada", "Grace"))
    assert first != second
    assert sorted(first) == sorted(second)
    assert first == [one.text.id for one in bench.book().questions(WHO)]


def test_names_are_kept_nowhere(bench):
    bench.book().add(WHO, "t1", "clear", 2)
    assert "ada" not in bench.labels.read_text().lower()
    assert rater_id(" ADA ") == WHO


def test_torn_label_costs_nothing_but_itself(bench):
    bench.book().add(WHO, "t1", "clear", 2)
    with bench.labels.open("a") as file:
        file.write('{"item": "t2", "dimen')
    torn = bench.book()
    assert (len(torn.labels), torn.unreadable) == (1, 1)
    torn.add(WHO, "t3", "clear", 1)
    again = bench.book()
    assert ([label.item for label in again.labels], again.unreadable) == (["t1", "t3"], 1)


def test_somebody_who_calls_himself_the_judge_is_no_rater(bench):
    bench.rate("judge", ["t1"], two)
    assert (bench.book().labels, bench.book().unreadable) == ([], 2)


@pytest.mark.parametrize(
    ("file", "content", "code", "message"),
    [
        ("calibration/texts.jsonl", "{", 5, "texts.jsonl:1"),
        ("calibration/texts.jsonl", '{"id": "a", "text": "x"}\n{"id": "a", "text": "y"}', 5, "texts.jsonl:2"),
        ("calibration/texts.jsonl", '{"id": 3, "text": "x"}', 5, "texts.jsonl:1"),
        ("calibration/texts.jsonl", "", 7, "has no text"),
        ("calibration/texts.jsonl", None, 7, "no texts to rate"),
        ("rubric.yaml", "criteria: [", 5, "rubric.yaml"),
        ("rubric.yaml", "criteria: []", 5, "no criterion"),
        ("rubric.yaml", "criteria: [{id: a, question: b, anchors: {5: x}}]", 5, "must be among 0, 1 and 2"),
        ("rubric.yaml", None, 5, "does not exist"),
        ("judge.yaml", None, 7, "There is no judge"),
    ],
)
def test_broken_judge_is_told(bench, file, content, code, message, ask):
    path = bench.folder / file
    path.unlink()
    if content is not None:
        path.write_text(content)
    got, answer = ask(bench, "label", "clarity", "--rater", "Ada", "--page")
    assert (got, message in answer["error"]["message"]) == (code, True)


@pytest.mark.parametrize("name", ["nobody", "../judges/clarity", "."])
def test_unknown_judge_is_not_found(bench, name, ask):
    assert ask(bench, "label", name, "--rater", "Ada", "--page")[0] == 7


def test_rater_without_a_name_is_a_usage_error(bench, ask):
    assert ask(bench, "label", "clarity", "--rater", "  ", "--page")[0] == 2
