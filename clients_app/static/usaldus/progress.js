// Keeps the figures of a running purge fresh. Without it, loading the page again does the same.
"use strict";
(function () {
  const box = document.querySelector("[data-progress]");
  if (!box) {
    return;
  }
  const bar = box.querySelector("progress");
  const text = box.querySelector(".progress-text");

  function look() {
    fetch(box.dataset.progress, { redirect: "manual", credentials: "same-origin" })
      .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("refused"))))
      .then((now) => {
        bar.max = now.total;
        bar.value = now.settled;
        text.textContent = now.text;
        if (now.status !== "approved") {
          window.location.reload();
          return;
        }
        window.setTimeout(look, 2000);
      })
      .catch(() => window.setTimeout(look, 10000));
  }

  window.setTimeout(look, 1000);
})();
