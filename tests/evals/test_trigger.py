"""The trigger detector, on the whole corpus."""

import json
from pathlib import Path

import pytest

from skillway_evals.agent.transcript import Transcript
from skillway_evals.agent.trigger import detect_trigger

CORPUS = Path(__file__).resolve().parent / "transcripts"
LABELS = json.loads((CORPUS / "labels.json").read_text())


def read(name):
    return Transcript.decode((CORPUS / f"{name}.jsonl").read_text())


@pytest.mark.parametrize("name", sorted(LABELS))
def test_detector_is_right(name):
    detection = detect_trigger(read(name), "probe:alpha")
    assert detection.fired is LABELS[name]["fired"], f"{LABELS[name]['remark']}: {detection.reason}"


def test_corpus_is_large_and_holds_every_outcome_of_both_real_clients():
    assert len(LABELS) >= 40
    assert {label["fired"] for label in LABELS.values()} == {True, False, None}
    versions = {read(name).version for name in LABELS if not name.startswith("by-hand")}
    assert len(versions) == 2
    assert {path.stem for path in CORPUS.glob("*.jsonl")} == set(LABELS)


def test_other_skills_are_named():
    detection = detect_trigger(read("other-skill-only-newest"), "probe:alpha")
    assert detection.others == ("probe:beta",)
    assert "loaded probe:beta instead" in detection.reason


def test_detection_says_how_many_tools_came_first():
    assert detect_trigger(read("many-tools-first-pinned"), "probe:alpha").call == 6


def test_subagent_call_is_told_apart():
    assert "in a subagent" in detect_trigger(read("subagent-newest"), "probe:alpha").reason


def test_what_is_kept_of_a_transcript_is_detected_alike():
    for name in LABELS:
        transcript = read(name)
        kept = Transcript(json.loads(json.dumps(transcript.kept())))
        assert detect_trigger(kept, "probe:alpha") == detect_trigger(transcript, "probe:alpha"), name
