// panel.jsx - the chat's panel, inside the frame: begins when the framing page says so.
import { render } from "preact";
import { useEffect, useLayoutEffect, useReducer } from "preact/hooks";
import { asInk, inkOn, isColor } from "../shared/contrast.mjs";
import { I18n } from "../shared/i18n.mjs";
import { Bridge } from "./bridge.mjs";
import { Chat } from "./chat.mjs";
import { looksOf, optionsOf } from "./looks.mjs";
import { ring } from "../shared/sound.mjs";
import { Panel } from "./view.jsx";
import { strings } from "./strings.mjs";
import "./panel.css";

let looks = looksOf(document);
let i18n = new I18n("en", strings.en);
let said = {};

const style = (name, value) => document.documentElement.style.setProperty(name, value);

function paint(color) {
    if (!isColor(color)) return;
    style("--accent", color);
    style("--on-accent", inkOn(color));
    style("--accent-ink", asInk(color));
}

function speak(lang) {
    i18n = strings[lang] ? new I18n(lang, strings[lang], strings.en) : new I18n("en", strings.en);
    document.documentElement.lang = i18n.lang;
    chat.options = optionsOf(looks, said, i18n.lang);
    document.title = chat.options.title || i18n.t("title");
}

// On the admin's page: the looks that he is choosing, each time that they change; nothing is connected or clicked.
function preview(data) {
    looks = data.looks;
    chat.agentsOnline = data.online;
    chat.open = false; // the focus stays where he types
    chat.loaded = true;
    document.getElementById("root").inert = true;
    paint(isColor(looks.color) ? looks.color : "#2f5bd7");
    speak(data.lang);
    chat.changed();
}

const handlers = {
    start(data) {
        if (data.looks) {
            preview(data);
            return;
        }
        said = data.options;
        speak(data.lang);
        paint(chat.options.color);
        for (const side of ["top", "bottom"]) if (data.edges?.[side]) style("--edge-" + side, data.edges[side]);
        bridge.say("looks", looks);
        chat.ring = () => chat.options.sound && ring();
        chat.start(data);
    },
    open(page) {
        chat.page = page;
        chat.setOpen(true);
    },
    close: () => chat.setOpen(false),
    user: (user) => chat.setUser(user),
    reset: () => chat.reset(),
    event: ({ name, data }) => chat.note(data ? { type: "event", name, data } : { type: "event", name }),
    locale(lang) {
        speak(lang);
        chat.changed();
    },
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
