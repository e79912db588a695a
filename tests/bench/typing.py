"""How long after a key the new results stand on the page, in Chromium, from the key itself to the next painted frame.

    python -m tests.bench.typing kb-data                      # serves that library itself
    python -m tests.bench.typing kb-data --queries file.txt   # a question a line

Each question is typed a letter at a time. After every third key the hand rests until the answer to just what stands in
the box has been painted; that rest is what is measured: debounce, server, network, layout. The first question only
warms up.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from playwright.sync_api import sync_playwright

from kb import config
from kb.web import serve

QUESTIONS = (
    "孩子上学户口不在本地怎么报名", "房产证上加名字要还清贷款吗", "公司注销了社保还欠着转不走", "退休金一直没有到账",
    "老房子加装电梯邻居不同意", "外地生育津贴怎么报销", "营业执照地址异地变更办不下来", "小区业主大会备案一直不通过",
)
EVERY = 3  # keys between two measurements
#: Sets the clock when a key goes down in the box; stops it in the frame after the one in which the results changed.
WATCH = """() => {
  const results = document.getElementById("results");
  const box = document.querySelector("[name=q]");
  box.addEventListener("keydown", () => { window.typed = performance.now(); window.painted = null; }, true);
  box.addEventListener("input", () => { window.typed = performance.now(); window.painted = null; }, true);
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    const asked = results.querySelector("#report [name=q]") || results.querySelector(".grade");
    const same = asked && (asked.value === undefined || asked.value === box.value.trim());
    if (same) window.painted = performance.now() - window.typed;
  }, 0))).observe(results, { childList: true });
}"""

PAINTED = """() => new Promise((answer) => {
  const look = () => window.painted == null ? setTimeout(look, 5) : answer(window.painted);
  look();
})"""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    datasette = serve.make_datasette(config.load(folder))
    with serve._listen("127.0.0.1", 0) as listening:
        server = uvicorn.Server(uvicorn.Config(datasette.app(), log_level="warning", access_log=False, lifespan="on"))

        def run() -> None:
            async def whole() -> None:
                await datasette.invoke_startup()
                await server.serve(sockets=[listening])

            asyncio.run(whole())

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        while not server.started:
            thread.join(0.1)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


def measure(page: Any, address: str, questions: list[str], pause: int) -> list[float]:
    """Milliseconds from the last key to the painted answer, one for every rest of the hand."""
    found: list[float] = []
    for question in questions:
        page.goto(address)
        page.evaluate(WATCH)
        for at, letter in enumerate(question, 1):
            page.keyboard.type(letter)
            if at % EVERY and at < len(question):
                page.wait_for_timeout(pause)
                continue
            found.append(page.evaluate(PAINTED))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path)
    parser.add_argument("--queries", type=Path, help="a question a line")
    parser.add_argument("--pause", type=int, default=120, help="milliseconds between two keys")
    chosen = parser.parse_args()
    questions = chosen.queries.read_text(encoding="utf-8").split("\n") if chosen.queries else list(QUESTIONS)
    with serving(chosen.library) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1366, "height": 768})
        measure(page, address, questions[:1], chosen.pause)
        found = sorted(measure(page, address, [each for each in questions if each.strip()], chosen.pause))
        browser.close()
    late = found[min(len(found) - 1, int(len(found) * 0.95))]
    median = statistics.median(found)
    print(f"{len(found)} keystrokes: median {median:.0f} ms, p95 {late:.0f} ms, worst {found[-1]:.0f} ms")


if __name__ == "__main__":
    main()
