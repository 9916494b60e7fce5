"""`skillway promote` in a real repository: what it says, and what it never does."""


def test_skill_with_everything_is_eligible(proven):
    code, answer = proven.ask("promote", "support:sum-up")
    assert [one for one in answer["data"]["conditions"] if one["outcome"] != "pass"] == []
    assert (code, answer["data"]["verdict"]) == (0, "eligible")


def test_request_moves_history_and_evidence(proven):
    proven.run("promote", "support:sum-up", "--decide", "accept", "--by", "Ada Byron", "--reason", "Three teams asked")
    proven.commit("Record a decision")
    before = proven.git("rev-parse", "HEAD")
    done = proven.run("promote", "support:sum-up", "--request")
    assert done.returncode == 0, done.stderr
    print(done.stdout)
    assert proven.git("rev-parse", "HEAD") == before
    assert proven.git("status", "--porcelain", "--", ".", ":(exclude).skillway") == ""
    print(proven.git("show", "--stat", "promote/sum-up-to-developer-tools"))
    print((proven.root / ".skillway/promotion/sum-up-to-developer-tools.md").read_text())
    proven.git("merge", "--quiet", "promote/sum-up-to-developer-tools")
    code, answer = proven.ask("promote", "--check")
    print(answer)
    assert code == 0
    done = proven.run("promote", "sum-up")
    print(done.stdout, done.stderr)
    assert 0
