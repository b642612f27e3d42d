// Asks again for what is live while somebody looks, keeps what was last known when nobody answers, and the theme.
"use strict";
(() => {
  const answered = new WeakMap();

  function poll(element) {
    const every = Number(element.dataset.poll);
    answered.set(element, Date.now());
    let underway = false;
    setInterval(() => {
      const edited = element.querySelector("dialog[open]");
      if (document.hidden || underway || edited) return;
      htmx.trigger(element, "refresh");
    }, every);
    element.addEventListener("htmx:before:request", () => { underway = true; });
    element.addEventListener("htmx:finally:request", () => { underway = false; mark(element); });
    element.addEventListener("htmx:after:swap", () => { answered.set(element, Date.now()); mark(element); });
  }

  function mark(element) {
    const seconds = Math.round((Date.now() - answered.get(element)) / 1000);
    const stale = seconds * 1000 > 3 * Number(element.dataset.poll);
    element.classList.toggle("is-stale", stale);
    const note = element.querySelector(".stale");
    if (note) {
      note.hidden = !stale;
      note.querySelector("[data-since]").textContent = `${seconds} s`;
    }
  }

  function theme() {
    const root = document.documentElement;
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    document.cookie = `sfbridge-theme=${root.dataset.theme}; path=/console; max-age=31536000; SameSite=Strict`;
    document.dispatchEvent(new CustomEvent("themechange"));
  }

  function faults(form) {  // what is typed in is never taken from under somebody's hands: only its faults change
    form.querySelectorAll("input[id], select[id]").forEach((field) => {
      const wrong = document.getElementById(`${field.id}-error`) !== null;
      const help = `${field.id}-help`;
      if (!document.getElementById(help)) return;
      field.toggleAttribute("aria-invalid", wrong);
      if (wrong) { field.setAttribute("aria-invalid", "true"); field.closest("details")?.setAttribute("open", ""); }
      field.setAttribute("aria-describedby", wrong ? `${help} ${field.id}-error` : help);
    });
  }

  function encode(upload) {  // a file's content, as base64, is what the field beside it holds
    const [file] = upload.files, note = upload.parentElement.querySelector("[role=status]");
    const field = document.getElementById(upload.dataset.encodes), most = Number(upload.dataset.most);
    if (!file) return;
    if (file.size > most) {
      note.textContent = `${file.name} has ${file.size} bytes; up to ${most} are taken.`;
      upload.value = "";
      return;
    }
    const reader = new FileReader();
    reader.addEventListener("load", () => {
      field.type = "password";
      field.value = `data:text/plain;base64,${reader.result.split(",")[1] ?? ""}`;
      upload.value = "";
      field.dispatchEvent(new Event("change", { bubbles: true }));
      note.textContent = `${file.name} is taken.`;
    });
    reader.addEventListener("error", () => { note.textContent = `${file.name} cannot be read.`; });
    reader.readAsDataURL(file);
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.addEventListener("htmx:after:swap", (event) => {
      const form = document.querySelector("[data-judged]");
      if (form && form.contains(event.target)) faults(form);
    });
    document.querySelectorAll("[data-poll]").forEach(poll);
    document.addEventListener("change", (event) => {
      if (event.target.dataset.encodes) { event.stopPropagation(); encode(event.target); return; }
      const form = event.target.closest("[data-judged]");
      const touched = form && form.querySelector("[data-touched]");
      if (touched && event.target.name) touched.value = `${touched.value} ${event.target.name.replace(/^c\./, "")}`.trim();
      const into = event.target.dataset.reads;
      if (into && event.target.files[0]) event.target.files[0].text().then((text) => { document.getElementById(into).value = text; });
    }, true);
    document.addEventListener("click", (event) => {
      if (event.target.closest("[data-theme-switch]")) theme();
      const closer = event.target.closest("[data-closes]");
      if (closer && closer.form.checkValidity()) setTimeout(() => closer.closest("dialog").close(), 0);
    });
  });
})();
