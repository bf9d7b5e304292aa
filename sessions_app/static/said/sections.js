// Shows the sections of the chosen note format. A section with text in it is never folded away.
"use strict";
(function () {
  document.querySelectorAll("form[data-sections]").forEach((form) => {
    function fold() {
      const chosen = form.querySelector("input[name=format]:checked");
      form.querySelectorAll("[data-formats]").forEach((section) => {
        const belongs = chosen && section.dataset.formats.split(" ").includes(chosen.value);
        const area = section.querySelector("textarea");
        const kept = area.value.trim() !== "" || section.querySelector(".meanwhile");
        section.hidden = !belongs && !kept;
        section.classList.toggle("stray", !belongs && !section.hidden);
      });
    }
    form.querySelectorAll("input[name=format]").forEach((choice) => {
      choice.addEventListener("change", fold);
    });
    fold();
  });
})();
