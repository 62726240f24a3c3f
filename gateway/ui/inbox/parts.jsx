// parts.jsx - small pieces that many components share: avatars, chips, menus, dialogs, text.
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { linkify, plainName } from "../shared/links.mjs";
import { useWords } from "./context.jsx";
import { Icon } from "./icons.jsx";
import { toneOf } from "./kinds.mjs";

function initials(name) {
    const words = plainName(name).trim().split(/\s+/).filter((w) => /[\p{L}\p{N}]/u.test(w));
    if (!words.length) return "?";
    const letter = (w) => [...w].find((c) => /[\p{L}\p{N}]/u.test(c)) ?? "";
    return (letter(words[0]) + (words.length > 1 ? letter(words[1]) : "")).toUpperCase();
}

export function Avatar({ name, seed, small, online }) {
    return (
        <span class={`avatar tone-${toneOf(seed || name)}${small ? " avatar-small" : ""}`} aria-hidden="true" data-initials={initials(name || "")}>
            {online && <span class="avatar-online" />}
        </span>
    );
}

// A client without a name is told from others by the part of the id that belongs to them alone.
export function clientName(thread, t) {
    const { name, id } = thread?.client ?? {};
    return plainName(name).trim() || t("list.noname", { tag: (id ?? "").slice(15, 19) });
}

// Text of a stranger: only ever text nodes and checked links.
export function Text({ text }) {
    return linkify(text).map((part, i) => part.href
        ? <a key={i} href={part.href} target="_blank" rel="noopener noreferrer nofollow ugc">{part.text}</a>
        : part.text);
}

// A search snippet: [ and ] stand around the words that were hit.
export function Snippet({ text }) {
    return text.split(/\[([\p{L}\p{N}\p{M}'’_-]+)\]/u).map((part, i) => (i % 2 ? <mark key={i}>{part}</mark> : part));
}

export function Button({ icon, children, kind = "plain", label, ...rest }) {
    return (
        <button type="button" class={`button button-${kind}`} aria-label={label} title={label} {...rest}>
            {icon && <Icon name={icon} size={18} />}
            {children && <span class="button-text">{children}</span>}
        </button>
    );
}

export function IconButton({ icon, label, size, class: extra = "", ...rest }) {
    return (
        <button type="button" class={`icon-button ${extra}`} aria-label={label} title={label} {...rest}>
            <Icon name={icon} size={size} />
        </button>
    );
}

export function Spinner({ label }) {
    return <span class="spinner" role="status" aria-label={label} />;
}

// A button that opens a list of choices. items: {label, hint, checked, icon, run, danger} or null
// for a line between. children: the button's inside.
export function Menu({ label, items, children, class: extra = "button button-plain", align = "end", search }) {
    const [open, setOpen] = useState(false);
    const [wanted, setWanted] = useState("");
    const root = useRef(null);
    const id = useId();
    const shown = wanted
        ? items.filter((i) => i && i.label.toLowerCase().includes(wanted.toLowerCase()))
        : items;

    useEffect(() => {
        if (!open) return undefined;
        setWanted("");
        const outside = (e) => !root.current?.contains(e.target) && setOpen(false);
        document.addEventListener("pointerdown", outside);
        root.current.querySelector(search ? "input" : "[role^=menuitem]")?.focus();
        return () => document.removeEventListener("pointerdown", outside);
    }, [open]);

    const close = () => {
        setOpen(false);
        root.current?.querySelector("button")?.focus();
    };
    const onKey = (e) => {
        if (!open) return;
        const all = [...root.current.querySelectorAll("[role^=menuitem]")];
        const at = all.indexOf(document.activeElement);
        const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
        if (e.key === "Escape") close();
        else if (step) all[(at + step + all.length) % all.length]?.focus();
        else if (e.key === "Enter" && e.target.tagName === "INPUT") all[0]?.click();
        else if (e.key === "Tab") {
            setOpen(false);
            return;
        } else return;
        e.preventDefault();
        e.stopPropagation();
    };
    const choose = (item) => {
        close();
        item.run();
    };
    return (
        <div class="menu-root" ref={root} onKeyDown={onKey}>
            <button type="button" class={extra} aria-haspopup="menu" aria-expanded={open} title={label}
                aria-controls={open ? id : undefined} aria-label={label} onClick={() => setOpen(!open)}>
                {children}
            </button>
            {open && (
                <div class={`menu menu-${align}`} id={id} role="menu" aria-label={label}>
                    {search && (
                        <input class="menu-search" type="text" value={wanted} placeholder={search}
                            aria-label={search} onInput={(e) => setWanted(e.currentTarget.value)} />
                    )}
                    {shown.map((item, i) => item === null
                        ? <div key={i} class="menu-line" role="separator" />
                        : (
                            <button key={i} type="button" role={item.checked === undefined ? "menuitem" : "menuitemradio"}
                                aria-checked={item.checked} tabIndex={-1} onClick={() => choose(item)}
                                class={`menu-item${item.danger ? " danger" : ""}`}>
                                <span class="menu-icon">{item.checked ? <Icon name="check" size={16} /> : item.icon && <Icon name={item.icon} size={16} />}</span>
                                <span class="menu-label">{item.label}</span>
                                {item.hint && <span class="menu-hint">{item.hint}</span>}
                            </button>
                        ))}
                </div>
            )}
        </div>
    );
}

// A modal window: the browser keeps the focus inside and gives it back.
export function Dialog({ title, onClose, children, wide, plain, class: extra = "" }) {
    const { t } = useWords();
    const ref = useRef(null);
    const titleId = useId();
    useLayoutEffect(() => {
        const dialog = ref.current;
        const before = document.activeElement;
        dialog.showModal();
        return () => {
            dialog.close();
            before?.focus?.();
        };
    }, []);
    return (
        <dialog ref={ref} class={`dialog${wide ? " dialog-wide" : ""}${plain ? " dialog-plain" : ""} ${extra}`}
            aria-labelledby={titleId} onCancel={(e) => { e.preventDefault(); onClose(); }}
            onKeyDown={(e) => e.stopPropagation()}
            onClick={(e) => e.target === ref.current && onClose()}>
            <div class="dialog-body">
                <header class="dialog-head">
                    <h2 id={titleId}>{title}</h2>
                    <IconButton icon="x" label={t("dialog.close")} onClick={onClose} />
                </header>
                {children}
            </div>
        </dialog>
    );
}

export function Confirm({ title, text, action, danger, onYes, onClose }) {
    const { t } = useWords();
    return (
        <Dialog title={title} onClose={onClose}>
            <p class="dialog-text">{text}</p>
            <footer class="dialog-foot">
                <Button onClick={onClose}>{t("dialog.cancel")}</Button>
                <Button kind={danger ? "danger" : "main"} onClick={() => { onClose(); onYes(); }}>{action}</Button>
            </footer>
        </Dialog>
    );
}

export function Field({ label, hint, error, children, id }) {
    return (
        <div class="field">
            <label for={id}>{label}</label>
            {children}
            {error ? <p class="field-error" role="alert">{error}</p> : hint && <p class="field-hint">{hint}</p>}
        </div>
    );
}
