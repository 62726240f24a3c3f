// main.jsx - where the page begins: builds the store and the desk, ties them to the browser's own
// events (address, network, visibility) and draws.
import { render } from "preact";
import { useMemo, useState } from "preact/hooks";
import { I18n, preferredLanguage } from "../shared/i18n.mjs";
import { api } from "./api.mjs";
import { App } from "./app.jsx";
import { Context } from "./context.jsx";
import { Desk } from "./desk.mjs";
import "./css/base.css";
import "./css/parts.css";
import "./css/gate.css";
import "./css/frame.css";
import "./css/list.css";
import "./css/thread.css";
import "./css/kinds.css";
import "./css/actions.css";
import "./css/composer.css";
import "./css/mail.css";
import "./css/panel.css";
import "./css/desk.css";
import { paint } from "./preferences.mjs";
import { parseRoute, signInOutcome } from "./routes.mjs";
import { storage } from "./storage.mjs";
import { createStore } from "./store.mjs";
import { en } from "./strings_en.mjs";

// Once a frame; a page in the background has no frames, but must go on.
function soon(fn) {
    let done = false;
    const run = () => {
        if (done) return;
        done = true;
        fn();
    };
    requestAnimationFrame(run);
    setTimeout(run, 100);
}

const store = createStore(soon);
const scheme = location.protocol === "https:" ? "wss://" : "ws://";
const desk = new Desk({ store, api, storage, url: scheme + location.host + "/ws/agent" });

// English is in the bundle; Russian comes when it is wanted. Without it the page speaks English.
async function loadWords(lang) {
    if (lang === "en") return en;
    try {
        const answer = await fetch(`/assets/words.${lang}.json`, { signal: AbortSignal.timeout(8000) });
        return answer.ok ? await answer.json() : null;
    } catch {
        return null;
    }
}

async function speak(lang) {
    const words = await loadWords(lang);
    return new I18n(words ? lang : "en", words ?? en, en);
}

function Root({ first }) {
    const [i18n, setI18n] = useState(first);
    const value = useMemo(() => {
        document.documentElement.lang = i18n.lang;
        return {
            store,
            desk,
            i18n,
            async setLang(chosen) {
                storage.setLang(chosen);
                setI18n(await speak(chosen));
            },
        };
    }, [i18n]);
    return <Context.Provider value={value}><App /></Context.Provider>;
}

function onAddress() {
    desk.show(parseRoute(location.hash, store.db.route));
}

const back = signInOutcome(location);
if (back.outcome) history.replaceState(null, "", back.address);
if (back.outcome === "ok") storage.setKnown(true);
else desk.refusal = back.outcome;

store.dispatch({ type: "route", route: parseRoute(location.hash) });
addEventListener("hashchange", onAddress);
addEventListener("online", () => desk.connection.wake());
addEventListener("pageshow", () => desk.connection.wake());
document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") desk.connection.wake();
    else desk.leave();
});
addEventListener("pagehide", () => desk.leave());
globalThis.onbeforeunload = () => store.db.outbox[0]; // what is not sent is lost with its tab: the browser asks
paint(storage.theme());
desk.boot();
speak(preferredLanguage(storage.lang(), navigator.languages)).then(
    (first) => render(<Root first={first} />, document.getElementById("root")));
