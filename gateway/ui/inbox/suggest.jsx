// suggest.jsx - what is offered while a person writes: canned answers after "/", agents after "@" in a note.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { plainName } from "../shared/links.mjs";
import { useStore, useWords } from "./context.jsx";
import { Avatar } from "./parts.jsx";
import { filled, matching, wordBefore } from "./suggest.mjs";

// What fits the word before the caret: {mark, word, from, items}; null when nothing is to be offered.
function useOffer(text, caret, note) {
    const canned = useStore((db) => db.canned);
    const agents = useStore((db) => db.agents);
    return useMemo(() => {
        const at = wordBefore(text, caret, note);
        if (!at) return null;
        const items = at.mark === "/"
            ? matching(canned, at.word, (c) => [c.shortcut, c.title, c.text])
            : matching(agents.filter((a) => !a.disabled), at.word, (a) => [a.name, a.display_name]);
        return items.length || at.mark === "/" ? { ...at, items } : null;
    }, [text, caret, note, canned, agents]);
}

// area: the field, which may have a put() of its own (editor.jsx); then text is what stands before the caret. write(text) puts
// it there. Returns {onKey, list}: onKey(e) is true when the key was for the list.
export function useSuggest({ id, thread, area, text, note, write, off }) {
    const { t } = useWords();
    const me = useStore((db) => db.me);
    const client = useStore((db) => db.clients.get(thread.client.id));
    const [caret, setCaret] = useState(0);
    const [chosen, setChosen] = useState(0);
    const [left, setLeft] = useState(null); // the word that the person did not want help with
    const offer = useOffer(text, caret, note);
    const open = Boolean(offer) && !off && left !== offer.from + offer.mark;
    const root = useRef(null);
    useEffect(() => {
        const el = area.current;
        const look = () => document.activeElement === el && setCaret(el.selectionStart);
        document.addEventListener("selectionchange", look);
        return () => document.removeEventListener("selectionchange", look);
    }, [id]);
    useLayoutEffect(() => setCaret(area.current?.selectionStart ?? text.length), [text]);
    useEffect(() => setChosen(0), [offer?.word, offer?.from]);
    useEffect(() => {
        if (!offer) setLeft(null);
    }, [Boolean(offer)]);
    useLayoutEffect(() => root.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [chosen, open]);

    const take = (item) => {
        const put = offer.mark === "/" ? filled(item.text, { client: client ?? thread.client, agent: me, channel: thread.channel }) : "@" + item.name + " ";
        if (area.current.put) return area.current.put(put, offer.word.length + 1);
        const now = text.slice(0, offer.from) + put + text.slice(caret);
        write(now);
        queueMicrotask(() => { // after it is drawn, before the next key
            area.current?.focus();
            area.current?.setSelectionRange(offer.from + put.length, offer.from + put.length);
        });
        return undefined;
    };
    const onKey = (e) => {
        if (!open) return false;
        const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        const n = offer.items.length;
        if (step && n) setChosen((chosen + step + n) % n);
        else if ((e.key === "Enter" || e.key === "Tab") && n && !e.shiftKey) take(offer.items[chosen]);
        else if (e.key === "Escape") setLeft(offer.from + offer.mark);
        else return false;
        e.preventDefault();
        e.stopPropagation();
        return true;
    };
    const list = open && (
        <div class="suggest" ref={root} id="suggest" role="listbox" aria-label={t(offer.mark === "/" ? "canned.title" : "mention.title")}>
            {offer.items.map((item, i) => (
                <button key={item.id ?? item.name} id={"suggest-" + i} type="button" role="option" aria-selected={i === chosen} tabIndex={-1}
                    onPointerDown={(e) => e.preventDefault()} onClick={() => take(item)}>
                    {offer.mark === "/" ? (
                        <>
                            <span class="suggest-key">/{plainName(item.shortcut)}</span>
                            <span class="suggest-main">{item.title && <b dir="auto">{plainName(item.title)} </b>}<span dir="auto">{item.text}</span></span>
                        </>
                    ) : (
                        <>
                            <Avatar name={item.display_name} seed={item.name} small />
                            <span class="suggest-main"><b dir="auto">{plainName(item.display_name)} </b>@{item.name}</span>
                        </>
                    )}
                </button>
            ))}
            {!offer.items.length && <p class="suggest-none">{t("canned.none")}</p>}
        </div>
    );
    return { onKey, list, active: open && offer.items.length ? "suggest-" + chosen : undefined };
}
