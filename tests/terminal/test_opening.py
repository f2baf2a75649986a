"""The first screen does not wait for the world, and never says anything that the world did not."""

from pathlib import Path
from threading import Event

import pytest

from pagefault_lab.problem import Problem
from pagefault_lab.terminal.banner import HELP, TITLE, TO_TRY, TOUR, banner
from pagefault_lab.terminal.opening import Glimpse, Opening
from pagefault_lab.terminal.toolbar import toolbar
from pagefault_lab.worlds import WORLDS


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "pagefault-lab"


def test_a_glimpse_is_what_the_session_says() -> None:
    first = Opening("bare")
    assert first.ready
    again = Opening("bare")
    assert not again.ready
    assert again.glimpse == first.glimpse == Glimpse.of(again.session)


def test_the_session_opens_in_the_background() -> None:
    Opening("bare")
    opening = Opening("bare")
    done = Event()
    opening.start(done.set)
    assert done.wait(60)
    assert opening.ready
    assert opening.session is opening.session


@pytest.mark.parametrize("content", [b"", b"bare\n", b"\xff\xfe", b"a\nb\nc\nd\ne\nf\ng\nh\n", b"1\n" * 20])
def test_a_damaged_glimpse_is_none(cache: Path, content: bytes) -> None:
    truth = Opening("bare").glimpse
    (file,) = cache.glob("bare.*.glimpse")
    file.write_bytes(content)
    assert Opening("bare").glimpse == truth


def test_a_glimpse_that_was_wrong_is_corrected(cache: Path) -> None:
    truth = Opening("bare").glimpse
    (file,) = cache.glob("bare.*.glimpse")
    file.write_text("\n".join(map(str, truth._replace(eip=1))) + "\n")
    opening = Opening("bare")
    assert opening.glimpse.eip == 1
    assert opening.session
    assert opening.glimpse == truth
    assert Opening("bare").glimpse == truth


def test_without_a_folder_for_it_there_is_no_glimpse_and_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert Opening("bare").glimpse.world == "bare"


def test_an_unknown_world_is_a_problem() -> None:
    with pytest.raises(Problem, match="there is no world mars"):
        Opening("mars")


@pytest.mark.parametrize("world", WORLDS)
def test_the_first_screen_fits_and_what_it_offers_works(world: str) -> None:
    opening = Opening(world)
    screen = [TITLE, *banner(opening.glimpse).splitlines(), opening.glimpse.prompt]
    assert len(screen) <= 22
    assert max(map(len, screen)) <= 80
    assert all(line.isascii() for line in screen)
    assert HELP in banner(opening.glimpse)
    assert TOUR in banner(opening.glimpse)
    assert len(TO_TRY[world]) == 3
    for line, _ in TO_TRY[world]:
        fresh = Opening(world).session
        assert list(fresh.execute(line))


@pytest.mark.parametrize("width", [1, 10, 40, 79, 80, 200])
def test_the_toolbar_never_wraps(width: int) -> None:
    assert len(toolbar(Opening("bare").glimpse, width)) <= max(width, 0)
