// Passkeys: the page carries what to ask, the browser asks, the answer goes back with the form.
"use strict";
(function () {
  if (!window.PublicKeyCredential || !navigator.credentials) {
    return;
  }

  function bytes(text) {
    const plain = window.atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }

  function text(buffer) {
    const plain = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
    return window.btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function known(list) {
    return (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  }

  function asked(options) {
    const wanted = { ...options.publicKey, challenge: bytes(options.publicKey.challenge) };
    if (wanted.user) {
      wanted.user = { ...wanted.user, id: bytes(wanted.user.id) };
      wanted.excludeCredentials = known(wanted.excludeCredentials);
    } else {
      wanted.allowCredentials = known(wanted.allowCredentials);
    }
    return { publicKey: wanted };
  }

  function answered(credential) {
    const response = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) {
        response[name] = text(credential.response[name]);
      }
    }
    return JSON.stringify({
      id: credential.id,
      rawId: text(credential.rawId),
      type: credential.type,
      response: response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  }

  document.querySelectorAll("[data-needs-passkeys]").forEach((part) => {
    part.hidden = false;
  });
  document.querySelectorAll("button[data-passkey]").forEach((button) => {
    const form = button.form;
    button.hidden = false;
    button.addEventListener("click", () => {
      const named = form.elements.name;
      if (named && !named.reportValidity()) {
        return;
      }
      navigator.credentials[button.dataset.passkey](asked(JSON.parse(button.dataset.options)))
        .then((credential) => {
          form.elements[button.dataset.field].value = answered(credential);
          form.submit();
        })
        .catch(() => {
          let note = form.querySelector(".errornote.told-by-page");
          if (!note) {
            note = document.createElement("div");
            note.className = "errornote told-by-page";
            note.setAttribute("role", "alert");
            form.prepend(note);
          }
          note.textContent = button.dataset.failed;
        });
    });
  });
})();
