"""The flusher, as its own process against receivers on loopback."""

USED = "skillway.skill.used"


def test_what_is_spooled_arrives_once_and_leaves_nothing(laptop, receiver):
    assert laptop.append(3) == 3
    ids = laptop.waiting()
    laptop.flush()
    assert sorted(receiver.uids()) == sorted(ids)
    assert laptop.waiting() == []
    assert [path.name for path in laptop.spool.iterdir()] == []
    figures = laptop.figures()
    assert (figures["failures"], figures["failure"], figures["dropped"]) == (0, "", {})
    laptop.flush()
    assert len(receiver.uids()) == 3
