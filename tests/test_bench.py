"""The benchmark works: it fills, compares, measures and counts. How fast, it says by itself."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from tests.bench.chance import difference, rank_sum

ROOT = Path(__file__).resolve().parent.parent
TINY = ["--clients=3", "--notes=2", "--bytes=300", "--rounds=1", "--seconds=0.1", "--workers=1"]


def bench(
    *arguments: str, what: str = "s1", **environment: str
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tests.bench", what, *TINY, *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_measures_side_by_side_and_counts_the_trail(tmp_path: Path) -> None:
    # The suite's PostgreSQL forgoes durability; what is measured there is not looked at.
    written = tmp_path / "figures.json"
    done = bench("--undurable", "--only", "product", "stock", "floor", "--json", str(written))
    assert done.returncode == 0, done.stderr
    figures = json.loads(written.read_text())
    assert list(figures["contestants"]) == ["product", "stock", "floor"]
    assert all(contestant["answers"] > 3 for contestant in figures["contestants"].values())
    assert {goal["goal"] for goal in figures["goals"]} == {5.0, 1.8}
    assert "trail of Usaldus" in done.stdout


def test_the_trail_is_written_sealed_and_verified(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    done = bench("--undurable", "--events", "3000", "--json", str(written), what="s7")
    assert done.returncode == 0, done.stderr
    figures = json.loads(written.read_text())
    assert figures["verified"][-1]["events"] >= 3000
    assert all(rate > 0 for kind in figures["sealed"].values() for rate in kind)


def test_whoever_has_a_login_is_asked_for_beside_who_has_none(tmp_path: Path) -> None:
    written = tmp_path / "figures.json"
    few = ["--doors", "forgotten", "--tries", "5"]
    done = bench("--undurable", *few, "--json", str(written), what="n12")
    assert done.returncode == 0, done.stderr
    figures = json.loads(written.read_text())
    for run in ("careful", "control"):
        assert len(figures[run]) == 6
        assert {len(one["kind_ms"]) for one in figures[run]} == {5}


def test_what_is_no_chance_is_told_from_chance() -> None:
    draw = random.Random(7)
    one, same = ([draw.gauss(100, 10) for _ in range(200)] for _sample in range(2))
    slower = [value + 5 for value in same]
    assert rank_sum(one, same) > 0.01
    assert rank_sum(slower, one) < 0.01
    by, low, high = difference(slower, one)
    assert low < 5 < high
    assert 0 < low < by < high
    assert rank_sum([1.0] * 5, [1.0] * 5) == 1.0


def test_finds_out_a_contestant_that_answers_otherwise() -> None:
    done = bench("--undurable", "--only", "floor", "--falsify", "floor")
    assert done.returncode == 1
    assert "Klient 0, session 0" in done.stderr
    assert not done.stdout


def test_gives_no_figures_where_nothing_is_durable() -> None:
    done = bench(PGOPTIONS="-c synchronous_commit=off")
    assert done.returncode == 1
    assert "synchronous_commit" in done.stderr
    assert not done.stdout
