// context.jsx - what every component may ask for: the desk (deeds), the store (knowledge), words.
import { createContext } from "preact";
import { useContext, useLayoutEffect, useReducer, useRef } from "preact/hooks";
import { fileSize } from "../shared/size.mjs";
import { adviceOf, troubleOf } from "./kinds.mjs";
import { translated } from "./sentences.mjs";
import * as time from "../shared/time.mjs";

export const Context = createContext(null);

export const useDesk = () => useContext(Context).desk;

// The selected part of the store; draws again only when it is another object.
export function useStore(select) {
    const { store } = useContext(Context);
    const [, redraw] = useReducer((n) => n + 1, 0);
    const value = select(store.db);
    const last = useRef(null);
    last.current = { select, value };
    useLayoutEffect(() => {
        const check = (db) => {
            if (!Object.is(last.current.select(db), last.current.value)) redraw();
        };
        check(store.db);
        return store.subscribe(check);
    }, [store]);
    return value;
}

// Words, times and sizes in the chosen language.
export function useWords() {
    const { i18n } = useContext(Context);
    const t = (key, vars) => i18n.t(key, vars);
    const { lang } = i18n;
    // Why a channel did not do it: {text, title}: title is what it said itself. theirs: it is about what the client
    // sent, so nobody here can send it again.
    const reason = (error, theirs) => {
        const { word, sentence, said } = troubleOf(error?.text);
        const inPage = (text) => translated(i18n, text, (why) => reason({ text: why }, theirs).text);
        if (!word) return { text: inPage(error?.text || error?.code || "") };
        if (!i18n.has("trouble." + word)) return { text: t("trouble.other", { why: inPage(sentence) }), title: said || sentence };
        const advice = !theirs && adviceOf(sentence);
        return { text: t("trouble." + word, { why: sentence }) + (advice && i18n.has(advice) ? " " + t(advice) : ""),
            title: said || sentence };
    };
    return {
        t,
        lang,
        told: (sentence) => translated(i18n, sentence), // what the gateway says in English
        said: (key, preset) => (i18n.has(key) ? i18n.t(key) : preset),
        clock: (at) => time.clock(lang, at),
        fine: (at) => time.clockFine(lang, at),
        full: (at) => time.full(lang, at),
        soon: (at) => time.soon(lang, at),
        short: (at) => time.short(lang, at, Date.now(), t("thread.yesterday")),
        day: (at) => time.dayMark(lang, at, { today: t("thread.today"), yesterday: t("thread.yesterday") }),
        ago(at) {
            const { unit, n } = time.ago(at);
            return t("ago." + unit, { n });
        },
        age(at) {
            const { unit, n } = time.ago(at);
            return n ? t("ago." + unit, { n }) : t("ago.moment");
        },
        size: (n) => fileSize(lang, n, t("size.units").split(" ")),
        // Why a request failed, as a clause.
        why(error) {
            if (error?.status === 0) return t("error.offline");
            if (error?.message) return translated(i18n, error.message);
            if (error?.text) return translated(i18n, error.text);
            if (error?.status === 403) return t("error.denied");
            if (error?.status === 413 || error?.code === "too_large") return t("error.too_large");
            if (error?.status === 429) return t("error.too_many");
            if (error?.status >= 502) return t("error.unavailable");
            return error?.code || t("error.unknown");
        },
        reason,
    };
}

// How an agent is called: the display name when it is known.
export function useAgentName() {
    const agents = useStore((db) => db.agents);
    const teams = useStore((db) => db.teams); // where filters name one
    return (name) => agents.find((a) => a.name === name)?.display_name || teams.find((x) => "team:" + x.id === name)?.name || name;
}

export function useLanguage() {
    const { i18n, setLang } = useContext(Context);
    return { lang: i18n.lang, setLang };
}
