// rich.jsx - draws the marked-up text of a message from its safe tree; spoilers wait to be pressed.
import { useMemo, useState } from "preact/hooks";
import { api } from "./api.mjs";
import { useWords } from "./context.jsx";
import { Text } from "./parts.jsx";
import { richParts } from "./rich.mjs";

// Hidden words are hidden from all: from the eye, from the keyboard, from a screen reader.
function Spoiler({ children }) {
    const { t } = useWords();
    const [open, setOpen] = useState(false);
    const show = (e) => {
        e.preventDefault();
        e.stopPropagation();
        setOpen(true);
    };
    const closed = { role: "button", tabIndex: 0, title: t("msg.spoiler"), "aria-label": t("msg.spoiler"), onClick: show,
        onKeyDown: (e) => (e.key === "Enter" || e.key === " ") && show(e) };
    return (
        <span class={`spoiler${open ? " spoiler-open" : ""}`} {...(open ? {} : closed)}>
            <span inert={!open}>{children}</span>
        </span>
    );
}

// plain: inside of a link or code, where nothing else becomes a link. files: whose pictures it may show.
function Parts({ parts, plain, files }) {
    return parts.map((part, i) => {
        if (typeof part === "string") return plain ? part : <Text key={i} text={part} />;
        const { tag: Tag, href, children } = part;
        if (Tag === "img") return files.some((f) => f.id === part.id) ? <img key={i} class="rich-picture" src={api.mediaUrl(part.id)} alt={part.alt} loading="lazy" /> : part.alt;
        const inside = <Parts files={files} parts={children} plain={plain || Tag === "a" || Tag === "code" || Tag === "pre"} />;
        if (Tag === "spoiler") return <Spoiler key={i}>{inside}</Spoiler>;
        if (Tag === "a") return <a key={i} href={href} target="_blank" rel="noopener noreferrer" title={href}>{inside}</a>;
        return <Tag key={i}>{inside}</Tag>;
    });
}

const NO_FILES = [];

export function Rich({ html, files = NO_FILES }) {
    const parts = useMemo(() => richParts(html), [html]);
    return <Parts parts={parts} files={files} />;
}
