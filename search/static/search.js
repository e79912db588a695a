// Results refresh while someone types. Without this file the page works by its button.
(function () {
  "use strict";
  const form = document.querySelector("form.searchbox");
  const results = document.getElementById("results");
  const box = form.elements.q;
  const welcome = results.innerHTML;
  const welcomed = box.value.trim() === "";
  let shown = question().toString();
  let timer = 0;
  let running = null;

  function question() {
    return new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
  }

  async function refresh() {
    const asked = question();
    if (asked.toString() === shown) return;
    shown = asked.toString();
    if (running) running.abort();
    if (!asked.has("q")) {
      if (welcomed) results.innerHTML = welcome;
      history.replaceState(null, "", form.action);
      return;
    }
    running = new AbortController();
    try {
      const answer = await fetch(form.dataset.results + "?" + asked, { signal: running.signal });
      if (!answer.ok) return form.submit();
      const text = await answer.text();
      if (asked.toString() !== shown) return;
      results.innerHTML = text;
      history.replaceState(null, "", "?" + asked);
      document.title = box.value.trim();
    } catch (error) {
      if (error.name !== "AbortError") shown = "";
    }
  }

  function soon(wait) {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }

  // While Chinese is being composed the box holds pinyin: wait for the words.
  box.addEventListener("input", (event) => { if (!event.isComposing) soon(180); });
  box.addEventListener("compositionend", () => soon(120));
  form.addEventListener("change", (event) => { if (event.target !== box) soon(0); });
  form.addEventListener("submit", (event) => { event.preventDefault(); soon(0); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
      event.preventDefault();
      box.focus();
      box.select();
    }
  });
  if (box.value) box.setSelectionRange(box.value.length, box.value.length);
})();
