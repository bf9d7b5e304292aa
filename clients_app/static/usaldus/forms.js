// What is typed is not lost: a warning before leaving a page with unsaved text, a check of the
// length before sending, and a look whether one is still logged in. Nothing is stored anywhere.
"use strict";
(function () {
  const forms = document.querySelectorAll("form[data-keep]");
  const alive = document.documentElement.querySelector("meta[name=usaldus-alive]");

  function state(form) {
    return Array.from(form.elements)
      .filter((field) => field.name && field.name !== "csrfmiddlewaretoken")
      .map((field) => (field.type === "radio" || field.type === "checkbox" ? field.checked : field.value))
      .join("\u0000");
  }

  function tell(form, text) {
    let note = form.querySelector(".errornote.told-by-page");
    if (!note) {
      note = document.createElement("div");
      note.className = "errornote told-by-page";
      note.setAttribute("role", "alert");
      form.prepend(note);
    }
    note.textContent = text;
    note.scrollIntoView({ block: "center" });
  }

  function tooLong(area) {
    const longest = Number(area.dataset.longest);
    if (area.value.length * 3 <= longest) {
      return false;
    }
    return new TextEncoder().encode(area.value).length > longest;
  }

  forms.forEach((form) => {
    // A form that came back with an error holds text that is nowhere saved.
    const before = form.querySelector(".errornote") ? null : state(form);
    let leaving = false;
    let checked = false;

    window.addEventListener("beforeunload", (event) => {
      if (!leaving && state(form) !== before) {
        event.preventDefault();
      }
    });

    form.querySelectorAll("textarea[data-longest]").forEach((area) => {
      area.addEventListener("input", () => area.setCustomValidity(""));
    });

    form.addEventListener("submit", (event) => {
      for (const area of form.querySelectorAll("textarea[data-longest]")) {
        if (tooLong(area)) {
          event.preventDefault();
          tell(form, alive.dataset.tooLong);
          area.focus();
          return;
        }
      }
      if (checked || !alive) {
        leaving = true;
        return;
      }
      event.preventDefault();
      const button = event.submitter;
      fetch(alive.content, { redirect: "manual", credentials: "same-origin" })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error("logged out"))))
        .then((answer) => {
          form.elements.csrfmiddlewaretoken.value = answer.token;
          checked = true;
          form.requestSubmit(button);
          checked = false;
        })
        .catch(() => {
          tell(form, alive.dataset.loggedOut);
          const again = document.createElement("a");
          again.href = alive.dataset.login;
          again.target = "_blank";
          again.rel = "noopener";
          again.textContent = alive.dataset.logIn;
          form.querySelector(".told-by-page").append(" ", again);
        });
    });
  });
})();
