// demo.js - what a site does to have the chat: a queue, one script, and calls when it likes.
// ?site=NAME shows another channel, ?lang=ru another language than the browser's.
const query = new URLSearchParams(location.search);
const lang = query.get("lang") || navigator.language.slice(0, 2);

// The page is written in English; what has a Russian text brings it along.
if (lang === "ru") {
    document.documentElement.lang = "ru";
    for (const e of document.querySelectorAll("[data-ru]")) e.textContent = e.dataset.ru;
    for (const e of document.querySelectorAll("[data-ru-label]")) e.setAttribute("aria-label", e.dataset.ruLabel);
    for (const e of document.querySelectorAll("[data-ru-placeholder]")) e.placeholder = e.dataset.ruPlaceholder;
}
for (const a of document.querySelectorAll(".langs a")) {
    const other = new URLSearchParams(query);
    other.set("lang", a.lang);
    a.href = "?" + other;
    if (a.lang === document.documentElement.lang) a.setAttribute("aria-current", "true");
}

window.switchboard = window.switchboard || function () {
    (window.switchboard.q = window.switchboard.q || []).push(arguments);
};
const options = { site: query.get("site") || "site", locale: lang };
for (const key of ["color", "position", "consent", "consentUrl"]) if (query.get(key)) options[key] = query.get(key);
window.switchboard("start", options);

const script = document.createElement("script");
script.async = true;
script.src = "/widget.js?site=" + encodeURIComponent(options.site);
document.head.append(script);

document.getElementById("ask").addEventListener("click", () => window.switchboard("open"));
document.getElementById("login").addEventListener("submit", (e) => {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const user = {};
    for (const key of ["name", "email"]) if (form.get(key)) user[key] = String(form.get(key));
    window.switchboard("user", user);
    window.switchboard("open");
});
document.getElementById("forget").addEventListener("click", () => window.switchboard("reset"));
