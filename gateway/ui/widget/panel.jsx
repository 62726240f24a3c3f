// panel.jsx - the chat's panel, inside the frame: begins when the framing page says so.
import { render } from "preact";
import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { Bridge } from "./bridge.mjs";
import { Chat } from "./chat.mjs";
import { Panel } from "./view.jsx";
import { strings } from "./strings.mjs";
import "./panel.css";

const speak = (lang) => (strings[lang] ? new I18n(lang, strings[lang], strings.en) : new I18n("en", strings.en));

let i18n = speak("en");

// White or black, whichever is easier to read on the colour (WCAG's relative luminance).
function inkOn(color) {
    const part = (i) => {
        const c = parseInt(color.slice(i, i + 2), 16) / 255;
        return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    };
    const light = 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
    return 1.05 / (light + 0.05) >= 4.5 ? "#ffffff" : "#101828";
}

function paint(color) {
    if (!/^#[0-9a-f]{6}$/i.test(color ?? "")) return;
    document.documentElement.style.setProperty("--accent", color);
    document.documentElement.style.setProperty("--on-accent", inkOn(color));
}

const handlers = {
    start(data) {
        i18n = speak(data.lang);
        document.documentElement.lang = i18n.lang;
        paint(data.options.color);
        document.title = data.options.title || i18n.t("title");
        chat.start(data);
    },
    open(page) {
        chat.page = page;
        chat.setOpen(true);
    },
    close: () => chat.setOpen(false),
    user: (user) => chat.setUser(user),
    reset: () => chat.reset(),
};

const bridge = new Bridge(handlers);
const chat = new Chat(bridge);

function App() {
    const [, redraw] = useReducer((n) => n + 1, 0);
    // At once: after the next painting some of it would have happened unseen.
    useLayoutEffect(() => chat.subscribe(redraw), []);
    useEffect(() => {
        const onKey = (e) => e.key === "Escape" && !bridge.alone && bridge.say("close");
        addEventListener("keydown", onKey);
        return () => removeEventListener("keydown", onKey);
    }, []);
    return <Panel chat={chat} i18n={i18n} onClose={bridge.alone ? null : () => bridge.say("close")} />;
}

render(<App />, document.getElementById("root"));
