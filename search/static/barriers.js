// Pages of classes and barriers: a form with several deeds goes where its pressed button says (data-to); what needs some
// boxes ticked (data-few) says so.
(function () {
  "use strict";
  // A link to something folded unfolds it.
  const unfold = () => {
    const wanted = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (wanted && wanted.tagName === "DETAILS") wanted.open = true;
  };
  window.addEventListener("hashchange", unfold);
  unfold();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-to]");
    if (!button) return;
    button.form.dataset.api = button.dataset.to;
    if (button.dataset.then) button.form.dataset.then = button.dataset.then;
    else delete button.form.dataset.then;
  });
  for (const form of document.querySelectorAll("form[data-few]")) {
    const few = Number(form.dataset.few);
    const update = () => {
      const chosen = [...form.elements].filter((each) => each.type === "checkbox" && each.checked).length;
      for (const button of form.querySelectorAll("button")) button.disabled = chosen < few;
    };
    document.addEventListener("change", update);
    window.addEventListener("pageshow", update);
    update();
  }
})();
