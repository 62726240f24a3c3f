// parts.jsx - what these pages share: their words, and a list that comes a page at a time.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { I18n } from "../shared/i18n.mjs";
import { AdminPage } from "../inbox/admin_page.jsx";
import { useDesk, useStore, useWords } from "../inbox/context.jsx";
import { words } from "./words.mjs";

export function useManageWords() {
    const { lang } = useWords();
    return useMemo(() => new I18n(lang, words[lang], words.en), [lang]);
}

// A page for admins; others are told so.
export function ForAdmins({ title, hint, tools, children }) {
    const { t } = useWords();
    const admin = useStore((db) => db.me?.role === "admin");
    return (
        <AdminPage title={title} hint={admin && hint} tools={admin && tools}>
            {admin ? children() : <p role="alert">{t("error.denied")}</p>}
        </AdminPage>
    );
}

// {value, loading, error, load}: what ask() gives, and again on load().
export function useLoaded(ask) {
    const desk = useDesk();
    const [state, setState] = useState({ value: null, loading: true, error: null });
    const load = async () => {
        try {
            setState({ value: await ask(), loading: false, error: null });
        } catch (e) {
            const error = desk.failed(e);
            setState((s) => ({ ...s, loading: false, error }));
        }
    };
    useEffect(() => {
        load();
    }, []);
    return { ...state, load };
}

const EMPTY_MAX = 20; // pages in a row without anything, each of which has cost the gateway something

// {rows, more, loading, error}: what ask(cursor) gives, {[key]: rows, next}; anew when `about` changes. A page may be empty
// though there is more: then the next is asked for at once.
export function usePages(ask, key, about) {
    const desk = useDesk();
    const [state, setState] = useState({ rows: [], next: null, loading: true, error: null });
    const asked = useRef(0);
    const load = async (cursor, before) => {
        const me = ++asked.current;
        const current = () => asked.current === me;
        setState({ rows: before, next: null, loading: true, error: null });
        let rows = [];
        let next = cursor;
        try {
            for (let i = 0; i < EMPTY_MAX && current(); i++) {
                const page = await ask(next);
                rows = page[key];
                next = page.next;
                if (rows.length || !next) break;
            }
            if (current()) setState({ rows: [...before, ...rows], next, loading: false, error: null });
        } catch (e) {
            if (current()) setState({ rows: before, next: cursor, loading: false, error: desk.failed(e) });
        }
    };
    useEffect(() => {
        load(null, []);
        return () => {
            asked.current++;
        };
    }, [about]);
    return { ...state, more: state.next && (() => load(state.next, state.rows)), again: () => load(null, []) };
}
